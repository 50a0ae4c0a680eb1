namespace TorchSharp;

/// <summary>
/// Frees the tensors that its thread made while it was the innermost scope. See <see cref="torch.NewDisposeScope"/>. Scopes are a stack of
/// their thread's own: do not await inside one.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    [ThreadStatic]
    private static DisposeScope? _current;

    private readonly DisposeScope? _outer;
    private readonly List<torch.Tensor> _tensors = [];
    private bool _closed;

    internal DisposeScope()
    {
        _outer = Current;
        _current = this;
    }

    /// <summary>The innermost open scope of this thread.</summary>
    internal static DisposeScope? Current
    {
        get
        {
            while (_current is { } scope && Volatile.Read(ref scope._closed)) _current = scope._outer;
            return _current;
        }
    }

    /// <summary>Frees what is in the scope. Scopes inside it that were left open are closed with it.</summary>
    public void Dispose()
    {
        if (IsOpenHere())
        {
            while (Current is { } inner && inner != this) inner.Close();
        }

        Close();
    }

    /// <summary>Hands the tensor to the innermost open scope around this one, or to nobody if there is none.</summary>
    internal void MoveToOuter(torch.Tensor tensor)
    {
        Remove(tensor);
        var outer = _outer;
        while (outer is not null && Volatile.Read(ref outer._closed)) outer = outer._outer;
        outer?.Add(tensor);
    }

    internal void Add(torch.Tensor tensor)
    {
        lock (_tensors)
        {
            tensor.Scope = this;
            tensor.ScopeIndex = _tensors.Count;
            _tensors.Add(tensor);
        }
    }

    internal void Remove(torch.Tensor tensor)
    {
        // A tensor may be disposed by another thread while its scope closes: both end here.
        lock (_tensors)
        {
            if (tensor.Scope != this) return;
            var last = _tensors[^1];
            _tensors[tensor.ScopeIndex] = last;
            last.ScopeIndex = tensor.ScopeIndex;
            _tensors.RemoveAt(_tensors.Count - 1);
            tensor.Scope = null;
        }
    }

    private bool IsOpenHere()
    {
        for (var scope = Current; scope is not null; scope = scope._outer)
        {
            if (scope == this) return true;
        }

        return false;
    }

    private void Close()
    {
        Volatile.Write(ref _closed, true);
        torch.Tensor[] tensors;
        lock (_tensors)
        {
            tensors = [.. _tensors];
            foreach (var tensor in tensors) tensor.Scope = null;
            _tensors.Clear();
        }

        foreach (var tensor in tensors) tensor.Dispose();
    }
}
