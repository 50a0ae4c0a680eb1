namespace SelfRewarding.Contracts;

/// <summary>The version of the vocabulary as messages carry it. It rises when a fact changes so that an older worker would take it for something else.</summary>
public static class ContractVersion
{
    /// <summary>What this program writes, and the only version that it reads from the bus. The log is read in every version that ever was (<see cref="FactVersions"/>).</summary>
    /// <remarks>
    /// 2: a run may hand a stage to a server (<see cref="RunSettings.Engines"/>); a worker of version 1 would generate with the run's own model.
    /// 3: a run may compute in bfloat16 (<see cref="ModelSettings.ComputeDtype"/>), compare judgements (<see cref="JudgeSettings.MetaIterations"/>) and end training early (<see cref="DpoSettings.EarlyStopping"/>);
    /// a worker of version 2 would do none of it.
    /// </remarks>
    public const int Current = 3;
}
