using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>A fact of the run that a fork comes from, as the fork has it.</summary>
public static class SharedFacts
{
    /// <summary>
    /// The same fact under the run's name, by way of every fork between the two. Of the answers and judgements of the iteration where it
    /// branches off, a fork that asks for fewer has the first ones, and the comparisons among these, so that "one judgement instead of three" needs no generating.
    /// </summary>
    public static object AsOf(Ancestry ancestry, string owner, object fact) =>
        ancestry.Chain.TakeWhile(run => run.Run != owner).Reverse().Aggregate(fact, (seen, fork) => AsOf(fork, seen));

    private static object AsOf(RunStarted fork, object fact)
    {
        var run = fork.Run;
        return fact switch
        {
            ModelPublished f => f with { Run = run },
            PromptGenerated f => f with { Run = run },
            CandidatesSampled f => f with { Run = run, Candidates = [.. f.Candidates.Where(candidate => Has(f.Iteration, candidate.Index))] },
            CandidatesJudged f => f with
            {
                Run = run,
                Judgements = [.. f.Judgements.Where(judgement => Has(f.Iteration, judgement.Candidate, judgement.Index))],
                Meta = f.Meta is { } compared ? [.. compared.Where(pair => Has(f.Iteration, pair.Candidate, pair.First) && Has(f.Iteration, pair.Candidate, pair.Second))] : null,
            },
            PreferencePairBuilt f => f with { Run = run },
            PromptDiscarded f => f with { Run = run },
            DatasetFrozen f => f with { Run = run },
            EftBuilt f => f with { Run = run },
            TrainingStarted f => f with { Run = run },
            TrainingStepped f => f with { Run = run },
            CheckpointSaved f => f with { Run = run },
            CheckpointCompared f => f with { Run = run },
            HeldOutAnswered f => f with { Run = run },
            HeldOutJudged f => f with { Run = run },
            ModelEvaluated f => f with { Run = run },
            _ => fact,
        };

        bool Has(int iteration, int answer, int judgement = 0) =>
            iteration != fork.Origin?.Iteration || (answer < fork.Settings.Candidates.Count && judgement < fork.Settings.Judge.Count);
    }
}
