using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Judge;

/// <summary>A message is N × J judgements, as many as the settings ask for where nobody says otherwise.</summary>
public sealed class JudgeConsumerDefinition(WorkerOptions options)
    : WorkDefinition<JudgeConsumer>(options.MessagesAtOnce(SlotsEach))
{
    /// <summary>Texts of a message, as <see cref="WorkerOptions.MessagesAtOnce"/> counts them.</summary>
    public static int SlotsEach { get; } = new CandidateSettings().Count * new JudgeSettings().Count;
}
