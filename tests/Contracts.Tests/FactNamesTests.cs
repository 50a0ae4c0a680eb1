using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed partial class FactNamesTests
{
    // Facts are the records of the Facts folder that begin a stream's event; parts of facts (ModelRef, Candidate …) have no Run of their own.
    // A segment says whose stream it is, and is stored nowhere.
    private static IEnumerable<Type> Facts => typeof(FactNames).Assembly.GetTypes()
        .Where(type => type is { IsPublic: true, IsSealed: true, IsAbstract: false } && type.GetProperty("Run")?.PropertyType == typeof(string) && type != typeof(PromptSegment));

    [Fact]
    public void Every_fact_has_a_stored_name() => FactNames.ByType.Keys.ShouldBe(Facts, ignoreOrder: true);

    [Fact]
    public void Every_stored_name_is_Marten_s_alias_of_its_type_with_its_version_behind() =>
        FactNames.ByType.ShouldAllBe(pair => FactVersions.Split(pair.Value).Fact == Alias(pair.Key.Name));

    [Fact]
    public void A_stored_name_leads_back_to_its_type() =>
        FactNames.ByType.ShouldAllBe(pair => FactNames.ByName[pair.Value] == pair.Key);

    [Theory]
    [InlineData("PromptGenerated", "prompt_generated")]
    [InlineData("HTTPRequestReceived", "http_request_received")]
    [InlineData("OrderV2Placed", "order_v2_placed")]
    public void The_rule_is_the_one_that_Marten_documents(string type, string alias) => Alias(type).ShouldBe(alias);

#pragma warning disable CA1308 // the alias is lower case
    private static string Alias(string name) => Words().Replace(name, "_").ToLowerInvariant();
#pragma warning restore CA1308

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")]
    private static partial Regex Words();
}
