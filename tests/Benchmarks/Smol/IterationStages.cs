using SelfRewarding.Contracts;

namespace SelfRewarding.Benchmarks;

/// <summary>A stretch of a run.</summary>
/// <param name="Read">Tokens of prompts that were read meanwhile.</param>
/// <param name="Written">Tokens that were drawn.</param>
/// <param name="Trained">Tokens that went forward and backward.</param>
/// <param name="PeakBytes">The most memory of this process.</param>
internal sealed record IterationStage(string Name, TimeSpan Time, long Read, long Written, long Trained, long PeakBytes);

/// <summary>A run of one iteration, cut where a model, the judging seed or the pairs are done.</summary>
/// <param name="tokens">How many tokens have been read and written by now.</param>
internal sealed class IterationStages(Func<(long Read, long Written)> tokens)
{
    private readonly List<IterationStage> _stages = [];
    private DateTimeOffset _start;
    private long _read, _written, _trained;

    public IReadOnlyList<IterationStage> Stages => _stages;

    /// <summary>Whether the iteration's model is there.</summary>
    public bool IsPublished { get; private set; }

    /// <summary>Why the run stopped, or null.</summary>
    public string? Stopped { get; private set; }

    public int Prompts { get; private set; }

    public int Answers { get; private set; }

    public int Judgements { get; private set; }

    public int JudgingExamples { get; private set; }

    public int Pairs { get; private set; }

    public int Steps { get; private set; }

    /// <summary>Takes the next fact as soon as it is there.</summary>
    public void Apply(object fact, DateTimeOffset at)
    {
        switch (fact)
        {
            case RunStarted:
                _start = at;
                ProcessPeak.Take();
                break;
            case ModelPublished f:
                IsPublished |= f.Model.Name == ModelNames.OfIteration(2);
                End(f.Parent is null ? "take the model over as M0" : $"train {f.Model.Name}", at);
                break;
            case EftBuilt f:
                JudgingExamples = f.Accepted;
                End("build the judging seed from ranked answers", at);
                break;
            case DatasetFrozen f:
                Pairs = f.Pairs;
                End("draft prompts, answer, judge, build pairs", at);
                break;
            case TrainingStepped f:
                Steps++;
                _trained += f.Tokens;
                break;
            case PromptGenerated:
                Prompts++;
                break;
            case CandidatesSampled f:
                Answers += f.Candidates.Count;
                break;
            case CandidatesJudged f:
                Judgements += f.Judgements.Count;
                break;
            case ModelEvaluated f when f.Model.Name == ModelNames.OfIteration(2):
                End("measure what is left", at);
                break;
            case RunStopped f:
                Stopped = f.Reason;
                break;
        }
    }

    private void End(string name, DateTimeOffset at)
    {
        var (read, written) = tokens();
        _stages.Add(new(name, at - _start, read - _read, written - _written, _trained, ProcessPeak.Take()));
        (_start, _read, _written, _trained) = (at, read, written, 0);
    }
}
