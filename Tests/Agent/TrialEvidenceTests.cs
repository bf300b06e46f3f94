using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Deploy;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

/// <summary>What a trial left behind whose agent never ran: whether it condemns the commit, and that the black box has it.</summary>
[Trait("Category", "Slow")]
public sealed class TrialEvidenceTests : IAsyncLifetime
{
    private const string Panicked = "Panic#2 Part1\n<0>[    4.2] Kernel panic - not syncing: Attempted to kill init!\n";

    private TestServer _server = null!;
    private TestDevice _device = null!;

    private string Pstore => Path.Combine(_device.Root, "sys/fs/pstore");

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Tries_that_left_nothing_behind_deny_for_a_while_only()
    {
        var failed = await FallenAsync(() => { });
        var denial = Settle(failed);
        (denial.Reason, denial.Until is not null).Should().Be((Denials.NeverRan, true));
        Box(failed).Should().Contain("reason=never-ran\n").And.Contain($"commit={denial.Commit}\n");
    }

    [Fact]
    public async Task A_panic_that_pstore_kept_condemns_for_ever_and_is_in_the_box()
    {
        var failed = await FallenAsync(() => Write(Path.Combine(Pstore, "dmesg-ramoops-0"), Panicked));
        var denial = Settle(failed);
        (denial.Reason, denial.Until).Should().Be((Denials.FailedBoot, null));
        denial.Text.Should().Contain("its kernel panicked (dmesg-ramoops-0)");
        Box(failed).Should().Contain("reason=failed-boot\n").And.Contain($"commit={denial.Commit}\n").And.Contain("dmesg-ramoops-0 ==").And.Contain("Attempted to kill init");
    }

    [Fact]
    public async Task A_panic_that_systemd_moved_counts_as_well()
    {
        var failed = await FallenAsync(() => Write(Path.Combine(_device.Root, "var/lib/systemd/pstore/12345/dmesg.txt"), Panicked));
        Settle(failed).Reason.Should().Be(Denials.FailedBoot);
    }

    [Fact]
    public async Task A_record_that_was_there_before_the_trial_is_not_its()
    {
        Write(Path.Combine(Pstore, "dmesg-ramoops-0"), Panicked);
        var failed = await FallenAsync(() => File.SetLastWriteTimeUtc(Path.Combine(Pstore, "dmesg-ramoops-0"), DateTime.UtcNow.AddDays(1)));
        Settle(failed).Reason.Should().Be(Denials.NeverRan);
        Box(failed).Should().NotContain("Attempted to kill init");
    }

    [Theory]
    [InlineData("console-ramoops-0", "systemd[1]: Reached target\n")]
    [InlineData("dmesg-ramoops-0", "Oops#1 Part1\nBUG: a driver stumbled\n")]
    public async Task What_is_no_panic_is_in_the_box_and_condemns_nothing(string name, string content)
    {
        var failed = await FallenAsync(() => Write(Path.Combine(Pstore, name), content));
        Settle(failed).Reason.Should().Be(Denials.NeverRan);
        Box(failed).Should().Contain(content);
    }

    [Fact]
    public async Task What_is_no_file_or_endless_holds_nothing_up()
    {
        var failed = await FallenAsync(() =>
        {
            Directory.CreateDirectory(Pstore);
            Shell.Run($"mkfifo '{Pstore}/dmesg-fifo'; ln -s / '{Pstore}/loop'; ln -s /etc/passwd '{Pstore}/dmesg-link'; truncate -s 3M '{Pstore}/dmesg-large'");
        });
        Settle(failed).Reason.Should().Be(Denials.NeverRan);
        Box(failed).Should().NotContain("root:");
    }

    [Fact]
    public async Task A_deployment_that_the_selector_could_not_start_is_condemned()
    {
        var failed = await FallenAsync(() => File.AppendAllText(Path.Combine(_device.Layout.State, "boot.log"),
            $"2026-01-01T00:00:00Z {BootNote.CannotBoot(_device.Boot.Read()!.Wanted)}it has no /sbin/init\n"));
        var denial = Settle(failed);
        denial.Reason.Should().Be(Denials.FailedBoot);
        denial.Text.Should().Contain("it has no /sbin/init");
    }

