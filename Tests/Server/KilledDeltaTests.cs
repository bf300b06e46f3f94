using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ContentTree.Server.Deltas;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Making a delta is killed, stopped or runs out of disk: no half of it can be seen, what was coded stays, and the end is the same.</summary>
[Trait("Category", "Crash")]
public sealed partial class KilledDeltaTests : IDisposable
{
    private const int Kills = 12;
    private const int Files = 5;

    // One fills a part.
    private const int FileBytes = 9_000_000;

    private readonly TemporaryDirectory _temporary = new();

    private string _data;

    public KilledDeltaTests() => _data = _temporary["data"];

    private string Data => _data;

    private string Deltas => Path.Combine(Data, "repo/deltas");

    private string Parts => Path.Combine(Data, "cache/parts");

    [Fact]
    public async Task A_killed_generation_shows_no_half_delta_goes_on_with_its_parts_and_ends_with_the_same_bytes()
    {
        var (from, to) = (await PublishAsync(1), await PublishAsync(2));
        var clock = Stopwatch.StartNew();
        var (name, whole) = await MakeAsync(from, to);
        var time = clock.Elapsed;
        Forget();
        var (killed, reused) = (0, 0);
        for (var round = 0; killed < Kills; round++)
        {
            round.Should().BeLessThan(4 * Kills, "kills that come after the end prove nothing");
            var coded = Directory.GetFiles(Parts, "*.part").Length;
            clock.Restart();
            using var program = ServerProcess.Start("--data", Data, "delta", from.ToString(), to.ToString());
            var ended = program.WaitAsync();
            if (await Task.WhenAny(ended, Task.Delay(time * ((killed + 0.5) / (Kills + 1)))) != ended && await program.KillAsync())
            {
                killed++;
                NothingHalfIsVisible(name, whole, to);
                continue;
            }
            (await ended).Should().Be(0, program.Error);
            // How busy the machine is changes: the last whole run says how long one takes now.
            time = coded == 0 ? clock.Elapsed : time;
            KnownParts(program.Error).Should().Be(coded, "parts that were coded before a kill are not coded again");
            reused += coded;
            EndsAs(name, whole, to);
            Forget();
        }
        // Where the last round was killed, this one goes on with what it left.
        reused += Directory.Exists(Parts) ? Directory.GetFiles(Parts, "*.part").Length : 0;
        var (again, bytes) = await MakeAsync(from, to);
        again.Should().Be(name);
        bytes.Should().Equal(whole);
        EndsAs(name, whole, to);
        reused.Should().BePositive("some kill came when parts were coded");
    }

    [Fact]
    public async Task A_server_that_is_told_to_stop_in_the_middle_does_so_and_the_parts_stay()
    {
        var (from, to) = (await PublishAsync(1), await PublishAsync(2));
        Directory.CreateDirectory(Parts);
        var (process, _) = await ServerProcess.ServeAsync(Data, deltas: 1);
        using (process)
        {
            for (var waited = 0; Directory.GetFiles(Parts, "*.part").Length == 0; waited++)
            {
                waited.Should().BeLessThan(6000, "a part should have been coded within a minute");
                await Task.Delay(10);
            }
            (await process.SignalAsync("TERM")).Should().Be(0);
        }
        Directory.GetFiles(Deltas, "*.*").Where(f => !Path.GetFileName(f).StartsWith('.')).Should().BeEmpty("it was stopped in the middle");
        var coded = Directory.GetFiles(Parts, "*.part").Length;
        coded.Should().BeInRange(1, Files - 1);
        var made = await ServerCommand.DoAsync("--data", Data, "delta", from.ToString(), to.ToString());
        KnownParts(made.Error).Should().Be(coded);
    }

