using System.Globalization;
using System.Reflection;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

/// <summary>torchsharp-api.txt is what the assembly offers, so that a signature that TorchSharp lacks cannot slip in unseen.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_signatures_are_those_of_the_list()
    {
        var assembly = typeof(torch).Assembly;
        using var stream = assembly.GetManifestResourceStream("SelfRewarding.Torch.torchsharp-api.txt")!;
        using var reader = new StreamReader(stream);
        var listed = reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToArray();

        var actual = Signatures(assembly).Order(StringComparer.Ordinal).ToArray();

        actual.ShouldBe(listed, $"shared/Torch/torchsharp-api.txt should read:\n{string.Join('\n', actual)}");
    }

    private static IEnumerable<string> Signatures(Assembly assembly) =>
        from type in assembly.GetExportedTypes()
        where type.Namespace!.StartsWith("TorchSharp", StringComparison.Ordinal) || type.Name is not ("NativeKernels" or "TensorMemory")
        from signature in Members(type)
        select signature;

    private static IEnumerable<string> Members(Type type)
    {
        var name = Name(type);
        if (type.IsEnum)
        {
            var items = Enum.GetNames(type).Select(item => $"{item} = {Convert.ToInt64(Enum.Parse(type, item), CultureInfo.InvariantCulture)}");
            return [$"{name}: {string.Join(", ", items)}"];
        }

        const BindingFlags own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        return type.GetMembers(own)
            .Where(member => member is not MethodInfo { IsSpecialName: true } method || method.Name.StartsWith("op_", StringComparison.Ordinal))
            .Where(member => member is not Type)
            .Select(member => $"{name}.{Signature(member)}");
    }

    private static string Signature(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        MethodInfo { Name: "op_Implicit" } method => $"implicit {Name(method.ReturnType)}({Parameters(method)})",
        MethodInfo method => $"{method.Name}{(method.IsGenericMethod ? "<T>" : "")}({Parameters(method)}) : {Name(method.ReturnType)}",
        PropertyInfo property => $"{property.Name}{Indexer(property)} : {Name(property.PropertyType)} get{(property.CanWrite ? " set" : "")}",
        FieldInfo field => $"{field.Name} : {Name(field.FieldType)}",
        _ => member.ToString()!,
    };

    private static string Indexer(PropertyInfo property) => property.GetIndexParameters().Length > 0 ? "[]" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Literal(parameter)}" : "")}"));

    private static string Literal(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => "null",
        bool value => value ? "true" : "false",
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Name(Type type)
    {
        if (type.IsArray) return $"{Name(type.GetElementType()!)}[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying) return $"{Name(underlying)}?";
        if (type.IsGenericParameter) return type.Name;
        var simple = type.IsNested ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (!type.IsGenericType) return simple;
        return $"{simple.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
