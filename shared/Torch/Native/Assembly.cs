// Structs cross as they lie in memory.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
