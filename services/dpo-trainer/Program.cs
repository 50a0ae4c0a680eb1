using SelfRewarding.Hosting;
using SelfRewarding.DpoTrainer;

return await WorkerHost.RunAsync(DpoTrainerModule.Module, args);