    [Theory]
    [InlineData("2-", Denials.FailedBoot)]
    [InlineData("1-", Denials.NeverRan)]
    public async Task A_deadline_that_nobody_put_off_condemns_the_deployment_that_it_names(string named, string reason)
    {
        var failed = await FallenAsync(() => { });
        var name = named == "2-" ? failed : _device.Boot.Read()!.Previous!.Value;
        Write(_device.Layout.LastWords, $"deployment={name}\nfailed units:\nbroken.service loaded failed failed\n");
        Settle(failed).Reason.Should().Be(reason);
        Box(failed).Contains("broken.service", StringComparison.Ordinal).Should().Be(reason == Denials.FailedBoot);
        File.Exists(_device.Layout.LastWords).Should().BeFalse("it was heard");
    }

    [Theory]
    [InlineData(0, "32", Denials.FailedBoot)]
    [InlineData(0, "0", Denials.NeverRan)]
    [InlineData(1, "32", Denials.NeverRan)]
    public async Task The_watchdog_is_asked_how_the_last_boot_of_the_trial_ended(int moreBoots, string status, string reason)
    {
        var failed = await FallenAsync(() => Write(Path.Combine(_device.Root, "sys/class/watchdog/watchdog0/bootstatus"), status + "\n"));
        for (var boot = 0; boot < moreBoots; boot++)
            _device.BootNow();
        Settle(failed).Reason.Should().Be(reason, "only the boot after it can know");
    }

    [Fact]
    public async Task What_was_said_of_an_earlier_trial_is_forgotten_when_another_begins()
    {
        var failed = await FallenAsync(() => Write(Path.Combine(Pstore, "dmesg-ramoops-0"), Panicked));
        var denial = Settle(failed);
        (await _device.RunAsync("allow", denial.Commit.ToString())).Code.Should().Be(0);
        (await _device.RunAsync("deploy", denial.Commit.ToString())).Code.Should().Be(0);
        failed = _device.Boot.Read()!.Wanted;
        FallBack();
        Settle(failed).Reason.Should().Be(Denials.NeverRan);
    }

    [Fact]
    public async Task The_box_has_the_end_of_the_kernels_log_as_the_agent_saw_it()
    {
        var failed = await FallenAsync(() => { });
        Write(Path.Combine(_device.Root, "dev/kernel-log"), new string('x', 40_000) + "\n[   12.3] camera: no answer\n");
        var check = Path.Combine(_device.Root, "ctree/health.d/required/10-camera");
        Write(check, "#!/bin/sh\nexit 1\n");
        Shell.Run($"chmod 755 '{check}'");
        Settle(failed);
        await _device.RunAsync("allow", CommitOf(failed).ToString());
        await _device.RunAsync("deploy", CommitOf(failed).ToString());
        failed = _device.Boot.Read()!.Wanted;
        _device.BootNow();
        await using (var agent = new TestAgent(_device))
            await agent.HearsAsync("10-camera ended with 1");
        FallBack();
        Settle(failed).Reason.Should().Be(Denials.FailedHealth);
        Box(failed).Should().Contain("camera: no answer").And.NotContain(new string('x', 20_000));
    }

    /// <summary>A second commit whose boots all ended before its agent could speak.</summary>
    private async Task<DeploymentName> FallenAsync(Action meanwhile)
    {
        _server.Publish("mkdir -p usr etc; echo 1 >usr/file");
        await _device.UpdateAsync();
        _device.BootNow();
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
        _server.Publish("mkdir -p usr etc; echo 2 >usr/file");
        await _device.UpdateAsync();
        var failed = _device.Boot.Read()!.Wanted;
        _device.BootNow().Should().Be(failed.ToString());
        meanwhile();
        FallBack();
        return failed;
    }

    private void FallBack()
    {
        while (_device.Boot.Read()!.State == BootState.Trial)
            _device.BootNow();
        _device.Boot.Read()!.State.Should().Be(BootState.Fallback);
    }

    private Denial Settle(DeploymentName failed)
    {
        using var device = Open();
        FallbackSettlement.Settle(device).Should().Be(failed);
        return device.Denials.Find(CommitOf(failed))!;
    }

    private ObjectId CommitOf(DeploymentName name)
    {
        using var device = Open();
        return device.State.Deployments.Find(name)!.Commit;
    }

    private Device Open()
    {
        var root = new DeviceRoot(_device.Root, IsGiven: true);
        return Device.Open(root, AgentConfig.Load(root), TimeProvider.System);
    }

    private string Box(DeploymentName failed) => File.ReadAllText(Path.Combine(_device.Layout.State, string.Create(CultureInfo.InvariantCulture, $"blackbox/{failed}.txt")));

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
