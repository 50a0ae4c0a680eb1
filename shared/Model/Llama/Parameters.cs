using System.Collections;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>Named tensors in a fixed order, under Hugging Face's state-dict keys: all that a model is beside its config. Owns its tensors.</summary>
public sealed class Parameters : IReadOnlyList<KeyValuePair<string, Tensor>>, IDisposable
{
    private readonly List<KeyValuePair<string, Tensor>> _ordered = [];
    private readonly Dictionary<string, Tensor> _byName = new(StringComparer.Ordinal);

    /// <summary>Takes the tensors over, all of one type, contiguous; they outlive the dispose scope that they were made in.</summary>
    public Parameters(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        foreach (var (name, tensor) in tensors)
        {
            _byName.Add(name, tensor.DetachFromDisposeScope());
            _ordered.Add(KeyValuePair.Create(name, tensor));
        }
    }

    /// <inheritdoc/>
    public int Count => _ordered.Count;

    /// <summary>Where the tensors lie, all of them; main memory where there are none.</summary>
    public torch.Device Device => Count > 0 ? this[0].Value.device : torch.CPU;

    /// <summary>What the numbers are kept in.</summary>
    public torch.ScalarType Type => Count > 0 ? this[0].Value.dtype : torch.ScalarType.Float32;

    /// <summary>How many numbers the model has.</summary>
    public long Elements => _ordered.Sum(parameter => parameter.Value.numel());

    /// <inheritdoc/>
    public KeyValuePair<string, Tensor> this[int index] => _ordered[index];

    /// <summary>The tensor of that name; an unknown name is a <see cref="KeyNotFoundException"/>.</summary>
    public Tensor this[string name] => _byName[name];

    /// <summary>The tensor of that name, or null.</summary>
    public Tensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Turns gradients on or off for all.</summary>
    public void RequireGradients(bool required)
    {
        foreach (var (_, tensor) in _ordered) tensor.requires_grad = required;
    }

    /// <summary>Sets every gradient to zero; call it between steps.</summary>
    public void ZeroGradients()
    {
        foreach (var (_, tensor) in _ordered)
        {
            using var gradient = tensor.grad;
            gradient?.zero_();
        }
    }

    /// <summary>A copy with storage of its own and without gradients: the reference model of DPO, or a checkpoint to go back to.</summary>
    public Parameters Clone()
    {
        using var _ = torch.no_grad();
        return new Parameters(_ordered.Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value.detach().clone())));
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => _ordered.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var (_, tensor) in _ordered) tensor.Dispose();
    }
}
