using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>How often the device waits for its medium: for each step of an update, never for each file.</summary>
[Trait("Category", "Slow")]
public sealed class FlushCountTests : IAsyncLifetime, IDisposable
{
    private const int Few = 20, Many = 2000;

    private readonly TemporaryDirectory _temporary = new();
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Link.HasPacks = true;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task An_update_of_two_thousand_files_flushes_as_often_as_one_of_twenty()
    {
        var (few, many) = (await UpdateAsync(Few), await UpdateAsync(Many));

        many.Deploy.Should().Equal(few.Deploy, "a deployment is flushed as a whole");
        few.Deploy.Should().HaveCountLessThan(16);
        many.Confirm.Should().Equal(few.Confirm);
        few.Confirm.Should().HaveCountLessThan(12);
        many.Pull.Should().HaveCountLessThanOrEqualTo(few.Pull.Count + 4, "what comes is flushed in batches of a mebibyte or fifteen seconds").And.HaveCountLessThan(32);
    }

    private async Task<(IReadOnlyList<string> Pull, IReadOnlyList<string> Deploy, IReadOnlyList<string> Confirm)> UpdateAsync(int files)
    {
        using var device = new TestDevice(_temporary[$"device-{files}"]);
        var branch = $"with-{files}";
        _server.Publish("mkdir -p usr etc; echo 1 > usr/version", branch);
        (await device.RunAsync(["init", "--server", _server.Link.Url, "--branch", branch, "--token", _server.Token(), .. DeviceStates.Rights])).Code.Should().Be(0);
        await device.TakeAsync();
        var next = _server.Publish($"mkdir -p usr/lib etc; echo 2 > usr/version; i=0; while [ $i -lt {files} ]; do echo {branch} $i > usr/lib/$i; i=$((i+1)); done", branch);
        var pull = await FlushesAsync(device, "pull");
        Directory.GetFiles(Path.Combine(device.Root, "ctree/store/objects"), "*.file", SearchOption.AllDirectories).Length.Should().BeGreaterThan(files);
        var deploy = await FlushesAsync(device, "deploy", next.ToString());
        device.BootNow();
        return (pull, deploy, await FlushesAsync(device, "confirm"));
    }

    /// <summary>The calls that wait for the medium, in order.</summary>
    private async Task<IReadOnlyList<string>> FlushesAsync(TestDevice device, params string[] words)
    {
        var log = _temporary["calls"];
        File.Delete(log);
        var end = await FaultyProgram.RunAsync(device.Root, words, fault: null, log);
        end.Code.Should().Be(0, end.Error);
        return [.. File.ReadLines(log).Select(line => line.Split(' ')[1]).Where(call => call is "fsync" or "fdatasync" or "syncfs")];
    }
}
