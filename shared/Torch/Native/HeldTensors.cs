using TorchSharp;

namespace SelfRewarding.Torch;

/// <summary>Native tensors of a list of operands, held until disposed: what the marshaller does for a single operand.</summary>
internal readonly ref struct HeldTensors
{
    private readonly TensorHandle[] _handles;
    private readonly nint[] _pointers;

    internal HeldTensors(IReadOnlyCollection<torch.Tensor> tensors)
    {
        _handles = new TensorHandle[tensors.Count];
        _pointers = new nint[tensors.Count];
        var held = 0;
        try
        {
            foreach (var tensor in tensors)
            {
                var handle = tensor.Handle;
                var added = false;
                handle.DangerousAddRef(ref added);
                _handles[held] = handle;
                _pointers[held++] = handle.DangerousGetHandle();
            }
        }
        catch
        {
            Release(held);
            throw;
        }
    }

    internal ReadOnlySpan<nint> Pointers => _pointers;

    public void Dispose() => Release(_handles.Length);

    private void Release(int held)
    {
        for (var i = 0; i < held; i++) _handles[i].DangerousRelease();
    }
}
