using SelfRewarding.Contracts;
using SelfRewarding.Inference;

namespace SelfRewarding.Benchmarks;

/// <summary>Answers with recordings: at once, or after the time that an engine would have taken.</summary>
/// <param name="pace">Null answers at once.</param>
internal sealed class RecordedGenerator(RecordedTexts texts, FormatSettings format, RecordedPace? pace) : ITextGenerator
{
    private readonly string _judge = Beginning(format.Judge), _draft = Beginning(format.Draft);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        IReadOnlyList<GeneratedText> written = [.. keys.Select(key => Write(prompt, key))];
        if (pace is not null)
            await Task.WhenAll(written.Select(text => pace.TakeAsync(text.Tokens.Count + 1, cancellationToken)));
        return written;
    }

    private GeneratedText Write(string prompt, ulong key) =>
        prompt.StartsWith(_judge, StringComparison.Ordinal) ? texts.Judgement(key)
        : prompt.StartsWith(_draft, StringComparison.Ordinal) ? RecordedTexts.Draft(key)
        : texts.Answer(key);

    private static string Beginning(string template) => template[..template.IndexOf('{', StringComparison.Ordinal)];
}

/// <summary>
/// The time that an engine takes: a sample waits for one of its slots and holds it for a step a token, as in <see cref="Model.GenerationEngine"/>. A step of a
/// large model takes as long with few sequences as with many, since it reads all weights.
/// </summary>
internal sealed class RecordedPace(int slots, TimeSpan step, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _free = new(slots);

    public void Dispose() => _free.Dispose();

    public async Task TakeAsync(int tokens, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            await Task.Delay(step * tokens, time, cancellationToken);
        }
        finally
        {
            _free.Release();
        }
    }
}
