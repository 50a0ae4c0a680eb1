using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>Generation for the workers that need it; in a host with several they share one engine a model.</summary>
public static class InferenceSetup
{
    /// <summary>Adds <see cref="ITextGenerator"/>, which is the run's own models, <see cref="TextEngines"/>, which may be servers in their place, and what they stand on.</summary>
    public static IServiceCollection AddTextGeneration(this IServiceCollection services)
    {
        services.TryAddSingleton<RunData>();
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<WorkerOptions>();
            return new ModelPool(slots: options.Slots, captureContent: options.Telemetry.CaptureContent, device: ComputeDevice.Named(options.Device));
        });
        services.TryAddSingleton<ITextGenerator, LocalTextGenerator>();
        services.TryAddSingleton<TextEngines>();
        services.TryAddSingleton<AnswerJudge>();
        return services;
    }

    /// <summary>What keeps this machine from computing where the options say; null where nothing does.</summary>
    public static string? DeviceProblem(WorkerOptions options) => ComputeDevice.Problem(options.Device) is { } problem ? $"{WorkerOptions.DeviceVariable} is '{options.Device}', and {problem}" : null;
}
