using System.Diagnostics;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A deployed file is an inode of the store, and of every deployment that has it: whoever writes to one writes to all. Where a
/// deployment is shown read-only every way to do so is refused; where it is not, it is found and mended.
/// </summary>
public sealed class WriteThroughTests : IAsyncLifetime
{
    private const string Content = "a content that both deployments have\n";

    private static readonly string[] Kinds = ["write", "append", "truncate", "mmap", "chmod", "chown", "setxattr", "utimes", "rename", "unlink"];
    private static readonly string[] Contents = ["write", "append", "truncate", "mmap"];

    private static readonly string Mutate = NativeSource.Compile("mutate", "mutate");

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string[] _before = [];

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = TestDevice.Unset();
        _server.Publish($"mkdir usr; printf '{Content}' > usr/shared; echo 1 > version");
        var set = await _device.RunAsync(["init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), .. DeviceStates.Rights]);
        set.Code.Should().Be(0, set.Error);
        await _device.TakeAsync();
        _server.Publish($"mkdir usr; printf '{Content}' > usr/shared; echo 2 > version");
        await _device.TakeAsync();
        _before = Describe();
        Inodes().Should().ContainSingle("both deployments and the store share it");
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Elsewhere_every_one_is_found_and_mended_and_linked_again()
    {
        foreach (var kind in Kinds.Where(kind => kind != "chown" || Posix.IsRoot))
        {
            Change(kind);
            await FindAndMendAsync(kind);
        }
    }

    [Fact]
    public async Task A_writer_that_sets_the_time_back_is_found_as_well()
    {
        foreach (var kind in Contents)
        {
            Change(kind);
            File.SetLastWriteTimeUtc(Deployed(1), DateTime.UnixEpoch.AddSeconds(1));
            await FindAndMendAsync(kind);
        }
    }

    [MountFact]
    public async Task Where_the_deployment_is_booted_every_one_is_refused()
    {
        var said = InSelectorsMounts("""
            mkdir -p "$ROOT.new"; "$SELECT" --root "$ROOT" --switch-root "$ROOT.new" >&2 || exit 9
            attempt() { for kind in $KINDS; do "$MUTATE" $kind "$1"; done; }
            attempt "$ROOT.new/usr/shared"; attempt "$ROOT.new/ctree/deploy/$NEWEST/usr/shared"; attempt "$ROOT.new/ctree/store/objects/$STORED"
            """);

        said.Should().HaveCount(3 * Kinds.Length).And.AllBe("Read-only file system", "the root, the deployments and the store below it are shown read-only");
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
        Describe().Should().Equal(_before);
    }

    [MountFact]
    public async Task Where_an_application_is_linked_every_one_is_refused()
    {
        var said = InSelectorsMounts("""
            "$SELECT" --root "$ROOT" --link "$ROOT/current" >&2 || exit 9
            for kind in $KINDS; do "$MUTATE" $kind "$ROOT/current/usr/shared"; done
            """);

        said.Should().HaveCount(Kinds.Length).And.AllBe("Read-only file system");
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
        Describe().Should().Equal(_before);
    }

    [MountFact]
    [Trait("Category", "Slow")]
    public async Task After_the_root_was_remounted_writable_every_one_is_found_and_mended_and_what_lies_below_stays_protected()
    {
        foreach (var kind in Kinds)
        {
            var said = InSelectorsMounts($"""
                mkdir -p "$ROOT.new"; "$SELECT" --root "$ROOT" --switch-root "$ROOT.new" >&2 || exit 9
                mount -o remount,bind,rw "$ROOT.new" || exit 8
                for other in $KINDS; do "$MUTATE" $other "$ROOT.new/ctree/deploy/$NEWEST/usr/shared"; "$MUTATE" $other "$ROOT.new/ctree/store/objects/$STORED"; done
                "$MUTATE" {kind} "$ROOT.new/usr/shared"
                """);
            said[^1].Should().Be("changed", "a read-only bind can be opened again by whoever may mount: {0}", kind);
            said.SkipLast(1).Should().HaveCount(2 * Kinds.Length).And.AllBe("Read-only file system");
            await FindAndMendAsync(kind);
        }
    }

    private async Task FindAndMendAsync(string kind)
    {
        var found = await _device.RunAsync("verify", "--full");
        found.Code.Should().Be(14, "{0}: {1}", kind, found.Output);
        found.Output.Should().ContainAny("/shared: ", Path.GetFileName(_device.StoredFile(Content)) + ": ").And.NotContain("version");
        var repaired = await _device.RunAsync("repair");
        repaired.Code.Should().Be(0, "{0}: {1}{2}", kind, repaired.Output, repaired.Error);

        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0, kind);
        Describe().Should().Equal(_before, kind);
        Inodes().Should().ContainSingle("both deployments and the store share it again");
    }

    private void Change(string kind) => Shell.Run($"'{Mutate}' {kind} '{Deployed(1)}'").Trim().Should().Be("changed", kind);

    private string Deployed(int index) => Path.Combine(_device.Layout.Deployments, _device.Deployments()[index], "usr/shared");

    private string[] Describe() => [.. _device.Deployments().Select(_device.Describe)];

    private IEnumerable<string> Inodes() =>
        Shell.Run($"stat -c %i '{Deployed(0)}' '{Deployed(1)}' '{_device.StoredFile(Content)}'").Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct();

    // In a mount namespace of its own, which ends with it.
    private string[] InSelectorsMounts(string script)
    {
        var start = new ProcessStartInfo("unshare", ["-m", "sh", "-c", "mount -t tmpfs none /run || exit 99\n" + script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ROOT"] = _device.Root;
        start.Environment["NEWEST"] = _device.Deployments()[1];
        start.Environment["STORED"] = Path.GetRelativePath(Path.Combine(_device.Root, "ctree/store/objects"), _device.StoredFile(Content));
        start.Environment["SELECT"] = Path.Combine(AppContext.BaseDirectory, "ctree-select");
        start.Environment["MUTATE"] = Mutate;
        start.Environment["KINDS"] = string.Join(' ', Kinds);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.Should().Be(0, error.Result);
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
