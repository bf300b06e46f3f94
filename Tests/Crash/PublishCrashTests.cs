using System.Collections.Concurrent;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A publish that is killed, or whose disk fails, at any call that changes a file system: the old head is served or the new one, all that it
/// reaches is there, and the next publish just works and leaves nothing behind.
/// </summary>
[Trait("Category", "Slow")]
public sealed class PublishCrashTests(ITestOutputHelper output) : IDisposable
{
    private const int MostShown = 8;

    // Of all trials; the others have a failing disk.
    private const double KillShare = 0.6;

    private static readonly Errno[] Errors = Enum.GetValues<Errno>();

    private readonly TemporaryDirectory _temporary = new();

    private string Prepared => _temporary["prepared"];

    private string Source => _temporary["source"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_publish_that_ends_at_any_call_leaves_a_whole_repository_and_the_next_one_works()
    {
        // By a process that ends: in this one the database may stay open, with a journal that not every copy would have.
        await RunWholeAsync("init");
        Shell.Run($"mkdir -p '{Source}/a/b'; cd '{Source}'; for i in $(seq 12); do seq $i > a/f$i; done; head -c 3000000 /dev/zero | tr '\\0' x > a/b/large");
        await RunWholeAsync("publish", "--branch", "stable", Source);
        var old = Head(Prepared);
        Shell.Run($"cd '{Source}'; for i in $(seq 6); do seq 5$i > a/f$i; done; echo more >> a/b/large; ln -s x a/link; mkdir new; echo n > new/n");
        var (calls, tree) = await CountAsync();
        var kills = CrashProfile.Spread(calls, (long)(CrashProfile.PublishTrials * KillShare)).Select(call => (Fault)new Fault.Kill(call));
        var failing = CrashProfile.Spread(calls * Errors.Length, (long)(CrashProfile.PublishTrials * (1 - KillShare)))
            .Select(number => (Fault)new Fault.Fail((number - 1) / Errors.Length + 1, Errors[(int)((number - 1) % Errors.Length)]));
        var failures = new ConcurrentQueue<string>();
        var trials = kills.Concat(failing).ToArray();
        await Parallel.ForEachAsync(trials.Index(), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (trial, _) =>
        {
            if (await TryAsync(_temporary[$"trial{trial.Index}"], trial.Item, old, tree) is { } failure)
                failures.Enqueue($"{trial.Item}: {failure}");
        });
        var summary = $"publish: {trials.Length} trials, {calls} calls, {failures.Count} failed";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
    }

    private async Task RunWholeAsync(params string[] words)
    {
        var ended = await FaultyProgram.RunServerAsync(Prepared, words, null);
        ended.Code.Should().Be(0, ended.Error);
    }

    private async Task<(long Calls, ObjectId Tree)> CountAsync()
    {
        var (whole, log) = (_temporary["whole"], _temporary["calls"]);
        Shell.Run($"cp -a '{Prepared}' '{whole}'");
        var ended = await FaultyProgram.RunServerAsync(whole, ["publish", "--branch", "stable", Source], null, log);
        ended.Code.Should().Be(0, ended.Error);
        return (File.ReadLines(log).Count(), TreeOf(whole));
    }

    private async Task<string?> TryAsync(string data, Fault fault, (long Sequence, ObjectId Commit) old, ObjectId tree)
    {
        Shell.Run($"cp -a '{Prepared}' '{data}'");
        var ended = await FaultyProgram.RunServerAsync(data, ["publish", "--branch", "stable", Source], fault);
        if (fault is Fault.Kill != ended.WasKilled)
            return $"ended with {ended.Code}: {ended.Error}";
        if (ended.Error.Contains("bug", StringComparison.Ordinal))
            return ended.Error;
        var after = Head(data);
        if (after != old && TreeOf(data) != tree)
            return $"the head is at {after}, which is neither the old nor the new one";
        if (await DamageAsync(data) is { } damage)
            return $"afterwards: {damage}";
        // A day later, say: what is younger may be a publisher's that is just beginning.
        foreach (var session in Directory.GetDirectories(Path.Combine(data, "repo/staging")))
            Directory.SetLastWriteTimeUtc(session, DateTime.UtcNow.AddDays(-1));
        var again = await ServerCommand.RunAsync("--data", data, "publish", "--branch", "stable", Source);
        if (again.Exit != 0 || TreeOf(data) != tree || Head(data).Sequence < old.Sequence + 1)
            return $"the next publish ended with {again.Exit}: {again.Error}";
        var collected = await ServerCommand.RunAsync("--data", data, "gc", "--grace", "0", "--keep", "1");
        if (collected.Exit != 0 || await DamageAsync(data) is not null)
            return $"gc ended with {collected.Exit}: {collected.Error}";
        var left = Directory.GetFileSystemEntries(Path.Combine(data, "repo/staging"));
        if (left.Length > 0)
            return $"left behind: {string.Join(", ", left)}";
        Directory.Delete(data, recursive: true);
        return null;
    }

    private static async Task<string?> DamageAsync(string data)
    {
        var check = await ServerCommand.RunAsync("--data", data, "fsck");
        return check.Exit == 0 ? null : check.Error + check.Out;
    }

    private static (long Sequence, ObjectId Commit) Head(string path)
    {
        using var data = DataDirectory.Open(path);
        var head = new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable"));
        return (head.Sequence, head.Commit);
    }

    private static ObjectId TreeOf(string path)
    {
        using var data = DataDirectory.Open(path);
        return data.Repository.ReadCommit(Head(path).Commit).Tree;
    }
}
