namespace SelfRewarding.EventStore;

/// <summary>
/// As whom a server's programs run. PostgreSQL refuses to run as root, and no server should: root runs it as an unprivileged user; everyone else as themselves.
/// </summary>
/// <param name="Name">The user.</param>
/// <param name="Prefix">What goes before a command so that it runs as this user; empty where that is us.</param>
internal sealed record ServerAccount(string Name, IReadOnlyList<string> Prefix)
{
    // May pass through folders that are closed to the account (a data folder below the home of root), and read: nothing more.
    private static readonly string[] _passThrough = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];

    private bool IsOther => Prefix.Count > 0;

    /// <summary>Chooses the account, and gives it a folder that it can reach.</summary>
    /// <param name="server">What the server is called, for messages.</param>
    /// <param name="user">The user that the server's package makes.</param>
    public static async Task<ServerAccount> ForFolderAsync(string server, string user, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        if (!Environment.IsPrivilegedProcess)
            return new ServerAccount(Environment.UserName, []);

        var (name, uid, gid) = FindUnprivilegedUser(server, user);
        var account = new ServerAccount(name, ["setpriv", $"--reuid={uid}", $"--regid={gid}", "--clear-groups"]);
        await account.OwnAsync(folder, cancellationToken);
        if (await account.CanUseAsync(folder, cancellationToken))
            return account;
        account = account with { Prefix = [.. account.Prefix, .. _passThrough] };
        if (await account.CanUseAsync(folder, cancellationToken))
            return account;
        throw new PrivateServerException(
            $"{server} does not run as root, and user '{name}' cannot reach '{folder}': choose a folder that every user may pass through, such as --data /var/lib/selfreward.");
    }

    /// <summary>Makes the account the owner of a folder, which nobody else may enter.</summary>
    public async Task OwnAsync(string folder, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await GiveAsync(folder, cancellationToken);
    }

    /// <summary>Makes the account the owner of a file, whose mode stays.</summary>
    public async Task GiveAsync(string file, CancellationToken cancellationToken)
    {
        if (!IsOther)
            return;
        var chown = await Command.RunAsync(["chown", "--no-dereference", $"{Name}:", file], cancellationToken);
        if (chown.ExitCode != 0)
            throw new PrivateServerException($"'{file}' cannot be given to user '{Name}': {chown.LastLine}");
    }

    /// <summary>Runs a program as this account.</summary>
    public Task<CommandResult> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        Command.RunAsync([.. Prefix, .. command], cancellationToken);

    // By doing it: access(2), which 'test -x' asks, knows nothing of capabilities.
    private async Task<bool> CanUseAsync(string folder, CancellationToken cancellationToken)
    {
        var probe = Path.Combine(folder, ".reachable");
        var touch = await RunAsync(["touch", probe], cancellationToken);
        File.Delete(probe);
        return touch.ExitCode == 0;
    }

    private static (string Name, string Uid, string Gid) FindUnprivilegedUser(string server, string preferred)
    {
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length >= 4).ToList();
        var user = users.Find(fields => fields[0] == preferred) ?? users.Find(fields => fields[0] == "nobody")
            ?? throw new PrivateServerException($"{server} does not run as root, and there is no user '{preferred}' or 'nobody' to run it: run this program as another user.");
        return (user[0], user[2], user[3]);
    }
}
