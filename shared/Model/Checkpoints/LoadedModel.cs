namespace SelfRewarding.Model;

/// <summary>A model, the tokenizer that belongs to it, and how it was taught to read instructions. Owns the model.</summary>
/// <param name="Model">The weights and their config.</param>
/// <param name="Chat">Its chat template, with its tokenizer.</param>
public sealed record LoadedModel(Llama Model, ChatTemplate Chat) : IDisposable
{
    /// <summary>A model that was taught no turns.</summary>
    public LoadedModel(Llama model, ITokenizer tokenizer)
        : this(model, ChatTemplate.Named(ChatTemplate.Plain, tokenizer))
    {
    }

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer => Chat.Tokenizer;

    /// <summary>What else came with it, to be saved beside it again.</summary>
    public ModelFiles Files { get; init; } = ModelFiles.None;

    /// <summary>Frees the weights, and gives the system back what else was freed before.</summary>
    public void Dispose()
    {
        Model.Dispose();
        FreedMemory.GiveBack();
    }
}
