using System.Diagnostics;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Crash;

/// <summary>An agent in a sandbox: what its unit's ProtectSystem= and ReadWritePaths= make of the device's directories.</summary>
[Trait("Category", "Slow")]
public sealed class SandboxTests : IAsyncLifetime
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "ctree");

    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _server.Publish("mkdir usr; echo 1 > usr/version");
        await _device.TakeAsync();
        _server.Publish("mkdir usr; echo 2 > usr/version");
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [MountTheory]
    [InlineData("mount --bind store store; mount --bind deploy deploy", "on different mounts: hard links are impossible")]
    [InlineData("mount --bind store store; mount --bind deploy deploy; mount --bind \"$ROOT\" \"$ROOT\"; mount -o remount,bind,ro \"$ROOT\"", "lock: read-only file system")]
    [InlineData("mount --bind deploy deploy; mount -o remount,bind,ro deploy", "no hard link can be made from here into the deployments: read-only file system")]
    public async Task An_update_says_what_is_in_its_way_changes_nothing_and_goes_on_outside(string sandbox, string because)
    {
        var (record, deployments) = (_device.Boot.Read(), _device.Deployments());
        var (code, error) = Update(sandbox);
        code.Should().Be(1, error);
        error.Should().Contain(because).And.NotContain("   at ");
        _device.Boot.Read().Should().Be(record);
        _device.Deployments().Should().Equal(deployments);
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);

        var (again, rest) = Update("true");
        again.Should().Be(0, rest);
        _device.Deployments().Should().HaveCount(2);
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    // In a mount namespace of its own, which ends with it.
    private (int Code, string Error) Update(string sandbox)
    {
        var start = new ProcessStartInfo("unshare", ["-m", "sh", "-c", $"cd \"$ROOT/ctree\" || exit 99\n({sandbox}) || exit 98\nexec \"$CTREE\" --root \"$ROOT\" update"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        (start.Environment["ROOT"], start.Environment["CTREE"]) = (_device.Root, Program);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error + output.Result);
    }
}
