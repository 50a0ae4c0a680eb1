using SelfRewarding.Hosting;
using SelfRewarding.Evaluator;

return await WorkerHost.RunAsync(EvaluatorModule.Module, args);
