using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// The sequences that run together. Each step is one forward pass over ragged rows: the last token of every running sample, and as many prompt tokens of newcomers as the cap
/// leaves room for. Samples end and their slots are free for the next step (continuous batching, Orca 2022). Used by one thread.
/// </summary>
internal sealed class RunningBatch : IDisposable
{
    private readonly Llama _model;
    private readonly KvCache _cache;
    private readonly int _rowsPerStep;
    private readonly Stack<int> _freeSlots;
    private readonly List<Prefill> _prefills = [];
    private readonly List<RunningSample> _samples = [];
    private readonly KeyValuePair<string, object?> _tag;

    public RunningBatch(Llama model, int slots, int context, int rowsPerStep, KeyValuePair<string, object?> tag)
    {
        _model = model;
        _tag = tag;
        _cache = new KvCache(model.Config, slots, context, model.Device, model.Compute);
        _rowsPerStep = rowsPerStep;
        _freeSlots = new Stack<int>(Enumerable.Range(0, slots).Reverse());
        ModelTelemetry.SlotLimit.Add(slots, tag);
    }

    public bool IsEmpty => _prefills.Count == 0 && _samples.Count == 0;

    /// <summary>
    /// Gives slots to a job's samples; true when all have theirs. Samples of one job start together, so that they share a prefill; only a job of more samples than there are
    /// slots starts in several parts.
    /// </summary>
    public bool Admit(GenerationJob job)
    {
        var wanted = Math.Min(job.Request.SampleKeys.Count - job.Admitted, _cache.Slots);
        if (_freeSlots.Count < wanted) return false;
        _prefills.Add(new Prefill(job, [.. Enumerable.Range(job.Admitted, wanted).Select(index => new RunningSample(job, index, _freeSlots.Pop()))]));
        job.Admitted += wanted;
        ModelTelemetry.SlotUsage.Add(wanted, _tag);
        return job.Admitted == job.Request.SampleKeys.Count;
    }

    /// <summary>Frees the slots of jobs that were cancelled.</summary>
    public void CancelJobs()
    {
        foreach (var prefill in _prefills) prefill.Job.CancelIfAsked();
        foreach (var sample in _samples) sample.Job.CancelIfAsked();
        DropFinishedJobs();
    }

    /// <summary>Ends everything that runs with an error.</summary>
    public void Fail(Exception exception)
    {
        foreach (var job in _prefills.Select(prefill => prefill.Job).Concat(_samples.Select(sample => sample.Job))) job.Fail(exception);
        DropFinishedJobs();
    }

    /// <summary>One forward pass and one drawn token for every sample whose prompt is complete.</summary>
    public void Step()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var rows = new Rows(_model.Device);
        foreach (var sample in _samples)
        {
            rows.Add(sample.LastToken, sample.Slot, sample.LastPosition);
            rows.Draw(sample);
        }

        AddPrompts(rows);
        var hidden = _model.Forward(rows.Ids, rows.Slots, rows.Positions, _cache); // (R, d)
        if (rows.Draws.Count == 0) return;
        var logits = _model.Logits(hidden.index_select(0, rows.DrawRows)); // (draws, V)
        var (tokens, logProbs) = Draw(logits, rows.Draws);

        var ended = new HashSet<RunningSample>();
        for (var i = 0; i < tokens.Length; i++)
        {
            if (rows.Draws[i].Accept((int)tokens[i], logProbs[i])) ended.Add(rows.Draws[i]);
        }

        StartDecoding(ended);
        Release(ended);
        _samples.RemoveAll(ended.Contains);
    }

    public void Dispose()
    {
        ModelTelemetry.SlotLimit.Add(-_cache.Slots, _tag);
        _cache.Dispose();
    }

    private void DropFinishedJobs()
    {
        foreach (var prefill in _prefills.Where(prefill => prefill.Job.IsOver)) Release(prefill.Samples);
        Release(_samples.Where(sample => sample.Job.IsOver));
        _prefills.RemoveAll(prefill => prefill.Job.IsOver);
        _samples.RemoveAll(sample => sample.Job.IsOver);
    }

    private void AddPrompts(Rows rows)
    {
        var room = Math.Max(1, _rowsPerStep - rows.Count);
        foreach (var prefill in _prefills)
        {
            for (; room > 0 && prefill.Remaining > 0; room--, prefill.Done++)
                rows.Add(prefill.Job.Request.PromptIds[prefill.Done], prefill.Samples[0].Slot, prefill.Done);

            // All samples of a prompt draw their first token from its last row.
            if (prefill.Remaining > 0) return;
            foreach (var sample in prefill.Samples) rows.Draw(sample);
        }
    }

    private void StartDecoding(HashSet<RunningSample> ended)
    {
        foreach (var prefill in _prefills.Where(prefill => prefill.Remaining == 0))
        {
            var first = prefill.Samples[0];
            foreach (var sample in prefill.Samples)
            {
                if (sample != first && !ended.Contains(sample)) _cache.Copy(first.Slot, sample.Slot, prefill.Done);
                _samples.Add(sample);
            }
        }

        _prefills.RemoveAll(prefill => prefill.Remaining == 0);
    }

    private void Release(IEnumerable<RunningSample> samples)
    {
        var before = _freeSlots.Count;
        foreach (var sample in samples) _freeSlots.Push(sample.Slot);
        if (_freeSlots.Count > before) ModelTelemetry.SlotUsage.Add(before - _freeSlots.Count, _tag);
    }

    private static (long[] Tokens, float[] LogProbs) Draw(Tensor logits, List<RunningSample> samples)
    {
        var n = samples.Count;
        var (temperature, topP, topK, uniform) = (new float[n], new float[n], new long[n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            var sampling = samples[i].Job.Request.Sampling;
            (temperature[i], topP[i], topK[i], uniform[i]) = ((float)sampling.Temperature, (float)sampling.TopP, sampling.TopK, samples[i].NextUniform);
        }

        var (tokens, logProbs) = Kernels.Sample(
            logits, torch.tensor(temperature, device: logits.device), torch.tensor(topP, device: logits.device), torch.tensor(topK, device: logits.device),
            torch.tensor(uniform, device: logits.device));
        return (tokens.cpu().data<long>().ToArray(), logProbs.cpu().data<float>().ToArray());
    }

    /// <summary>The rows of one forward pass, and which of them a token is drawn from.</summary>
    private sealed class Rows(torch.Device device)
    {
        private readonly List<long> _ids = [];
        private readonly List<long> _slots = [];
        private readonly List<long> _positions = [];
        private readonly List<long> _drawRows = [];

        public int Count => _ids.Count;

        public List<RunningSample> Draws { get; } = [];

        public Tensor Ids => torch.tensor(_ids.ToArray(), device: device);

        public Tensor Slots => torch.tensor(_slots.ToArray(), device: device);

        public Tensor Positions => torch.tensor(_positions.ToArray(), device: device);

        public Tensor DrawRows => torch.tensor(_drawRows.ToArray(), device: device);

        public void Add(int id, int slot, int position)
        {
            _ids.Add(id);
            _slots.Add(slot);
            _positions.Add(position);
        }

        /// <summary>The sample's next token is drawn from the row added last.</summary>
        public void Draw(RunningSample sample)
        {
            Draws.Add(sample);
            _drawRows.Add(Count - 1);
        }
    }
}
