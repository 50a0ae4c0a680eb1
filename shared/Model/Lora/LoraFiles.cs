namespace SelfRewarding.Model;

/// <summary>The files of an adapter, by PEFT's names.</summary>
public static class LoraFiles
{
    internal const string Config = "adapter_config.json", Weights = "adapter_model.safetensors";

    /// <summary>Whether there are an adapter's weights in this folder.</summary>
    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, Weights));

    /// <summary>Lower-case hex SHA-256 of an adapter's weights.</summary>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    public static string Sha256(string folder) => CheckpointFolder.HashOf([Path.Combine(folder, Weights)]);
}
