using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class CanonicalJsonTests
{
    [Fact]
    public void Texts_are_escaped_as_little_as_possible() =>
        new CanonicalJson().Add("t", "\"\\\b\f\n\r\t\u0001\u007f<>&'/é漢😀").ToString()
            .ShouldBe("{\"t\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u007f<>&'/é漢😀\"}");

    [Fact]
    public void Properties_keep_their_order_and_numbers_their_shortest_form() =>
        new CanonicalJson().Add("z", 1).Add("a", 4.5).Add("b", 5.0).Add("c", 13.0 / 3).Add("d", 1e-7)
            .Add("l", ["x", "y"]).Add("o", [new CanonicalJson().Add("k", -1), new CanonicalJson()]).ToString()
            .ShouldBe("""{"z":1,"a":4.5,"b":5,"c":4.333333333333333,"d":1E-07,"l":["x","y"],"o":[{"k":-1},{}]}""");

    [Fact]
    public void The_culture_of_the_machine_does_not_matter()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            culture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = culture;
            new CanonicalJson().Add("a", -4.5).Add("b", -3).ToString().ShouldBe("""{"a":-4.5,"b":-3}""");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Any_text_and_number_reads_back_the_same() =>
        Prop.ForAll<NonNull<string>, NormalFloat>((text, number) =>
        {
            // Half a surrogate pair is no text and cannot be in UTF-8.
            var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get));
            var read = JsonDocument.Parse(new CanonicalJson().Add("t", valid).Add("n", number.Get).ToString()).RootElement;
            return read.GetProperty("t").GetString() == valid && read.GetProperty("n").GetDouble().Equals(number.Get);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_number_that_JSON_lacks_is_refused() =>
        Should.Throw<ArgumentException>(() => new CanonicalJson().Add("a", double.NaN)).Message.ShouldContain("\"a\" is NaN, expected a finite number");

    [Fact]
    public void The_hash_is_that_of_the_bytes_written()
    {
        CanonicalJson[] lines = [new CanonicalJson().Add("prompt", "é"), new CanonicalJson().Add("prompt", "b")];
        using var stream = new MemoryStream();
        var hash = CanonicalJson.Write(stream, lines);
        Encoding.UTF8.GetString(stream.ToArray()).ShouldBe("{\"prompt\":\"é\"}\n{\"prompt\":\"b\"}\n");
        hash.ShouldBe(CanonicalJson.Sha256(lines));
        hash.ShouldBe("537aad3276ec28fc8d176b7c60bb0f4454af3f43d35f951db7040a107d8ee912");
        CanonicalJson.Sha256([]).ShouldBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
