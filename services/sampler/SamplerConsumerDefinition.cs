using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Sampler;

/// <summary>A message is N answers, as many as the settings ask for where nobody says otherwise.</summary>
public sealed class SamplerConsumerDefinition(WorkerOptions options) : WorkDefinition<SamplerConsumer>(options.MessagesAtOnce(new CandidateSettings().Count));
