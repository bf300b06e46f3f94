using System.Diagnostics;
using System.Security.Cryptography;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>kill -9 at any moment: the old head stays served, nothing visible is damaged, and a retry works.</summary>
[Trait("Category", "Crash")]
public sealed class KilledPublishTests : IDisposable
{
    private const int Kills = 16;
    private const int Files = 400;

    private readonly TemporaryDirectory _temporary = new();

    private string Data => _temporary["data"];

    private string Source => _temporary["source"];

    [Fact]
    public async Task A_killed_publish_leaves_the_old_head_or_the_new_one_and_a_retry_works()
    {
        await ServerCommand.DoAsync("--data", Data, "init");
        await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", NewSource(-1));
        var whole = await MeasureAsync();
        var killed = 0;
        for (var round = 0; killed < Kills; round++)
        {
            round.Should().BeLessThan(4 * Kills, "kills that come after the end prove nothing");
            var before = Head();
            NewSource(round);
            using (var program = ServerProcess.Start("--data", Data, "publish", "--branch", "stable", Source))
            {
                // Spread over the whole run, and denser towards its end, where things become visible.
                var clock = Stopwatch.StartNew();
                var ended = program.WaitAsync();
                if (await Task.WhenAny(ended, Task.Delay(whole * Math.Sqrt((killed + 0.5) / Kills))) == ended)
                    whole = clock.Elapsed;
                else
                    killed += await program.KillAsync() ? 1 : 0;
            }
            var after = Head();
            after.Sequence.Should().BeInRange(before.Sequence, before.Sequence + 1);
            await NothingIsDamagedAsync();
            var retried = await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", Source);
            retried.LastLine.Should().Be(Head().Commit.ToString());
            Head().Sequence.Should().BeGreaterThan(before.Sequence);
        }
        await ServerCommand.DoAsync("--data", Data, "gc", "--grace", "0", "--keep", "1");
        await NothingIsDamagedAsync();
    }

    [Fact]
    public async Task A_server_killed_during_a_remote_publish_serves_the_old_head_again_and_takes_the_retry()
    {
        await ServerCommand.DoAsync("--data", Data, "init");
        await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", NewSource(-1));
        var token = (await ServerCommand.DoAsync("--data", Data, "token", "create", "--role", "publisher")).LastLine;
        var failed = 0;
        for (var round = 0; round < 6; round++)
        {
            NewSource(round);
            var before = Head();
            var (process, url) = await ServerProcess.ServeAsync(Data);
            using (process)
            {
                var publishing = ServerCommand.RunAsync("publish", "--server", url, "--token", token, "--cache", _temporary["cache"], "--branch", "stable", Source);
                await UploadsBeganAsync(publishing);
                await Task.Delay(TimeSpan.FromMilliseconds(40 * round));
                await process.KillAsync();
                var result = await publishing;
                result.Exit.Should().BeOneOf((int)ExitCode.Done, (int)ExitCode.Unreachable);
                failed += result.Exit == 0 ? 0 : 1;
                Head().Sequence.Should().BeInRange(before.Sequence, before.Sequence + 1);
            }
            await NothingIsDamagedAsync();
            var (again, newUrl) = await ServerProcess.ServeAsync(Data);
            using (again)
            {
                var retried = await ServerCommand.DoAsync("publish", "--server", newUrl, "--token", token, "--cache", _temporary["cache"], "--branch", "stable", Source);
                retried.LastLine.Should().Be(Head().Commit.ToString());
            }
        }
        failed.Should().BePositive("a kill that comes after the end proves nothing");
        await NothingIsDamagedAsync();
    }

    public void Dispose() => _temporary.Dispose();

    private async Task<TimeSpan> MeasureAsync()
    {
        NewSource(1000);
        var clock = Stopwatch.StartNew();
        using var program = ServerProcess.Start("--data", Data, "publish", "--branch", "stable", Source);
        (await program.WaitAsync()).Should().Be(0);
        return clock.Elapsed;
    }

    private async Task UploadsBeganAsync(Task publishing)
    {
        var staging = Path.Combine(Data, "repo/staging");
        while (!publishing.IsCompleted && Directory.GetDirectories(staging).Length == 0)
            await Task.Delay(1);
    }

    private (long Sequence, ObjectId Commit) Head()
    {
        using var data = DataDirectory.Open(Data);
        var head = new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable"));
        return (head.Sequence, head.Commit);
    }

    private async Task NothingIsDamagedAsync() => (await ServerCommand.DoAsync("--data", Data, "fsck")).Error.Should().Contain(" 0 damaged");

    private string NewSource(int round)
    {
        Directory.CreateDirectory(Source);
        for (var i = 0; i < Files; i++)
            File.WriteAllText(Path.Combine(Source, $"file-{i}"), $"{round} {i}");
        File.WriteAllBytes(Path.Combine(Source, "large"), RandomNumberGenerator.GetBytes(8_000_000));
        return Source;
    }
}
