using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MassTransit;
using MassTransit.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The files in otel/ ask only for what is measured, so that no panel stays empty because a name has changed.</summary>
public sealed partial class DashboardTests
{
    // https://www.rabbitmq.com/docs/prometheus: the broker's own plugin tells these of each queue; and Prometheus itself tells `up`.
    private static readonly string[] FromTheBroker = ["rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_messages_ready", "rabbitmq_detailed_queue_messages_unacked", "rabbitmq_detailed_queue_consumers", "up"];

    // What Prometheus, the broker and MassTransit label series with; ours are KnownMetrics'.
    private static readonly string[] OtherLabels = ["job", "instance", "le", "queue", "vhost", "messaging_masstransit_consumer_type"];

    private static readonly string Otel = Path.Combine(ArchitectureTests.Root, "otel");

    public static TheoryData<string> Dashboards => [.. Directory.GetFiles(Path.Combine(Otel, "grafana", "dashboards"), "*.json").Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void A_dashboard_asks_only_for_metrics_that_are_measured(string file)
    {
        var names = MeasuredNames();
        foreach (var (panel, query) in Queries(file))
            MetricsIn(query).ShouldBeSubsetOf(names, $"{file}, panel '{panel}': {query}");
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void A_dashboard_groups_and_selects_only_by_labels_that_metrics_have(string file)
    {
        var labels = KnownMetrics.Tags.Values.SelectMany(tags => tags).Select(PrometheusName.Label).Concat(OtherLabels).ToHashSet();
        foreach (var (panel, query) in Queries(file))
            LabelsIn(query).ShouldBeSubsetOf(labels, $"{file}, panel '{panel}': {query}");
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public void A_dashboard_s_panels_have_ids_of_their_own_a_title_a_unit_and_the_provisioned_data_source(string file)
    {
        var board = Read(file);
        board["uid"]!.GetValue<string>().ShouldStartWith("self-rewarding-");
        var panels = board["panels"]!.AsArray();
        panels.Select(panel => panel!["id"]!.GetValue<int>()).ShouldBeUnique();
        foreach (var panel in panels)
        {
            panel!["title"]!.GetValue<string>().ShouldNotBeNullOrWhiteSpace();
            panel["targets"]!.AsArray().ShouldNotBeEmpty();
            panel["targets"]!.AsArray().ShouldAllBe(target => target!["datasource"]!["uid"]!.GetValue<string>() == "prometheus");
        }

        File.ReadAllText(Path.Combine(Otel, "grafana", "provisioning", "datasources", "datasources.yaml")).ShouldContain("uid: prometheus\n");
    }

    [Fact]
    public void Every_metric_of_ours_is_on_a_dashboard()
    {
        var shown = Dashboards.SelectMany(row => Queries(row.Data)).SelectMany(query => MetricsIn(query.Query)).ToHashSet();
        foreach (var instrument in OurInstruments())
            PrometheusName.Of(instrument).ShouldContain(name => shown.Contains(name), instrument.Name);
    }

    [Fact]
    public void An_alert_asks_only_for_metrics_that_are_measured()
    {
        var rules = File.ReadAllText(Path.Combine(Otel, "rules.yml"));
        var queries = Expression().Matches(rules).Select(match => match.Groups["expr"].Value).ToList();
        queries.Count.ShouldBe(Regex.Count(rules, "alert: "));
        var names = MeasuredNames();
        foreach (var query in queries)
            MetricsIn(query).ShouldBeSubsetOf(names, query);
    }

    [Fact]
    public void Every_instrument_of_ours_is_known_with_its_tags_and_has_a_description_and_a_unit()
    {
        var instruments = OurInstruments();
        instruments.Select(instrument => instrument.Name).ShouldBe(KnownMetrics.Tags.Keys, ignoreOrder: true);
        foreach (var instrument in instruments)
        {
            instrument.Description.ShouldNotBeNullOrWhiteSpace(instrument.Name);
            instrument.Unit.ShouldNotBeNullOrWhiteSpace(instrument.Name);
        }
    }

    private static IReadOnlyList<Instrument> OurInstruments()
    {
        // Instruments come into being with the class that holds them.
        foreach (var assembly in Directory.GetFiles(AppContext.BaseDirectory, "SelfRewarding.*.dll").Where(file => !file.EndsWith("Tests.dll", StringComparison.Ordinal)).Select(Assembly.LoadFrom))
        {
            foreach (var type in assembly.GetTypes().Where(type => type is { IsClass: true } && type.Name.EndsWith("Telemetry", StringComparison.Ordinal)))
                RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }

        return InstrumentsOf(meter => meter.StartsWith("SelfRewarding.", StringComparison.Ordinal));
    }

    private static IReadOnlyList<Instrument> InstrumentsOf(Func<string, bool> meter)
    {
        var instruments = new List<Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (meter(instrument.Meter.Name))
                    instruments.Add(instrument);
            },
        };
        listener.Start();
        return [.. instruments.DistinctBy(instrument => instrument.Name)];
    }

    private static HashSet<string> MeasuredNames()
    {
        using var database = NpgsqlDataSource.Create("Host=nowhere");
        using var bus = new ServiceCollection().AddMassTransit(setup => setup.UsingInMemory()).BuildServiceProvider();
        var names = bus.GetRequiredService<IOptions<InstrumentationOptions>>().Value;
        return
        [
            .. OurInstruments().Concat(InstrumentsOf(meter => meter == "Npgsql")).SelectMany(PrometheusName.Of), .. FromTheBroker,
            // MassTransit counts in "ea" and times in "ms".
            .. PrometheusName.Of(names.ConsumeFaultTotal, "ea", histogram: false, counter: true), .. PrometheusName.Of(names.ConsumeDuration, "ms", histogram: true, counter: false),
        ];
    }

    private static JsonNode Read(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(Otel, "grafana", "dashboards", file)))!;

    private static IEnumerable<(string Panel, string Query)> Queries(string file) =>
        Read(file)["panels"]!.AsArray().SelectMany(panel => panel!["targets"]!.AsArray().Select(target => (panel["title"]!.GetValue<string>(), target!["expr"]!.GetValue<string>())));

    // What is left of a query without strings, selectors, ranges and lists of labels, and is no function.
    private static List<string> MetricsIn(string query)
    {
        var found = Metric().Matches(Grouping().Replace(Bracketed().Replace(query, " "), " ")).Select(match => match.Value).Where(word => word is not ("and" or "or" or "unless")).ToList();
        found.ShouldNotBeEmpty(query);
        return found;
    }

    private static IEnumerable<string> LabelsIn(string query) =>
        Selector().Matches(query).Select(match => match.Groups["label"].Value)
            .Concat(Grouping().Matches(query).SelectMany(match => match.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)));

    [GeneratedRegex("""\{[^}]*\}|\[[^\]]*\]""")]
    private static partial Regex Bracketed();

    [GeneratedRegex("""\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?<labels>[^)]*)\)""")]
    private static partial Regex Grouping();

    [GeneratedRegex("""(?<![\w.$])[a-zA-Z_][a-zA-Z0-9_]*(?!\w|\s*\()""")]
    private static partial Regex Metric();

    [GeneratedRegex("""[{,]\s*(?<label>\w+)\s*(?:=~|!~|!=|=)""")]
    private static partial Regex Selector();

    // One line, or what follows a `>` with more indentation.
    [GeneratedRegex("""^ {8}expr: (?:>\n(?<expr>(?: {10}.*\n)+)|(?<expr>.+)\n)""", RegexOptions.Multiline)]
    private static partial Regex Expression();
}
