using System.Reflection;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;
using SelfRewarding.Sampler;

namespace SelfRewarding.Control.Up;

/// <summary>The workers, each with the program that runs it as a process of its own.</summary>
public static class Programs
{
    /// <summary>In the order of the loop.</summary>
    public static IReadOnlyList<(WorkerModule Module, Assembly Program)> All { get; } =
    [
        (PromptGenModule.Module, typeof(PromptGenModule).Assembly), (SamplerModule.Module, typeof(SamplerModule).Assembly), (JudgeModule.Module, typeof(JudgeModule).Assembly),
        (PairBuilderModule.Module, typeof(PairBuilderModule).Assembly), (DpoTrainerModule.Module, typeof(DpoTrainerModule).Assembly),
        (EvaluatorModule.Module, typeof(EvaluatorModule).Assembly),
    ];

    /// <summary>The command that runs a program: with the runtime that runs this one.</summary>
    public static IReadOnlyList<string> CommandOf(Assembly program) => [Environment.ProcessPath!, program.Location];
}
