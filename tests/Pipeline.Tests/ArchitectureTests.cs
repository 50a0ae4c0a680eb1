using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The reference list of a project file is the architecture: dependencies point downward only.</summary>
public sealed class ArchitectureTests
{
    internal static readonly string Root = FindRoot();

    private static readonly Dictionary<string, string[]> Allowed = new Dictionary<string, string[]>
    {
        ["Contracts"] = [],
        ["EventStore"] = [],
        ["Torch"] = [],
        ["Model"] = ["Torch"],
        ["Datasets"] = ["Contracts"],
        ["Hosting"] = ["Contracts", "EventStore", "Datasets"],
        ["Inference"] = ["Hosting", "Model"],
        ["PairBuilder"] = ["Hosting"],
        ["PromptGen"] = ["Inference"],
        ["Sampler"] = ["Inference"],
        ["Judge"] = ["Inference"],
        ["Evaluator"] = ["Inference"],
        ["DpoTrainer"] = ["Inference"],
        ["Control"] = ["PromptGen", "Sampler", "Judge", "PairBuilder", "DpoTrainer", "Evaluator"],
    };

    [Fact]
    public void Projects_reference_only_what_lies_below_them()
    {
        var projects = Directory.GetFiles(Path.Combine(Root, "shared"), "*.csproj", SearchOption.AllDirectories)
            .Concat(Directory.GetFiles(Path.Combine(Root, "services"), "*.csproj", SearchOption.AllDirectories)).ToList();
        projects.Count.ShouldBe(Allowed.Count);
        foreach (var project in projects)
        {
            var references = XDocument.Load(project).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
            references.Except(Allowed[Path.GetFileNameWithoutExtension(project)]).ShouldBeEmpty($"{project} references upward or sideways");
        }
    }

    [Fact]
    public void Contracts_and_datasets_need_no_package()
    {
        foreach (var name in (string[])["Contracts", "Datasets"])
            XDocument.Load(Path.Combine(Root, "shared", name, $"{name}.csproj")).Descendants("PackageReference").ShouldBeEmpty();
    }

    [Fact]
    public void The_program_of_a_worker_is_a_page_of_at_most_fifteen_lines()
    {
        foreach (var program in Directory.GetFiles(Path.Combine(Root, "services"), "Program.cs", SearchOption.AllDirectories))
            File.ReadAllLines(program).Length.ShouldBeLessThanOrEqualTo(15, program);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SelfRewarding.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No SelfRewarding.sln above {AppContext.BaseDirectory}.");
    }
}
