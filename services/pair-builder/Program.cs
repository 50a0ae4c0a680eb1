using SelfRewarding.Hosting;
using SelfRewarding.PairBuilder;

return await WorkerHost.RunAsync(PairBuilderModule.Module, args);
