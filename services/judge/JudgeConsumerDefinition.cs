using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Judge;

/// <summary>A message is N × J judgements, as many as the settings ask for where nobody says otherwise.</summary>
public sealed class JudgeConsumerDefinition(WorkerOptions options)
    : WorkDefinition<JudgeConsumer>(options.MessagesAtOnce(new CandidateSettings().Count * new JudgeSettings().Count));
