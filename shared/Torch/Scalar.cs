using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>A number as an operand. Its kind (real, integer, bool) takes part in type promotion.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Scalar
{
    private readonly double _real;
    private readonly long _integer;
    private readonly int _kind;

    private Scalar(double real, long integer, int kind)
    {
        _real = real;
        _integer = integer;
        _kind = kind;
    }

    public static implicit operator Scalar(float value) => new(value, 0, 0);

    public static implicit operator Scalar(double value) => new(value, 0, 0);

    public static implicit operator Scalar(int value) => new(0, value, 1);

    public static implicit operator Scalar(long value) => new(0, value, 1);

    public static implicit operator Scalar(bool value) => new(0, value ? 1 : 0, 2);
}
