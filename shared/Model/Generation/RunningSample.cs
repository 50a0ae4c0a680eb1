namespace SelfRewarding.Model;

/// <summary>One sample that holds a slot of the running batch.</summary>
internal sealed class RunningSample(GenerationJob job, int index, int slot)
{
    private readonly List<int> _tokens = [];
    private readonly List<float> _logProbs = [];
    private TimeSpan _firstToken;

    public GenerationJob Job => job;

    public int Slot => slot;

    /// <summary>The token that the next step reads.</summary>
    public int LastToken => _tokens[^1];

    /// <summary>Its place in the sequence.</summary>
    public int LastPosition => job.Request.PromptIds.Length + _tokens.Count - 1;

    /// <summary>The number that decides the next token: a function of the sample's key and the token's place in the answer, and of nothing else.</summary>
    public double NextUniform => Philox.Uniform(job.Request.SampleKeys[index], 0, (ulong)_tokens.Count);

    /// <summary>Takes a drawn token; true when the sample ends with it.</summary>
    public bool Accept(int token, float logProb)
    {
        if (_logProbs.Count == 0) _firstToken = job.Elapsed;
        _logProbs.Add(logProb);
        var stops = job.StopIds.Contains(token);
        if (!stops) _tokens.Add(token);
        if (!stops && _tokens.Count < job.Limit) return false;
        job.Finish(index, new Completion([.. _tokens], [.. _logProbs], stops ? FinishReason.Stop : FinishReason.Length, _firstToken, job.Elapsed));
        return true;
    }
}

/// <summary>Samples of one prompt whose prefill is on its way, in the slot of the first.</summary>
internal sealed class Prefill(GenerationJob job, IReadOnlyList<RunningSample> samples)
{
    public GenerationJob Job => job;

    public IReadOnlyList<RunningSample> Samples => samples;

    /// <summary>Prompt tokens in the cache.</summary>
    public int Done { get; set; }

    public int Remaining => job.Request.PromptIds.Length - Done;
}
