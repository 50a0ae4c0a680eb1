namespace SelfRewarding.Control.Settings;

/// <summary>The settings asked for cannot be; <see cref="Problems"/> has one sentence for each thing that is wrong.</summary>
public sealed class SettingsException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
