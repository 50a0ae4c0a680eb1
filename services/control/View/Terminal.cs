using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>The terminal as it is: colour only where it is wanted, signs beyond ASCII only where the locale can show them.</summary>
public static class Terminal
{
    /// <summary>A console on standard output. <c>NO_COLOR</c> is respected by Spectre.Console itself; a file or a pipe gets no escape sequences, which it would get wherever <c>TERM</c> names a terminal.</summary>
    public static IAnsiConsole Create()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        console.Profile.Capabilities.Unicode = SpeaksUtf8(Environment.GetEnvironmentVariable);
        return console;
    }

    /// <summary>Whether the locale is UTF-8, by the variables and in the order that POSIX lays down. No locale at all is POSIX's: ASCII.</summary>
    public static bool SpeaksUtf8(Func<string, string?> environment)
    {
        var locale = ((string[])["LC_ALL", "LC_CTYPE", "LANG"]).Select(environment).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "C";
        return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>The few signs beyond ASCII that the view uses, and what stands for them where they cannot be shown.</summary>
internal sealed record Glyphs(string Arrow, string None, char Full, char Rest)
{
    private static readonly Glyphs Unicode = new("→", "–", '━', '─');
    private static readonly Glyphs Ascii = new("->", "-", '#', '.');

    public static Glyphs For(IAnsiConsole console) => console.Profile.Capabilities.Unicode ? Unicode : Ascii;

    /// <summary>A bar of the given width, <paramref name="share"/> of it full.</summary>
    public string Bar(double share, int width)
    {
        var full = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return new string(Full, full) + new string(Rest, width - full);
    }
}
