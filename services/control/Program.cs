using SelfRewarding.Control;

return await CommandLine.RunAsync(args);
