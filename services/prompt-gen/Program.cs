using SelfRewarding.Hosting;
using SelfRewarding.PromptGen;

return await WorkerHost.RunAsync(PromptGenModule.Module, args);
