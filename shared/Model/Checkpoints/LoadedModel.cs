namespace SelfRewarding.Model;

/// <summary>A model and the tokenizer that belongs to it. Owns the model.</summary>
/// <param name="Model">The weights and their config.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
public sealed record LoadedModel(Llama Model, ITokenizer Tokenizer) : IDisposable
{
    /// <summary>Frees the weights.</summary>
    public void Dispose() => Model.Dispose();
}
