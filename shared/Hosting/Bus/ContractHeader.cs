using MassTransit;
using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>Which version of the vocabulary a message is written in. A worker that does not know it must not guess: the message waits in the error queue for one that does.</summary>
public static class ContractHeader
{
    /// <summary>The header's name.</summary>
    public const string Name = "SelfReward-Contract";

    internal static void Write(SendContext context) => context.Headers.Set(Name, ContractVersion.Current);

    /// <exception cref="ContractVersionException">It is another version than ours.</exception>
    internal static void Check(ConsumeContext context)
    {
        // The first version wrote none.
        var version = context.Headers.Get<int>(Name) ?? 1;
        if (version == ContractVersion.Current)
            return;
        var type = context.SupportedMessageTypes.FirstOrDefault() ?? "";
        throw new ContractVersionException(
            $"{type[(type.LastIndexOf(':') + 1)..]} is written in version {version} of the contracts, this worker speaks version {ContractVersion.Current}: " +
            $"{(version > ContractVersion.Current ? "update this worker" : "update whoever sent it")}, then send it again ('selfreward retry').");
    }
}

/// <summary>A message is of another version of the contracts than this worker's.</summary>
public sealed class ContractVersionException(string message) : Exception(message);
