using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.ReadModels;

/// <summary>
/// The tables of the read models, beside those of the log and never part of them: to be asked with SQL, from Grafana or psql. They hold
/// nothing that the log does not: when the fold changes, they are dropped and made anew.
/// </summary>
public static class ReadModelSchema
{
    /// <summary>Under this name Marten's <c>mt_event_progression</c> keeps how far the log is folded.</summary>
    public const string Progression = "self_rewarding_read_models";

    // Count up when the tables, the state or what is counted changes.
    private const int Version = 3;

    private const string Tables = """
        create table rm_runs (
            run text collate "C" primary key,
            parent text, forked_at_iteration int, forked_from text,
            preset text, seed numeric(20), iterations int,
            state text not null, stop_reason text,
            started_at timestamptz, last_fact_at timestamptz, ended_at timestamptz,
            tokens_generated bigint not null, eft_accepted int, eft_refused int, eft_thinned int,
            started_position bigint not null, position bigint not null);
        create table rm_models (
            run text collate "C", model text collate "C",
            number int not null,
            recipe text, parent text, dataset_sha256 text, pairs int, judging_pairs int, examples int, steps int, last_step int,
            loss float8, rewards_margins float8, rewards_accuracies float8, tokens_per_second float8,
            path text, sha256 text,
            training_started_at timestamptz, published_at timestamptz, evaluated_at timestamptz,
            exact_match_greedy float8, exact_match_sampled float8, mean_oracle_score float8, mean_length float8,
            pairwise_accuracy float8, five_best float8, exact_order float8, spearman float8, kendall float8,
            unparsable_rate float8, tie_rate float8, judge_agreement float8,
            position bigint not null,
            primary key (run, model));
        create table rm_contests (
            run text collate "C", model text collate "C", against text collate "C",
            wins int not null, ties int not null, losses int not null, length_controlled_win_rate float8,
            position bigint not null,
            primary key (run, model, against));
        create table rm_progress (
            run text collate "C", iteration int,
            planned int not null, generated int not null, sampled int not null, judged int not null, settled int not null,
            pairs int not null, judging_pairs int, discarded int not null, refused_drafts int not null,
            begun_at timestamptz, frozen_at timestamptz,
            position bigint not null,
            primary key (run, iteration));
        create table rm_iteration_statistics (
            run text collate "C", iteration int,
            prompts int not null, candidates int not null, truncated_candidates int not null,
            judgements int not null, unparsable_judgements int not null, pairs int not null, judging_pairs int,
            mean_score float8 not null, mean_candidate_length float8 not null, mean_margin float8 not null,
            model text, dataset_sha256 text,
            position bigint not null,
            primary key (run, iteration));
        create table rm_drift (
            run text collate "C", iteration int,
            score_0 int not null, score_1 int not null, score_2 int not null, score_3 int not null, score_4 int not null, score_5 int not null,
            unparsable_rate float8, truncated_rate float8, tie_rate float8, usable_pair_share float8, chosen_longer_share float8,
            mean_score float8 not null, mean_candidate_length float8 not null, judge_agreement float8,
            position bigint not null,
            primary key (run, iteration));
        create table rm_discards (
            run text collate "C", iteration int, reason text collate "C",
            prompts int not null,
            position bigint not null,
            primary key (run, iteration, reason));
        create table rm_state (
            run text collate "C" primary key,
            state text not null,
            position bigint not null);
        """;

    private static readonly string _remake = $"""
        {string.Concat(ReadModelTables.All.Select(table => $"drop table if exists {table.Name};\n"))}
        drop table if exists rm_version;
        {Tables}
        insert into mt_event_progression (name, last_seq_id) values ('{Progression}', 0) on conflict (name) do update set last_seq_id = 0;
        """;

    // Their steps are one: from whatever there was, they are made anew. So they are, too, where nobody knows any more how far they had come.
    private static readonly SchemaPart _part =
        new("read_models", Version, _ => [_remake], $"exists (select from mt_event_progression where name = '{Progression}')");

    /// <summary>Makes what is missing, and makes anew what an older version made. Safe to repeat, and when several programs start at once.</summary>
    /// <exception cref="SchemaException">A newer version made them.</exception>
    public static Task EnsureAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => _part.EnsureAsync(database, null, cancellationToken);

    /// <summary>Whether the tables are there, and of this version.</summary>
    public static async Task<bool> IsCurrentAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => await _part.FindVersionAsync(database, cancellationToken) == Version;

    /// <summary>Compares the tables with what they must be.</summary>
    public static Task<CatalogComparison> CompareAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => Catalog.CompareAsync(database, [Tables], cancellationToken);
}
