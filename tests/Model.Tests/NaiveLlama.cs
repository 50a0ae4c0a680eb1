using System.Text.Json.Nodes;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// The models written down once more from their papers and the meaning of config.json: loops over doubles, token by token, sharing nothing with the library but the names of the
/// weights. For configs with every field spelled out.
/// </summary>
internal sealed class NaiveLlama(JsonNode config, IReadOnlyDictionary<string, double[]> weights)
{
    private readonly int _hidden = (int)config["hidden_size"]!;
    private readonly int _heads = (int)config["num_attention_heads"]!;
    private readonly int _keyHeads = (int)config["num_key_value_heads"]!;
    private readonly int _dim = (int?)config["head_dim"] ?? (int)config["hidden_size"]! / (int)config["num_attention_heads"]!;
    private readonly double _eps = (double)config["rms_norm_eps"]!;

    /// <summary>Scores of the next token after each of these.</summary>
    public double[][] Logits(int[] ids)
    {
        var x = ids.Select(id => Row(weights["model.embed_tokens.weight"], id, _hidden)).ToArray();
        for (var layer = 0; layer < (int)config["num_hidden_layers"]!; layer++) x = Block(layer, x);
        var head = (bool?)config["tie_word_embeddings"] == true ? "model.embed_tokens" : "lm_head";
        return [.. x.Select(row => Linear(head, Norm("model.norm", row)))];
    }

    /// <summary>Mean of -log p over the tokens after the first <paramref name="prompt"/>.</summary>
    public double Loss(int[] ids, int prompt)
    {
        var logits = Logits(ids);
        return Enumerable.Range(prompt, ids.Length - prompt).Average(i => Math.Log(logits[i - 1].Sum(Math.Exp)) - logits[i - 1][ids[i]]);
    }

    /// <summary>Radians that pair <paramref name="i"/> of a head turns from one position to the next.</summary>
    public double Frequency(int i)
    {
        var frequency = Math.Pow((double)config["rope_theta"]!, -2.0 * i / _dim);
        if (config["rope_scaling"] is not { } scaling) return frequency;

        // Llama 3.1: by wavelength against the context that it was first trained on.
        double Figure(string name) => (double)scaling[name]!;
        var (wavelength, context) = (2 * Math.PI / frequency, Figure("original_max_position_embeddings"));
        if (wavelength < context / Figure("high_freq_factor")) return frequency;
        if (wavelength > context / Figure("low_freq_factor")) return frequency / Figure("factor");
        var smooth = (context / wavelength - Figure("low_freq_factor")) / (Figure("high_freq_factor") - Figure("low_freq_factor"));
        return (1 - smooth) * (frequency / Figure("factor")) + smooth * frequency;
    }

    private double[][] Block(int layer, double[][] x)
    {
        var name = $"model.layers.{layer}.";
        var normed = x.Select(row => Norm(name + "input_layernorm", row)).ToArray();
        var q = normed.Select((row, p) => Turned(Linear(name + "self_attn.q_proj", row), p)).ToArray();
        var k = normed.Select((row, p) => Turned(Linear(name + "self_attn.k_proj", row), p)).ToArray();
        var v = normed.Select(row => Linear(name + "self_attn.v_proj", row)).ToArray();
        var attended = Enumerable.Range(0, x.Length).Select(p => Linear(name + "self_attn.o_proj", Attend(layer, q[p], k, v, p))).ToArray();
        return [.. x.Select((row, p) =>
        {
            double[] middle = [.. row.Zip(attended[p], (a, b) => a + b)];
            var h = Norm(name + "post_attention_layernorm", middle);
            var (gate, up) = (Linear(name + "mlp.gate_proj", h), Linear(name + "mlp.up_proj", h));
            var down = Linear(name + "mlp.down_proj", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
            return (double[])[.. middle.Zip(down, (a, b) => a + b)];
        })];
    }

    private double[] Attend(int layer, double[] q, double[][] k, double[][] v, int position)
    {
        var result = new double[_heads * _dim];
        for (var head = 0; head < _heads; head++)
        {
            var (own, shared) = (head * _dim, head / (_heads / _keyHeads) * _dim);
            var seen = Enumerable.Range(0, position + 1).Where(other => Sees(layer, position, other)).ToArray();
            var weight = seen.Select(other => Math.Exp(Enumerable.Range(0, _dim).Sum(d => q[own + d] * k[other][shared + d]) / Math.Sqrt(_dim))).ToArray();
            for (var d = 0; d < _dim; d++) result[own + d] = seen.Select((other, i) => weight[i] * v[other][shared + d]).Sum() / weight.Sum();
        }

        return result;
    }

    private bool Sees(int layer, int position, int other) => (string)config["model_type"]! switch
    {
        "mistral" when config["sliding_window"] is { } window => other > position - (int)window,
        "qwen2" when (bool)config["use_sliding_window"]! && layer >= (int)config["max_window_layers"]! => other > position - (int)config["sliding_window"]!,
        _ => true,
    };

    private double[] Turned(double[] x, int position)
    {
        var turned = new double[x.Length];
        for (var start = 0; start < x.Length; start += _dim)
        {
            for (var i = 0; i < _dim / 2; i++)
            {
                var (sin, cos) = Math.SinCos(position * Frequency(i));
                var (first, second) = (x[start + i], x[start + i + _dim / 2]);
                (turned[start + i], turned[start + i + _dim / 2]) = (first * cos - second * sin, second * cos + first * sin);
            }
        }

        return turned;
    }

    private double[] Norm(string name, double[] x)
    {
        var scale = 1 / Math.Sqrt(x.Average(value => value * value) + _eps);
        return [.. x.Zip(weights[name + ".weight"], (value, weight) => value * scale * weight)];
    }

    private double[] Linear(string name, double[] x)
    {
        var weight = weights[name + ".weight"];
        var result = new double[weight.Length / x.Length];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = weights.TryGetValue(name + ".bias", out var bias) ? bias[i] : 0;
            for (var j = 0; j < x.Length; j++) result[i] += weight[i * x.Length + j] * x[j];
        }

        return result;
    }

    private static double[] Row(double[] table, int row, int size) => table[(row * size)..((row + 1) * size)];
}
