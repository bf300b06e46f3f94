using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Browser;

/// <summary>A small fleet with a bit of everything, for pictures.</summary>
internal sealed record DemoFleet(KeyId FellBack, ObjectId Newest)
{
    private static readonly string[] Names = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "juniper", "kelp", "larch"];

    public static async Task<DemoFleet> MakeAsync(TestServer server)
    {
        var commits = new List<ObjectId>();
        for (var version = 1; version <= 4; version++)
        {
            server.WriteSource("etc/version", $"2.{version}.0");
            server.WriteSource("usr/bin/scope", new string((char)('a' + version), 20_000 * version));
            server.WriteSource($"usr/share/doc/notes-{version}", "what is new");
            commits.Add(new Publisher(server.Data, server.Time).Publish(
                new PublishOptions { Branch = BranchName.Parse("edge"), Source = server.Source, Version = $"2.{version}.0", Subject = $"Scope firmware 2.{version}.0" }, CancellationToken.None).Commit);
            if (version < 4)
                await ServerCommand.DoAsync("--data", server.DataPath, "branch", "promote", "edge", "stable", "--reason", version == 3 ? "a week in the lab without a fault" : "tested");
        }
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "protect", "stable");
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "create", "field/asia");
        KeyId fellBack = default;
        for (var number = 0; number < 40; number++)
        {
            using var device = new TestDevice(server);
            var name = number == 11 ? "a-very-long-name-that-somebody-typed-without-a-single-space-and-which-goes-on-and-on-until-nothing-is-left" : $"{Names[number % Names.Length]}-{number:00}";
            var branch = BranchName.Parse(number % 4 == 3 ? "edge" : "stable");
            await device.SendAsync(Routes.Enrol, new EnrolRequest(device.Key.Public.Pem, name, number % 3 == 0 ? "scope-3b" : "scope-2", "aarch64", branch,
                number < 3 ? null : server.NewToken(TokenRole.Enrol), number < 2 ? "SN-0001" : $"SN-{number:0000}"), ProtocolJson.Default.EnrolRequest);
            if (number < 3)
                continue;
            var (target, old) = number % 4 == 3 ? (commits[3], commits[2]) : (commits[2], commits[1]);
            var poll = new PollRequest(branch, "good", 1, number % 4 == 3 ? 4 : 3, Running: target);
            await device.PollAsync((number % 10) switch { 1 => poll with { Running = old, Wanted = target }, 4 => poll with { Running = old }, 6 when number > 20 => poll with { Running = old, Hold = true }, 8 when number > 30 => poll with { Running = old, Failed = target }, _ => poll });
            if (number % 10 == 8 && number > 30)
            {
                fellBack = device.Id;
                var now = server.Time.GetUtcNow();
                await device.ReportAsync(
                    new ReportEvent(1, now.AddDays(-9), EventKind.Updated, old, "6-" + old.ToString()[..8]), new ReportEvent(2, now.AddDays(-9).AddMinutes(2), EventKind.Confirmed, old, "6-" + old.ToString()[..8]),
                    new ReportEvent(3, now.AddMinutes(-20), EventKind.Updated, target, "7-" + target.ToString()[..8]),
                    new ReportEvent(4, now.AddMinutes(-12), EventKind.FellBack, target, "7-" + target.ToString()[..8], 1, "three boots were not confirmed: required check 10-network ended with 1"),
                    new ReportEvent(5, now.AddMinutes(-12), EventKind.Denied, target, "7-" + target.ToString()[..8]));
                await device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("7-" + target.ToString()[..8], "trial boot 3 of 3\n[    2.101] eth0: link is down\n[    9.400] 10-network: no route to the update server\n"), ProtocolJson.Default.BlackBoxRequest);
            }
        }
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "set", "scopes", "--filter", "hardware==scope-3b and branch==stable");
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "add", "scopes", server.Devices().List(1)[0].Id.ToString());
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "ceiling", "scopes", commits[2].ToString(), "--reason", "the fair goes on until Sunday");
        await RollOutAsync(server, commits[^1]);
        return new DemoFleet(fellBack, commits[^1]);
    }

    // Stopped in its second wave.
    private static async Task RollOutAsync(TestServer server, ObjectId commit)
    {
        await ServerCommand.DoAsync("--data", server.DataPath, "rollout", "start", "--branch", "edge", "--to", commit.ToString(), "--wave", "20%", "--wave", "60%", "--wave", "100%", "--max-failures", "2", "--reason", "the fix for the trigger");
        var now = server.Time.GetUtcNow();
        foreach (var (device, number) in server.Devices().List(100).Where(d => d.Branch == BranchName.Parse("edge")).Select((d, i) => (d, i)))
        {
            using var connection = server.Data.OpenDatabase().Connect();
            var rollout = RolloutBook.Find(connection, 1);
            if (rollout.Plan.WaveOf(device.Id) is not < 2)
                continue;
            RolloutBook.TryOffer(connection, rollout, device.Id, rollout.Plan.WaveOf(device.Id)!.Value, now);
            if (number % 3 == 1)
            {
                connection.Execute("INSERT INTO events (device, sequence, time, kind, commit_id, code, message) VALUES ($id, 9, $now, 'fell-back', $commit, 1, 'three boots were not confirmed: required check 10-network ended with 1')",
                    ("$id", device.Id), ("$now", now), ("$commit", commit));
            }
            RolloutBook.Note(connection, device.Id, new PollRequest(BranchName.Parse("edge"), "good", 1, 4, Running: number % 3 == 1 ? null : commit, Failed: number % 3 == 1 ? commit : null), now);
        }
        await ServerCommand.DoAsync("--data", server.DataPath, "rollout", "next", "1");
    }
}
