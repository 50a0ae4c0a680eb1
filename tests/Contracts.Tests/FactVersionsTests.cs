using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class FactVersionsTests
{
    private sealed record Weighed(string Run, double Grams);

    // Three shapes of one fact: kilograms as text, then as a number, then grams.
    private static readonly Upcast s_first = new("weighed", "weighed_v2", json => new JsonObject
    {
        ["Run"] = json["Run"]!.DeepClone(), ["Kilograms"] = double.Parse(json["Weight"]!.GetValue<string>().Replace(" kg", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture),
    });

    private static readonly Upcast s_second = new("weighed_v2", "weighed_v3", json =>
    {
        json["Grams"] = json["Kilograms"]!.GetValue<double>() * 1000;
        json.Remove("Kilograms");
        return json;
    });

    private static readonly Dictionary<Type, string> s_names = new() { [typeof(Weighed)] = "weighed_v3" };

    [Theory]
    [InlineData("weighed", """{"Run":"r","Weight":"1.5 kg"}""")]
    [InlineData("weighed_v2", """{"Run":"r","Kilograms":1.5}""")]
    [InlineData("weighed_v3", """{"Run":"r","Grams":1500}""")]
    public void Every_shape_becomes_the_newest_step_by_step(string name, string stored)
    {
        var versions = new FactVersions(s_names, [s_second, s_first]);
        versions.TypeOf(name).ShouldBe(typeof(Weighed));
        versions.IsOlder(name).ShouldBe(name != "weighed_v3");
        JsonNode.DeepEquals(versions.ToNewest(name, JsonNode.Parse(stored)!.AsObject()), JsonNode.Parse("""{"Run":"r","Grams":1500}""")).ShouldBeTrue();
    }

    [Fact]
    public void A_fact_is_written_under_its_newest_name()
    {
        var versions = new FactVersions(s_names, [s_first, s_second]);
        versions.NameOf(typeof(Weighed)).ShouldBe("weighed_v3");
        versions.NameOf(typeof(string)).ShouldBeNull();
        versions.Names.ShouldBe(["weighed_v3", "weighed", "weighed_v2"], ignoreOrder: true);
    }

    [Fact]
    public void A_name_of_a_newer_version_is_unknown() => new FactVersions(s_names, [s_first, s_second]).TypeOf("weighed_v4").ShouldBeNull();

    [Fact]
    public void A_step_that_is_missing_or_leads_astray_is_refused()
    {
        Refused([s_second], "'weighed'");
        Refused([s_first], "'weighed_v3' is version 3");
        Refused([s_first, s_first, s_second], "upcast twice");
        Refused([s_first, s_second, s_second with { From = "weighed_v3", To = "weighed_v4" }], "newest shape");
        Refused([s_first with { To = "weighed_v3" }, s_second], "expected 'weighed_v2'");
        Refused([s_first, s_second, new Upcast("measured", "measured_v2", json => json)], "no shape of a fact");

        static void Refused(IReadOnlyList<Upcast> upcasts, string why) => Should.Throw<ArgumentException>(() => new FactVersions(s_names, upcasts)).Message.ShouldContain(why);
    }

    [Theory]
    [InlineData("run_started", "run_started", 1)]
    [InlineData("run_started_v2", "run_started", 2)]
    [InlineData("order_v2_placed", "order_v2_placed", 1)]
    [InlineData("level_v1", "level_v1", 1)]
    public void A_stored_name_is_the_fact_and_its_version(string name, string fact, int version) => FactVersions.Split(name).ShouldBe((fact, version));
}
