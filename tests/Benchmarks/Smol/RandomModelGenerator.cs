using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A random model's own texts, each decoded to its limit, with what a random model never writes: an end, and a score. It draws the end token once in 49,152 tokens, so that every
/// draft and answer would be refused as cut off; and no judgement would have a score, so that the run would stop before there is a pair. The score follows from the draw's key.
/// </summary>
/// <param name="chat">The model's, to count what is read.</param>
internal sealed class RandomModelGenerator(ITextGenerator model, ChatTemplate chat, RunSettings settings) : ITextGenerator
{
    private readonly string _judge = settings.Format.Judge[..settings.Format.Judge.IndexOf('{', StringComparison.Ordinal)];
    private readonly ulong _scores = (ulong)(settings.Judge.MaxScore - settings.Judge.MinScore) + 1;
    private long _read, _written;

    /// <summary>Tokens of prompts so far; samples of one prompt read it together.</summary>
    public long Read => Volatile.Read(ref _read);

    /// <summary>Tokens drawn so far.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        RunModel runModel, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        var texts = await model.GenerateAsync(runModel, prompt, keys, sampling, cancellationToken);
        Interlocked.Add(ref _read, chat.Prompt(prompt).Length);
        Interlocked.Add(ref _written, texts.Sum(text => (long)text.TokenCount));
        var isJudgement = prompt.StartsWith(_judge, StringComparison.Ordinal);
        return [.. texts.Zip(keys, (text, key) => text with { Finish = Finish.Stop, Text = isJudgement ? text.Text + Score(key) : text.Text })];
    }

    private string Score(ulong key) => string.Create(CultureInfo.InvariantCulture, $"\nScore: {settings.Judge.MinScore + (key % _scores)}");
}
