using SelfRewarding.Hosting;
using SelfRewarding.Sampler;

return await WorkerHost.RunAsync(SamplerModule.Module, args);
