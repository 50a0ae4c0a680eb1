using System.Globalization;

namespace SelfRewarding.Control.View;

/// <summary>Figures as text, the same in every place; null where there is nothing to say.</summary>
internal static class Figures
{
    public static string? Percent(double? share) => Format(share * 100, "0.0");

    public static string? Number(double? value, string format = "0.00") => Format(value, format);

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Pairs of answers, and those of judgements where these are compared.</summary>
    public static string Pairs(int answers, int? judgements) => $"{Count(answers)} pairs{(judgements is { } number ? $" and {Count(number)} pairs of judgements" : "")}";

    public static string Bytes(long bytes) => bytes < 1 << 20 ? $"{Format(bytes / 1024.0, "0")} KiB" : $"{Format(bytes / 1048576.0, "#,0.0")} MiB";

    public static string Gibibytes(long bytes) => $"{Format(bytes / (double)(1L << 30), "#,0.00")} GiB";

    public static string Rate(double? tokensPerSecond) => tokensPerSecond is { } rate ? $"{Count((long)Math.Round(rate))} tokens/s" : "";

    /// <summary>A probability, without the zero before the point: 1.000, .031, &lt;.001.</summary>
    public static string Probability(double p) => p < 0.001 ? "<.001" : p.ToString("0.000", CultureInfo.InvariantCulture).TrimStart('0');

    /// <summary>Enough of a hash to tell it from others.</summary>
    public static string Hash(string sha256) => $"sha256 {sha256[..Math.Min(12, sha256.Length)]}";

    /// <summary>Win, tie and lose in percent.</summary>
    public static string WinTieLose(int wins, int ties, int losses)
    {
        var all = Math.Max(1, wins + ties + losses) / 100.0;
        return string.Create(CultureInfo.InvariantCulture, $"{wins / all:0}/{ties / all:0}/{losses / all:0}");
    }

    /// <summary>A difference of shares in points, always with its sign.</summary>
    public static string Points(double difference) => (difference * 100).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time:mm\\:ss}")
        : time.ToString("mm\\:ss", CultureInfo.InvariantCulture);

    private static string? Format(double? value, string format) => value is { } number && double.IsFinite(number) ? number.ToString(format, CultureInfo.InvariantCulture) : null;
}
