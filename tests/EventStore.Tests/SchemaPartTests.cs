using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Steps that leave a trail: each may be taken once only.</summary>
public sealed class SchemaPartTests(Postgres postgres)
{
    private static readonly string[] _steps =
    [
        "create table trail (step int primary key); insert into trail values (1)",
        "insert into trail values (2)",
        "insert into trail values (3)",
    ];

    [Fact]
    public async Task An_empty_database_takes_every_step_in_order_and_once()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(3).EnsureAsync(database, cancellationToken: Token);
        await Part(3).EnsureAsync(database, cancellationToken: Token);

        (await TrailAsync(database)).ShouldBe("1,2,3");
        (await Part(3).FindVersionAsync(database, Token)).ShouldBe(3);
    }

    [Fact]
    public async Task An_older_database_takes_only_the_steps_that_it_lacks_however_many_programs_start_at_once()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(1).EnsureAsync(database, cancellationToken: Token);
        (await TrailAsync(database)).ShouldBe("1");

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() => Part(3).EnsureAsync(database, cancellationToken: Token))));

        (await TrailAsync(database)).ShouldBe("1,2,3");
    }

    [Fact]
    public async Task A_newer_database_is_refused_untouched_with_what_to_do()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(3).EnsureAsync(database, cancellationToken: Token);

        var refusal = await Should.ThrowAsync<SchemaException>(() => Part(2).EnsureAsync(database, cancellationToken: Token));

        refusal.Message.ShouldBe("The tables of 'trail' in database 'postgres' are at version 3, expected 2 or older: " +
            "a newer version of this program has changed them, so use that one here, or give this one another database.");
        (await Part(3).FindVersionAsync(database, Token)).ShouldBe(3);
    }

    [Fact]
    public async Task A_step_that_fails_leaves_the_database_as_it_was()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(1).EnsureAsync(database, cancellationToken: Token);
        var broken = new SchemaPart("trail", 3, from => ((string[])["", "insert into trail values (2)", "insert into trail values (1)"]).Skip(from));

        var failure = await Should.ThrowAsync<SchemaException>(() => broken.EnsureAsync(database, cancellationToken: Token));

        failure.Message.ShouldContain("cannot be brought from version 1 to 3: duplicate key");
        failure.Message.ShouldContain("Nothing was changed.");
        (await TrailAsync(database)).ShouldBe("1");
        (await Part(1).FindVersionAsync(database, Token)).ShouldBe(1);
    }

    [Fact]
    public async Task A_user_who_may_not_change_tables_works_with_a_current_database_and_is_told_who_can_bring_up_an_older_one()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(1).EnsureAsync(database, cancellationToken: Token);
        await using var reader = await Postgres.AsReaderAsync(database);

        await Part(1).EnsureAsync(reader, cancellationToken: Token);
        var refusal = await Should.ThrowAsync<SchemaException>(() => Part(2).EnsureAsync(reader, cancellationToken: Token));

        refusal.Message.ShouldContain("permission denied");
        refusal.Message.ShouldContain("start the program once as the owner of the tables");
    }

    [Fact]
    public async Task What_has_gone_missing_is_made_again()
    {
        await using var database = await postgres.CreateEmptyAsync();
        var part = new SchemaPart("trail", 1, _ => ["create table if not exists trail (step int)"], "to_regclass('trail') is not null");
        await part.EnsureAsync(database, cancellationToken: Token);
        await database.ExecuteAsync("drop table trail");

        await part.EnsureAsync(database, cancellationToken: Token);

        (await TrailAsync(database)).ShouldBe("");
    }

    [Fact]
    public async Task Parts_have_versions_of_their_own()
    {
        await using var database = await postgres.CreateEmptyAsync();
        await Part(2).EnsureAsync(database, cancellationToken: Token);
        await new SchemaPart("other", 1, _ => ["create table other (id int)"]).EnsureAsync(database, cancellationToken: Token);
        (await Part(2).FindVersionAsync(database, Token)).ShouldBe(2);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static SchemaPart Part(int version) => new("trail", version, from => _steps.Take(version).Skip(from));

    private static async Task<string> TrailAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("select coalesce(string_agg(step::text, ',' order by step), '') from trail");
        return (string)(await command.ExecuteScalarAsync(Token))!;
    }
}
