namespace SelfRewarding.Datasets;

/// <summary>A data file cannot be used. The message says where and why: <c>data/ift.jsonl:17: "prompt" is missing</c>.</summary>
public sealed class DataFileException : Exception
{
    public DataFileException(string message)
        : base(message)
    {
    }

    public DataFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public DataFileException()
    {
    }
}
