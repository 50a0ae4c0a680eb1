using SelfRewarding.Hosting;
using SelfRewarding.Judge;

return await WorkerHost.RunAsync(JudgeModule.Module, args);
