using System.Net;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A server's state in PostgreSQL: moved there and back, shared by several servers, lost and found.</summary>
public sealed class PostgresTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly string _address = PostgresServer.Shared.NewAddress();

    private string Data => _temporary["data"];

    private static readonly string[][] Looks =
    [
        ["token", "list", "--json"], ["device", "list", "--json"], ["group", "list", "--json"], ["audit", "list", "--json"], ["user", "list"], ["branch", "list", "--json"], ["rollout", "list", "--json"],
    ];

    [PostgresFact]
    public async Task Everything_moves_there_and_back()
    {
        await FillAsync();
        var before = await LookAsync();

        (await DoAsync("migrate", "--to", _address)).LastLine.Should().NotContain("@", "it may be logged");

        (await LookAsync()).Should().Equal(before);
        File.Exists(Path.Combine(Data, "server.db")).Should().BeFalse("nobody is to find yesterday's state one day");
        int.Parse(PostgresServer.Shared.Query(_address, "SELECT count(*) FROM tokens"), null).Should().BePositive();
        await DoAsync("token", "create", "--role", "viewer");
        await DoAsync("audit", "verify");
        var there = await LookAsync();
        await DoAsync("migrate", "--to", "server.db");
        (await LookAsync()).Should().Equal(there).And.NotEqual(before);
        File.ReadAllText(Path.Combine(Data, "server.conf")).Should().Contain("# a remark").And.Contain("history.keep = 7").And.Contain($"# database = {_address}");
        await DoAsync("audit", "verify");
    }

    [PostgresFact]
    public async Task Everything_moves_to_what_the_settings_name_already_and_nobody_looks_in_before_it_has()
    {
        await FillAsync();
        var before = await LookAsync();
        var settings = Path.Combine(Data, "server.conf");
        (await RunAsync("migrate", "--from", "server.db")).Exit.Should().Be(18, "it is there");
        File.AppendAllText(settings, $"\ndatabase = {_address}\n");
        (await RunAsync("device", "list")).Should().Match<ServerCommand>(r => r.Exit == 18 && r.Error.Contains("migrate --from server.db"), "the new one is empty, and the old one is not");
        (await RunAsync("serve", "--urls", "http://127.0.0.1:0")).Exit.Should().Be(18);
        using (var connection = PostgresDatabase.Open(PostgresAddress.Parse(_address)).Connect())
        {
            using var transaction = connection.BeginTransaction();
            connection.Execute($"LOCK TABLE {DatabaseCopy.Tables[^1]}");
            using var move = ServerProcess.Start("--data", Data, "migrate", "--from", "sqlite");
            while (PostgresServer.Shared.Query(_address, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%" + DatabaseCopy.Tables[^1] + "%'") == "0")
                await Task.Delay(50);
            (await move.KillAsync()).Should().BeTrue();
        }
        (await RunAsync("device", "list")).Should().Match<ServerCommand>(r => r.Exit == 10 && r.Error.Contains("migrate --from"));

        (await DoAsync("migrate", "--from", "server.db")).LastLine.Should().StartWith("postgresql://");

        (await LookAsync()).Should().Equal(before);
        File.Exists(Path.Combine(Data, "server.db")).Should().BeFalse();
        (await RunAsync("migrate", "--from", "server.db")).Exit.Should().Be(17, "it has moved");
        File.WriteAllText(settings, File.ReadAllText(settings).Replace($"database = {_address}\n", "", StringComparison.Ordinal));
        await DoAsync("migrate", "--from", _address);
        (await LookAsync()).Should().Equal(before);
    }

    [PostgresFact]
    public async Task A_move_that_is_killed_has_moved_nothing_and_begins_again()
    {
        await FillAsync();
        var before = await LookAsync();
        // The last table of the copy is somebody else's for now, so all others are on their way when the program ends.
        PostgresDatabase.Open(PostgresAddress.Parse(_address));
        using (var connection = PostgresDatabase.Open(PostgresAddress.Parse(_address)).Connect())
        {
            using var transaction = connection.BeginTransaction();
            connection.Execute($"LOCK TABLE {DatabaseCopy.Tables[^1]}");
            using var move = ServerProcess.Start("--data", Data, "migrate", "--to", _address);
            while (PostgresServer.Shared.Query(_address, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%" + DatabaseCopy.Tables[^1] + "%'") == "0")
                await Task.Delay(50);
            (await move.KillAsync()).Should().BeTrue();
        }
        File.Exists(Path.Combine(Data, "migrate.unfinished")).Should().BeTrue();
        (await LookAsync()).Should().Equal(before, "the old one counts until all of it is in the new one");

        await DoAsync("migrate", "--to", _address);

        (await LookAsync()).Should().Equal(before);
        File.Exists(Path.Combine(Data, "migrate.unfinished")).Should().BeFalse();
    }

    [PostgresFact]
    public async Task What_is_not_empty_or_in_use_is_left_alone()
    {
        await FillAsync();
        (await RunAsync("migrate", "--to", "server.db")).Exit.Should().Be(18, "it is there already");
        (await RunAsync("migrate", "--to", "mysql://x/y")).Exit.Should().NotBe(0);
        (await RunAsync("migrate", "--to", "postgresql://nobody:secret@127.0.0.1:9/none")).Should().Match<ServerCommand>(r => r.Exit == 13 && !r.Error.Contains("secret"));
        using var other = new TemporaryDirectory();
        await ServerCommand.DoAsync("--data", other["data"], "init");
        await ServerCommand.DoAsync("--data", other["data"], "migrate", "--to", _address);
        var before = PostgresServer.Shared.Query(_address, "SELECT id FROM tokens");
        (await RunAsync("migrate", "--to", _address)).Should().Match<ServerCommand>(r => r.Exit == 18 && r.Error.Contains("empty"));
        PostgresServer.Shared.Query(_address, "SELECT id FROM tokens").Should().Be(before);
        var (serving, _) = await ServerProcess.ServeAsync(Data);
        using (serving)
            (await RunAsync("migrate", "--to", PostgresServer.Shared.NewAddress())).Should().Match<ServerCommand>(r => r.Exit == 18 && r.Error.Contains("stop"));
    }

    [PostgresFact]
    public async Task A_move_that_is_killed_after_the_step_that_counts_is_ended_by_the_next()
    {
        await FillAsync();
        await DoAsync("migrate", "--to", _address);
        var before = await LookAsync();
        File.Move(Path.Combine(Data, "server.db.moved"), Path.Combine(Data, "server.db"));
        File.WriteAllText(Path.Combine(Data, "migrate.unfinished"), PostgresAddress.Parse(_address).Identity);

        await DoAsync("migrate", "--to", _address);

        File.Exists(Path.Combine(Data, "server.db")).Should().BeFalse();
        File.Exists(Path.Combine(Data, "migrate.unfinished")).Should().BeFalse();
        (await LookAsync()).Should().Equal(before);
        (await RunAsync("migrate", "--to", _address)).Exit.Should().Be(18, "now it is there");
    }

    [PostgresFact]
    public async Task What_was_begun_elsewhere_says_nothing_about_a_database_of_the_same_name()
    {
        using var postgres = new PostgresServer();
        var other = postgres.NewAddress();
        using var theirs = new TemporaryDirectory();
        await ServerCommand.DoAsync("--data", theirs["data"], "init");
        await ServerCommand.DoAsync("--data", theirs["data"], "migrate", "--to", other);
        var before = postgres.Query(other, "SELECT id FROM tokens");
        await FillAsync();
        File.WriteAllText(Path.Combine(Data, "migrate.unfinished"), PostgresAddress.Parse(_address).Identity);

        (await RunAsync("migrate", "--to", other)).Exit.Should().Be(18);

        postgres.Query(other, "SELECT id FROM tokens").Should().Be(before);
    }

    [PostgresFact]
    public async Task A_row_that_the_other_engine_cannot_hold_is_named_and_nothing_is_moved()
    {
        await FillAsync();
        Shell.Run($"sqlite3 '{Data}/server.db' \"INSERT INTO empty_branches VALUES ('a' || char(0) || 'b')\"");
        (await RunAsync("migrate", "--to", _address)).Should().Match<ServerCommand>(r => r.Exit == 1 && r.Error.Contains("empty_branches, name 'a?b'"));
        PostgresServer.Shared.Query(_address, "SELECT count(*) FROM tokens").Should().Be("0");
        Shell.Run($"sqlite3 '{Data}/server.db' \"DELETE FROM empty_branches WHERE name LIKE 'a%'\"");
        await DoAsync("migrate", "--to", _address);
    }

    [PostgresFact]
    public async Task No_verb_writes_what_a_move_would_leave_behind()
    {
        await FillAsync();
        using (DataDirectory.LockServing(Data, exclusive: true))
            (await RunAsync("token", "create", "--role", "viewer")).Should().Match<ServerCommand>(r => r.Exit == 18 && r.Error.Contains("migrate"));
        await DoAsync("token", "create", "--role", "viewer");
    }

    [PostgresFact]
    public async Task The_password_of_the_database_is_in_no_backup_and_goes_with_it()
    {
        await FillAsync();
        var settings = Path.Combine(Data, "server.conf");
        Shell.Run($"chmod 640 '{settings}'");
        var address = _address.Replace("ctree@", "ctree:geheim@", StringComparison.Ordinal);
        (await RunAsync("migrate", "--to", address.Replace("geheim", "ge#heim", StringComparison.Ordinal))).Exit.Should().NotBe(0, "a '#' begins a comment");
        await DoAsync("migrate", "--to", address);
        File.ReadAllText(settings).Should().Contain("geheim");
        Shell.Run($"stat -c %a '{settings}'").Should().Be("600\n");
        await DoAsync("backup", _temporary["backup.tar"]);
        File.ReadAllText(_temporary["backup.tar"]).Should().NotContain("geheim");

        await DoAsync("migrate", "--to", "server.db");

        File.ReadAllText(settings).Should().NotContain("geheim").And.Contain("# database = postgresql://ctree@");
        Shell.Run($"stat -c %a '{settings}'").Should().Be("600\n");
    }

    [PostgresFact]
    public async Task A_restored_backup_never_speaks_to_the_database_of_the_server_that_it_was_made_of()
    {
        await FillAsync();
        await DoAsync("migrate", "--to", _address);
        var before = await LookAsync();
        await DoAsync("backup", _temporary["backup.tar"]);

        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", _temporary["backup.tar"]);

        foreach (var (look, said) in Looks.Zip(before))
            (await ServerCommand.DoAsync(["--data", _temporary["new"], .. look])).Out.Should().Be(said);
        await ServerCommand.DoAsync("--data", _temporary["new"], "token", "create", "--role", "viewer");
        (await LookAsync()).Should().Equal(before);
    }

    [PostgresFact]
    public async Task The_index_of_what_is_private_needs_no_memory_that_machines_share()
    {
        await FillAsync();
        await DoAsync("migrate", "--to", _address);
        await DoAsync("branch", "create", "secret", "--private", "--at", "stable");
        await using var server = await TestServer.StartAsync(Data);
        using var device = new TestDevice(server);
        (await server.SendAsync(HttpMethod.Get, "/repo/heads/secret.json")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await server.SendAsync(HttpMethod.Get, Routes.RepositoryObject(new ObjectName(ObjectKind.Commit, ObjectId.Of("x"u8))))).StatusCode.Should().Be(HttpStatusCode.NotFound);
        Shell.Run($"sqlite3 '{Data}/cache/reach.db' 'PRAGMA journal_mode'").Should().Be("delete\n");
    }

    [PostgresFact]
    public void A_server_that_works_on_keeps_its_turn_and_one_that_takes_too_long_hears_that_it_lost_it()
    {
        var (time, database) = (new AdjustableTime(), PostgresDatabase.Open(PostgresAddress.Parse(_address)));
        using var one = new Leases(database, time);
        using var other = new Leases(database, time);
        one.TryHold("work").Should().BeTrue();
        for (var step = 0; step < 3; step++)
        {
            time.Ahead += TimeSpan.FromSeconds(20);
            one.Keep("work");
            other.TryHold("work").Should().BeFalse();
        }
        time.Ahead += TimeSpan.FromSeconds(31);
        other.TryHold("work").Should().BeTrue();
        one.Invoking(o => o.Keep("work")).Should().Throw<IOException>().WithMessage("another server*");
    }

    [PostgresFact]
    public async Task While_the_database_is_away_files_are_served_and_devices_are_told_to_come_again()
    {
        using var postgres = new PostgresServer();
        var address = postgres.NewAddress();
        await FillAsync();
        await DoAsync("migrate", "--to", address);
        await using var server = await TestServer.StartAsync(Data);
        using var device = new TestDevice(server);
        (await device.EnrolAsync()).EnsureSuccessStatusCode();
        (await device.PollAsync()).StatusCode.Should().NotBe(HttpStatusCode.ServiceUnavailable);

        postgres.Kill();

        (await server.SendAsync(HttpMethod.Get, "/repo/heads/stable.json")).StatusCode.Should().Be(HttpStatusCode.OK);
        var refused = await device.PollAsync();
        refused.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        refused.Headers.RetryAfter.Should().NotBeNull();
        (await refused.Content.ReadAsStringAsync()).Should().NotContain("Npgsql").And.NotContain("127.0.0.1");
        (await server.SendAsync(HttpMethod.Get, "/readyz")).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await server.SendAsync(HttpMethod.Get, "/healthz")).StatusCode.Should().Be(HttpStatusCode.OK);
        postgres.Start();
        for (var tries = 0; tries < 100 && (await device.PollAsync()).StatusCode == HttpStatusCode.ServiceUnavailable; tries++)
            await Task.Delay(100);
        (await server.SendAsync(HttpMethod.Get, "/readyz")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await device.PollAsync()).StatusCode.Should().NotBe(HttpStatusCode.ServiceUnavailable);
    }

    [Theory]
    [InlineData("postgresql://ctree@db.example/fleet", "postgresql://db.example/fleet")]
    [InlineData("postgres://ctree:p%40ss@db.example:6432/fleet?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem", "postgresql://db.example/fleet")]
    [InlineData("postgresql:///fleet?host=/run/pg&schema=lab", "postgresql:///fleet?schema=lab")]
    [InlineData("postgresql://[::1]:5433/fleet", "postgresql://::1/fleet")]
    public void An_address_is_read_as_the_engines_own_programs_read_it(string text, string name) => PostgresAddress.Parse(text).Name.Should().Be(name);

    [Theory]
    [InlineData("postgresql://ctree:secret@db.example")]
    [InlineData("postgresql://ctree:secret@db.example/")]
    [InlineData("mysql://ctree:secret@db.example/fleet")]
    [InlineData("postgresql://ctree:secret@db.example/fleet?options=-c%20x")]
    [InlineData("postgresql://ctree:secret@db.example/fleet?schema=a'b")]
    [InlineData("Host=db.example;Password=secret")]
    public void What_is_no_address_is_refused_without_saying_the_password(string text) =>
        FluentActions.Invoking(() => PostgresAddress.Parse(text)).Should().Throw<FormatException>().Which.Message.Should().NotContain("secret");

    public void Dispose() => _temporary.Dispose();

    private async Task FillAsync()
    {
        Directory.CreateDirectory(_temporary["source"]);
        File.WriteAllText(_temporary["source/file"], "one");
        await DoAsync("init");
        File.WriteAllText(Path.Combine(Data, "server.conf"), "# a remark\nhistory.keep = 7");
        await DoAsync("publish", "--branch", "stable", _temporary["source"]);
        await DoAsync("token", "create", "--role", "operator");
        await DoAsync("group", "set", "lab", "--filter", "name~*");
        await DoAsync("device", "accept", "0123456789abcdef", "--expected-on", "stable");
        await DoAsync("branch", "create", "empty");
    }

    private async Task<string[]> LookAsync()
    {
        var said = new List<string>();
        foreach (var look in Looks)
            said.Add((await DoAsync(look)).Out);
        return [.. said];
    }

    private Task<ServerCommand> DoAsync(params string[] words) => ServerCommand.DoAsync(["--data", Data, .. words]);

    private Task<ServerCommand> RunAsync(params string[] words) => ServerCommand.RunAsync(["--data", Data, .. words]);
}
