using SelfRewarding.PromptGen;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class RougeLTests
{
    [Theory]
    [InlineData("Write a short Poem, about rain!", "write|a|short|poem|about|rain")]
    [InlineData("Don't stop ’til it's 'done'.", "don't|stop|til|it's|done")]
    [InlineData("reverse: dcab", "reverse|dcab")]
    [InlineData("Straße Ünïted Москва ΣΑΣ", "straße|ünïted|москва|σασ")]
    [InlineData("cafe\u0301 x²", "cafe\u0301|x²")]
    [InlineData("写一首诗", "写|一|首|诗")]
    [InlineData("?! -- …", "")]
    [InlineData("", "")]
    public void Words_are_found_in_any_script(string text, string expected) =>
        string.Join('|', RougeL.Words(text)).ShouldBe(expected);

    [Theory]
    // LCS "police the gunman" = 3 of 4 and 4 words: the example of Lin (2004), section 3.1.
    [InlineData("police killed the gunman", "police kill the gunman", 0.75)]
    [InlineData("police killed the gunman", "the gunman kill police", 0.5)]
    [InlineData("a b c d e", "a b c", 2.0 * 3 / 8)]
    [InlineData("a b a b a", "b a b", 2.0 * 3 / 8)]
    [InlineData("the the the", "the", 0.5)]
    [InlineData("a b", "c d", 0)]
    [InlineData("", "a", 0)]
    [InlineData("Объясни, почему небо голубое", "объясни почему небо голубое!", 1)]
    [InlineData("写一首关于雨的诗", "写一首关于雪的诗", 0.875)]
    public void F1_is_that_worked_by_hand(string a, string b, double expected)
    {
        RougeL.F1(a, b).ShouldBe(expected, 1e-15);
        RougeL.F1(b, a).ShouldBe(expected, 1e-15);
    }

    [Fact]
    public void Texts_longer_than_a_machine_word_are_compared_like_short_ones()
    {
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = (Text(random, random.Next(1, 300), 6), Text(random, random.Next(1, 300), 6));
            RougeL.F1(a, b).ShouldBe(PlainF1(a, b), 1e-15);
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(0.95)]
    public void The_index_finds_what_comparing_with_every_text_finds(double above)
    {
        var random = new Random(7);
        var texts = Enumerable.Range(0, 400).Select(_ => Text(random, random.Next(1, 14), 12)).ToList();
        var index = new RougeLIndex();
        texts.ForEach(index.Add);
        for (var i = 0; i < 400; i++)
        {
            var query = Text(random, random.Next(1, 14), 14);
            var nearest = texts.Select(text => (Text: text, F1: PlainF1(query, text))).Where(match => match.F1 > above).OrderByDescending(match => match.F1).Take(1)
                .Select(match => new RougeLMatch(match.Text, match.F1)).Cast<RougeLMatch?>().SingleOrDefault();
            index.Nearest(query, above).ShouldBe(nearest);
        }
    }

    [Fact]
    public void The_bound_itself_is_not_above_the_bound()
    {
        var index = new RougeLIndex();
        index.Add("a b c d e f g x y z");
        index.Nearest("a b c d e f g 1 2 3", above: 0.7).ShouldBeNull(); // 14 / 20
        index.Nearest("a b c d e f g x 2 3", above: 0.7)!.Value.F1.ShouldBe(0.8);
    }

    // Words are drawn unevenly, as in real text.
    private static string Text(Random random, int words, int vocabulary) =>
        string.Join(' ', Enumerable.Range(0, words).Select(_ => "w" + (int)(vocabulary * Math.Pow(random.NextDouble(), 2))));

    private static double PlainF1(string a, string b)
    {
        var (x, y) = (a.Split(' '), b.Split(' '));
        var lengths = new int[x.Length + 1, y.Length + 1];
        for (var i = 1; i <= x.Length; i++)
        {
            for (var j = 1; j <= y.Length; j++)
                lengths[i, j] = x[i - 1] == y[j - 1] ? lengths[i - 1, j - 1] + 1 : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
        }

        return 2.0 * lengths[x.Length, y.Length] / (x.Length + y.Length);
    }
}
