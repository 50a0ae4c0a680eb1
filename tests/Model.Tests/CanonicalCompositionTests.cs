using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class CanonicalCompositionTests
{
    [Fact]
    public void Texts_compose_as_the_reference_says()
    {
        var vectors = JsonSerializer.Deserialize<string[][]>(File.ReadAllText(Fixture.PathOf("nfc-vectors.json")))!;

        vectors.Length.ShouldBe(600);
        vectors.Count(vector => vector[0] != vector[1]).ShouldBeGreaterThan(200);
        foreach (var vector in vectors) CanonicalComposition.Of(vector[0]).ShouldBe(vector[1], string.Join(' ', vector[0].EnumerateRunes().Select(rune => $"{rune.Value:X}")));
    }

    [Fact]
    public void A_composed_text_stays_as_it_is() =>
        Prop.ForAll(AnyText.Broken, text => CanonicalComposition.Of(text) is var composed && CanonicalComposition.Of(composed) == composed).Check(AnyText.Thorough);

    [Fact]
    public void A_long_row_of_marks_is_put_in_order_without_looking_at_each_pair()
    {
        var composed = CanonicalComposition.Of(string.Concat(Enumerable.Repeat("\u0301\u0323", 200_000)));

        composed.ShouldBe(new string('\u0323', 200_000) + new string('\u0301', 200_000));
    }
}
