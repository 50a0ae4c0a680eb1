using System.Diagnostics;
using SelfRewarding.Contracts;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What a run did and how long each stage took, folded from its facts. The bare computation tells it the same facts directly, so the two
/// are counted alike, and what they made can be held against each other.
/// </summary>
internal sealed class WorkDone
{
    private readonly Lock _gate = new();
    private readonly DateTimeOffset _start = DateTimeOffset.UtcNow;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpuBefore = Environment.CpuUsage.TotalTime;
    private readonly List<(string Stage, DateTimeOffset End)> _ends = [];
    private readonly SortedSet<string> _results = new(StringComparer.Ordinal);

    /// <summary>Wall time from the first stage's start to the last one's end.</summary>
    public TimeSpan Wall { get; private set; }

    /// <summary>Processor time of this process meanwhile; PostgreSQL's is not in it.</summary>
    public TimeSpan Cpu { get; private set; }

    public int Facts { get; private set; }

    public int Steps { get; private set; }

    public long TrainedTokens { get; private set; }

    public int Drafts { get; private set; }

    public int Prompts { get; private set; }

    public int Answers { get; private set; }

    public int Judgements { get; private set; }

    public long GeneratedTokens { get; private set; }

    public int Pairs { get; private set; }

    /// <summary>Why the run stopped before its last model, or null.</summary>
    public string? Stopped { get; private set; }

    /// <summary>Hashes of models and datasets, and each model's figures.</summary>
    public IReadOnlyCollection<string> Results => _results;

    /// <summary>Each stage and the seconds from the end of the one before to its own.</summary>
    public IReadOnlyList<(string Stage, double Seconds)> Stages =>
        [.. _ends.Select((stage, index) => (stage.Stage, (stage.End - (index == 0 ? _start : _ends[index - 1].End)).TotalSeconds))];

    /// <summary>Takes a fact that was there at a time; from any thread.</summary>
    public void Apply(object fact, DateTimeOffset at)
    {
        lock (_gate)
        {
            Facts++;
            switch (fact)
            {
                case ModelPublished f:
                    _ends.Add(($"{f.Model.Name} trained and saved", at));
                    _results.Add($"{f.Model.Name}: weights {f.Model.Sha256}");
                    break;
                case DatasetFrozen f:
                    _ends.Add(($"drafts, answers, judgements, pairs for {f.Model}", at));
                    _results.Add($"{f.Model}: {f.Pairs} pairs {f.Sha256}");
                    Pairs += f.Pairs;
                    break;
                case ModelEvaluated f:
                    _results.Add($"{f.Model.Name}: {f.Following} {f.Judging}");
                    break;
                case TrainingStepped f:
                    Steps++;
                    TrainedTokens += f.Tokens;
                    break;
                case PromptGenerated f:
                    Prompts++;
                    Drafts += f.Rejected.Count + 1;
                    break;
                case PromptDiscarded f:
                    Drafts += f.Rejected.Count;
                    break;
                case CandidatesSampled f:
                    Answers += f.Candidates.Count;
                    GeneratedTokens += f.Candidates.Sum(candidate => candidate.Tokens.Count);
                    break;
                case CandidatesJudged f:
                    Judgements += f.Judgements.Count;
                    GeneratedTokens += f.Judgements.Sum(judgement => judgement.TokenCount);
                    break;
                case RunStopped f:
                    Stopped = f.Reason;
                    break;
            }
        }
    }

    /// <summary>Stops the clock.</summary>
    public void End()
    {
        Wall = Stopwatch.GetElapsedTime(_started);
        Cpu = Environment.CpuUsage.TotalTime - _cpuBefore;
        _ends.Add(("what is left of the evaluation", _start + Wall));
    }
}