    [Fact]
    public async Task A_full_disk_ends_with_15_shows_nothing_and_leaves_the_old_lists()
    {
        var disk = _temporary["disk"];
        Directory.CreateDirectory(disk);
        Shell.Run($"mount -t tmpfs -o size=400m tmpfs '{disk}'");
        _data = Path.Combine(disk, "data");
        try
        {
            var (first, second) = (await PublishAsync(1, files: 2), await PublishAsync(2, files: 2));
            await MakeAsync(first, second);
            var third = await PublishAsync(3, files: 2);
            Forget(keepDeltas: true);
            var before = Contents();
            var failed = 0;
            for (var free = 1; ; free *= 3)
            {
                Shell.Run($"rm -f '{disk}/filler'; fallocate -l $(( $(stat -f -c '%a * %S' '{disk}') - {free} * 100000 )) '{disk}/filler'");
                var result = await ServerCommand.RunAsync("--data", Data, "delta", second.ToString(), third.ToString());
                if (result.Exit == 0)
                    break;
                failed++;
                result.Exit.Should().Be((int)ExitCode.NoSpace, result.Error);
                result.Error.Should().Contain("make room");
                Contents().Should().Equal(before, "nothing new is visible, and nothing old is gone");
                Directory.GetFiles(Parts).Where(f => !f.EndsWith(".part")).Should().BeEmpty("what did not fit must not go on taking space");
            }
            failed.Should().BeGreaterThan(3);
            using var data = DataDirectory.Open(Data);
            using var deltas = new DeltaStore(data);
            deltas.Find(second, third).Should().NotBeNull();
            deltas.Find(first, second).Should().NotBeNull();
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            Shell.Run($"umount -l '{disk}'");
        }
    }

    public void Dispose() => _temporary.Dispose();

    [GeneratedRegex("(\\d+) of \\d+ parts were there")]
    private static partial Regex KnownPartsLine { get; }

    private static int KnownParts(string error) => int.Parse(KnownPartsLine.Match(error).Groups[1].Value, CultureInfo.InvariantCulture);

    // Each version has some bytes of its own: enough for the coder to take a while.
    private async Task<ObjectId> PublishAsync(int version, int files = Files)
    {
        if (!Directory.Exists(Data))
            await ServerCommand.DoAsync("--data", Data, "init");
        var source = _temporary["source"];
        Directory.CreateDirectory(source);
        for (var file = 0; file < files; file++)
        {
            var content = new byte[FileBytes];
            new Random(file).NextBytes(content);
            var random = new Random(version);
            for (var at = 0; at < FileBytes; at += random.Next(1, 100))
                content[at] = (byte)random.Next(256);
            File.WriteAllBytes(Path.Combine(source, $"file-{file}"), content);
        }
        var published = await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", source);
        return ObjectId.Parse(published.LastLine);
    }

    private async Task<(string Name, byte[] Bytes)> MakeAsync(ObjectId from, ObjectId to)
    {
        using var program = ServerProcess.Start("--data", Data, "delta", from.ToString(), to.ToString());
        (await program.WaitAsync()).Should().Be(0, program.Error);
        var path = program.Output.TrimEnd().Split('\n')[^1].Split(' ')[0];
        return (Path.GetFileName(path), await File.ReadAllBytesAsync(path));
    }

    private void Forget(bool keepDeltas = false)
    {
        foreach (var file in Directory.GetFiles(Parts).Concat(keepDeltas ? [] : Directory.GetFiles(Deltas)))
            File.Delete(file);
    }

    private void NothingHalfIsVisible(string name, byte[] whole, ObjectId to)
    {
        using var data = DataDirectory.Open(Data);
        using var deltas = new DeltaStore(data);
        foreach (var delta in deltas.List())
        {
            delta.Name.ToString().Should().Be(name);
            File.ReadAllBytes(deltas.PathOf(delta.Name)).Should().Equal(whole);
        }
        foreach (var offer in deltas.To(to))
            File.Exists(deltas.PathOf(DeltaName.Parse(offer.Name))).Should().BeTrue("a list names what is there");
    }

    private void EndsAs(string name, byte[] whole, ObjectId to)
    {
        NothingHalfIsVisible(name, whole, to);
        Directory.GetFiles(Deltas).Select(Path.GetFileName).Should().BeEquivalentTo(name, $"{to}.json");
        Directory.GetFiles(Parts).Where(f => !f.EndsWith(".part")).Should().BeEmpty("what killed runs began is swept");
    }

    private string[] Contents() =>
        [.. Directory.GetFiles(Deltas).Order(StringComparer.Ordinal).Select(f => $"{Path.GetFileName(f)} {ObjectId.Of(File.ReadAllBytes(f))}")];
}
