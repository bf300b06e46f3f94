using System.Diagnostics;
using ContentTree.Deploy;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>What goes wrong on the device itself: kills, full disks, garbage, other processes, trees that do not belong here.</summary>
public sealed class DeviceFaultTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_killed_pull_loses_nothing_that_had_come()
    {
        const int files = 30;
        await _device.TakeAsync();
        _device.Configure("[transfer]\nconnections = 1\n");
        _server.Publish($"for i in $(seq {files}); do echo content $i > $i; done");
        using var pull = Start("pull");
        var contents = 0;
        _server.Link.Spoil = (request, _) =>
        {
            if (request.IsContent && Interlocked.Increment(ref contents) == 20)
                Shell.Run($"kill -9 {pull.Id}");
        };
        await pull.WaitForExitAsync();
        pull.ExitCode.Should().Be(137);
        _device.NothingIsFalse();
        _server.Link.Reset();
        await _device.UpdateAsync();
        _server.Link.Requests.Count(request => request.IsContent).Should().BeInRange(files - 20, files - 18);
        _device.NothingIsFalse();
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    [Fact]
    public async Task A_second_process_is_told_who_has_the_device_or_waits()
    {
        var root = new DeviceRoot(_device.Root, IsGiven: true);
        Task<CommandResult> waiting;
        using (await DeviceLock.TakeAsync(root, "test", wait: false, CancellationToken.None))
        {
            var locked = await _device.RunAsync("update");
            locked.Code.Should().Be(11);
            locked.Error.Should().Contain("ctree test").And.Contain("--wait");
            _device.Deployments().Should().BeEmpty();
            (await _device.RunAsync("status")).Code.Should().Be(0, "looking needs no lock");
            waiting = _device.RunAsync("update", "--wait");
            waiting.IsCompleted.Should().BeFalse();
        }
        (await waiting).Code.Should().Be(0);
        _device.Deployments().Should().HaveCount(1);
    }

    [Fact]
    public async Task A_garbage_boot_file_is_told_of_and_written_anew()
    {
        await _device.TakeAsync();
        var running = _device.Deployments().Single();
        foreach (var slot in new[] { _device.Boot.PathA, _device.Boot.PathB })
            File.WriteAllBytes(slot, [.. Enumerable.Range(0, 512).Select(i => (byte)(i * 7))]);
        var status = await _device.RunAsync("status");
        status.Code.Should().Be(0);
        status.Unwrapped.Should().Contain($"boot file  {_device.Boot.PathA}");
        (await _device.RunAsync("gc")).Code.Should().Be(0);
        _device.Deployments().Should().Equal(running);
        _server.Publish("echo two > file");
        await _device.UpdateAsync();
        _device.Deployments().Should().HaveCount(2).And.Contain(running);
        _device.Boot.Read()!.Wanted.Number.Should().Be(2);
        _device.BootNow().Should().StartWith("2-");
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
    }

    [MountFact]
    public async Task A_disk_that_is_full_is_told_before_and_in_the_middle_and_nothing_is_lost()
    {
        using var disk = new TestMount("-t tmpfs -o size=6m none");
        using var device = new TestDevice(Path.Combine(disk.Path, "device"));
        device.Configure("[store]\nmin-free = 0\n");
        (await device.RunAsync("init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), "--unprivileged")).Code.Should().Be(0);
        await device.TakeAsync();
        var running = device.Deployments().Single();
        var before = device.Describe(running);

        _server.Publish("head -c 20000000 /dev/urandom > large");
        _server.Link.Reset();
        var planned = await device.RunAsync("update");
        planned.Code.Should().Be(15);
        planned.Error.Should().Contain("ctree gc");
        _server.Link.Requests.Should().NotContain(request => request.IsContent);
        (await device.RunAsync("plan")).Code.Should().Be(15);

        _server.Publish("head -c 2000000 /dev/urandom > a; head -c 1000000 /dev/urandom > b");
        var filler = Path.Combine(disk.Path, "filler");
        _server.Link.Spoil = (request, _) => { if (request.IsContent) Shell.Try($"cat /dev/zero > '{filler}'"); };
        (await device.RunAsync("update")).Code.Should().Be(15);
        device.NothingIsFalse();
        device.Describe(running).Should().Be(before);
        device.Boot.Read()!.Wanted.ToString().Should().Be(running);
        (await device.RunAsync("status")).Code.Should().Be(0);

        File.Delete(filler);
        _server.Link.Reset();
        (await device.RunAsync("update")).Code.Should().Be(0);
        (await device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    [MountFact]
    public async Task A_store_on_another_mount_is_refused_even_on_the_same_filesystem()
    {
        await _device.TakeAsync();
        var store = Path.Combine(_device.Root, "ctree/store");
        _server.Publish("echo two > file");
        using (new TestMount($"--bind '{store}'", store))
        {
            var result = await _device.RunAsync("update");
            result.Code.Should().Be(1);
            result.Error.Should().Contain("different mounts");
            _device.Deployments().Should().HaveCount(1);
        }
        await _device.UpdateAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-62_135_596_801)]
    [InlineData(253_402_300_799)]
    [InlineData(long.MaxValue)]
    public async Task With_a_time_that_cannot_be_nothing_is_signed(long time)
    {
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path == Routes.Poll)
                answer.Replace(401, Problem.MediaType, $$"""{"code":"clock","status":401,"title":"another time","time":{{time}}}""");
        };
        var (code, _, error, _) = await _device.RunAsync("pull");
        code.Should().Be((int)Problem.Of(ProblemCode.Clock).ExitCode, error);
        error.Should().Contain("time").And.NotContain("   at ");
        _server.Link.Requests.Count(request => request.Path == Routes.Poll).Should().Be(1);
    }

    [Fact]
    public async Task Programs_for_another_processor_are_not_taken()
    {
        _device.Configure("[device]\narchitecture = riscv64\n");
        _server.Publish("cp /bin/true program");
        await RefusedAsync("riscv64");
    }

    [Fact]
    public async Task A_commit_for_other_hardware_is_not_taken()
    {
        _server.Publish("echo two > file", compatible: ["board-1", "board-2"]);
        await RefusedAsync("board-1, board-2");
        _device.Configure("[device]\nhardware = board-2\n");
        await _device.UpdateAsync();
    }

    [Theory]
    [InlineData("/dev/sda1 / ext4 defaults 0 1", 16)]
    [InlineData("/dev/sda1 / ext4 ro,rw 0 1", 16)]
    [InlineData("LABEL=x\t/\text4\trelatime\t0\t1", 16)]
    [InlineData("/dev/sda1 / ext4 ro,noatime 0 1", 0)]
    [InlineData("/dev/sda1 /data ext4 rw 0 2", 0)]
    [InlineData("# /dev/sda1 / ext4 rw 0 1", 0)]
    public async Task A_tree_that_would_make_its_root_writable_is_refused(string line, int code)
    {
        _server.Publish($"mkdir usr etc; printf '%s\\n' '{line}' > etc/fstab");
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(code, result.Error);
        _device.Deployments().Should().HaveCount(code == 0 ? 1 : 0);
    }

    [Fact]
    public async Task A_root_gets_its_mount_points_its_own_etc_and_data()
    {
        _server.Publish("mkdir usr etc var; echo name > etc/hostname; echo data > var/data");
        await _device.TakeAsync();
        var path = Path.Combine(_device.Layout.Deployments, _device.Deployments().Single());
        Directory.GetDirectories(path).Select(Path.GetFileName).Should().Contain(["proc", "sys", "dev", "run", "tmp", "ctree"]);
        File.WriteAllText(path + ".etc/hostname", "changed");
        File.ReadAllText(Path.Combine(path, "etc/hostname")).Should().Be("name\n", "its /etc is a copy");
        File.ReadAllText(Path.Combine(_device.Root, "ctree/data/var/data")).Should().Be("data\n");
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    [Fact]
    public async Task A_damaged_state_file_is_named()
    {
        File.WriteAllText(Path.Combine(_device.Layout.State, "follow.json"), "{");
        var result = await _device.RunAsync("status");
        result.Code.Should().Be(1);
        result.Error.Should().Contain("follow.json is damaged");
    }

    private async Task RefusedAsync(string why)
    {
        _server.Link.Reset();
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(16);
        result.Error.Should().Contain(why);
        _device.Deployments().Should().BeEmpty();
        _server.Link.Requests.Should().NotContain(request => request.IsContent);
    }

    private Process Start(string verb)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "ctree.dll");
        return Process.Start(new ProcessStartInfo(Environment.ProcessPath is { } host && host.EndsWith("dotnet", StringComparison.Ordinal) ? host : "dotnet", [program, "--root", _device.Root, verb])
        {
            RedirectStandardError = true,
        })!;
    }
}
