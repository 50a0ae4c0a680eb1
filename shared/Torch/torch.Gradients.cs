using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Until disposed, operations of this thread record nothing for <see cref="Tensor.backward"/>.</summary>
    public static IDisposable no_grad() => new GradMode(false);

    /// <summary>Until disposed, operations of this thread record for <see cref="Tensor.backward"/> again.</summary>
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    /// <summary>
    /// Like <see cref="no_grad"/>, and cheaper: tensors made until disposed can never take part in <see cref="Tensor.backward"/>.
    /// </summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    /// <summary>Both modes live in the thread that set them, and have to be left there.</summary>
    private abstract class ThreadMode : IDisposable
    {
        private readonly int _thread = Environment.CurrentManagedThreadId;
        private bool _left;

        public void Dispose()
        {
            if (_left) return;
            if (Environment.CurrentManagedThreadId != _thread)
            {
                throw new InvalidOperationException(
                    $"A gradient mode was set by thread {_thread} and disposed by thread {Environment.CurrentManagedThreadId}: do not await inside it.");
            }

            _left = true;
            Leave();
        }

        protected abstract void Leave();
    }

    private sealed class GradMode : ThreadMode
    {
        private readonly bool _before = Native.sr_grad_mode() != 0;

        internal GradMode(bool enabled) => Native.sr_set_grad_mode(enabled);

        protected override void Leave() => Native.sr_set_grad_mode(_before);
    }

    private sealed class InferenceMode : ThreadMode
    {
        private readonly nint _guard;

        internal InferenceMode(bool enabled) => Native.Check(Native.sr_enter_inference_mode(enabled, out _guard));

        protected override void Leave() => Native.sr_leave_inference_mode(_guard);
    }
}
