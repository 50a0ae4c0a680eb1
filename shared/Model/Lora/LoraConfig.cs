using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>Figures of low-rank adaptation, under the names of PEFT's <c>adapter_config.json</c>.</summary>
/// <param name="R">Rank of each update; at least 1.</param>
/// <param name="Alpha">The update is scaled by alpha / r.</param>
/// <param name="Dropout">Share of an adapter's input that is dropped in training.</param>
/// <param name="TargetModules">The projections that get an adapter in every layer, out of <see cref="Known"/>.</param>
public sealed record LoraConfig(int R, double Alpha, double Dropout, IReadOnlyList<string> TargetModules)
{
    /// <summary>The projections of a layer, by the names that its weights have.</summary>
    public static readonly IReadOnlyList<string> Known = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>alpha / r</summary>
    public double Scale => Alpha / R;

    /// <summary>Throws unless an adapter can be made of these.</summary>
    /// <param name="place">What the error calls the place that they come from.</param>
    /// <exception cref="CheckpointException">A figure is out of its range, or a target is no projection of this model.</exception>
    internal void Check(string place)
    {
        if (R < 1) throw new CheckpointException($"{place}: \"r\" is {R}, expected 1 or more.");
        if (!(Alpha > 0 && double.IsFinite(Alpha))) throw new CheckpointException(string.Create(CultureInfo.InvariantCulture, $"{place}: \"lora_alpha\" is {Alpha}, expected a positive number."));
        if (!(Dropout >= 0 && Dropout < 1)) throw new CheckpointException(string.Create(CultureInfo.InvariantCulture, $"{place}: \"lora_dropout\" is {Dropout}, expected 0 or more and below 1."));
        if (TargetModules.Count == 0) throw new CheckpointException($"{place}: \"target_modules\" is empty, expected some of {string.Join(", ", Known)}.");
        if (TargetModules.FirstOrDefault(target => !Known.Contains(target)) is { } unknown)
            throw new CheckpointException($"{place}: \"target_modules\" names '{unknown}', which no layer of this model has; expected some of {string.Join(", ", Known)}.");
    }

    /// <summary>Throws unless these are the figures that an adapter was trained with; the order of targets says nothing.</summary>
    /// <param name="trained">Those figures.</param>
    /// <param name="path">The file that these are from.</param>
    /// <exception cref="CheckpointException">One differs.</exception>
    internal void RefuseUnless(LoraConfig trained, string path)
    {
        foreach (var (field, found, expected) in ((string, string, string)[])
            [
                ("r", Text(R), Text(trained.R)), ("lora_alpha", Text(Alpha), Text(trained.Alpha)), ("lora_dropout", Text(Dropout), Text(trained.Dropout)),
                ("target_modules", Names(TargetModules), Names(trained.TargetModules)),
            ])
        {
            if (found != expected) throw new CheckpointException($"{path}: \"{field}\" is {found}, but this adapter is trained with {expected}: put that back.");
        }

        static string Text(double figure) => figure.ToString("R", CultureInfo.InvariantCulture);
        static string Names(IEnumerable<string> targets) => $"[{string.Join(", ", targets.Distinct().Order(StringComparer.Ordinal))}]";
    }

    /// <summary>The text of PEFT's <c>adapter_config.json</c>.</summary>
    /// <param name="baseModel">Where the model that the adapter belongs to is, see <see cref="LoraAdapter.Save"/>.</param>
    internal string ToJson(string baseModel) => JsonFile.Indented(new JsonObject
    {
        ["peft_type"] = "LORA",
        ["task_type"] = "CAUSAL_LM",
        ["base_model_name_or_path"] = baseModel,
        ["r"] = R,
        ["lora_alpha"] = Alpha,
        ["lora_dropout"] = Dropout,
        ["target_modules"] = new JsonArray([.. TargetModules.Select(target => (JsonNode)target)]),
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["modules_to_save"] = null,
        ["layers_to_transform"] = null,
        ["use_rslora"] = false,
        ["use_dora"] = false,
    });

    /// <summary>Reads <c>adapter_config.json</c>; what would change the arithmetic and is not implemented is refused by the field's name.</summary>
    internal static LoraConfig Read(string path)
    {
        var json = JsonFile.Read(path);
        if (json.Text("peft_type") is not "LORA" and var type) throw new CheckpointException($"{path}: \"peft_type\" is \"{type}\", which is not implemented; LORA is.");
        if (json.Text("bias") is not (null or "none") and var bias) throw new CheckpointException($"{path}: \"bias\" is \"{bias}\", which is not implemented; none is.");
        foreach (var field in (string[])["use_rslora", "use_dora", "fan_in_fan_out", "modules_to_save", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern", "lora_bias"])
        {
            if (json.Find(field) is { } value && !IsOff(value)) throw ConfigFields.Refused(json, field, value);
        }

        var targets = json.Require("target_modules");
        if (targets.ValueKind != JsonValueKind.Array || targets.EnumerateArray().Any(target => target.ValueKind != JsonValueKind.String))
            throw json.Wrong("target_modules", "a list of names", targets);
        var config = new LoraConfig(
            json.Positive("r"), json.PositiveNumber("lora_alpha"), json.Double("lora_dropout", 0), [.. targets.EnumerateArray().Select(target => target.GetString()!)]);
        config.Check(path);
        return config;
    }

    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
