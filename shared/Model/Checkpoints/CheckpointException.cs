namespace SelfRewarding.Model;

/// <summary>
/// A file of a model (config.json, *.safetensors, tokenizer.json) cannot be read, written or used. The message names the file, what was expected, what was found and,
/// where there is something to do, what.
/// </summary>
public sealed class CheckpointException(string message, Exception? inner = null) : Exception(message, inner);
