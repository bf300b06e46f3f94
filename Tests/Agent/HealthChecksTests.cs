using ContentTree.Deploy.Health;
using ContentTree.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace ContentTree.Tests.Agent;

public sealed class HealthChecksTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task They_run_by_name_over_all_directories_and_the_first_failure_ends_the_round()
    {
        Add("device/20-second", "echo second >>log");
        Add("tree/10-first", "echo first >>log");
        Add("tree/30-third", "echo third >>log; exit 7");
        Add("device/40-fourth", "echo fourth >>log");
        Add("device/00-readme", "exit 9", mode: "644");
        Add("device/.00-hidden", "exit 9");

        (await RunAsync()).Should().EndWith("30-third ended with 7");
        File.ReadAllLines(_directory["log"]).Should().Equal("first", "second", "third");
    }

    [Fact]
    public async Task No_check_is_no_failure() => (await RunAsync()).Should().BeNull();

    [Fact]
    public async Task A_check_that_takes_too_long_is_killed_with_its_children()
    {
        Add("device/10-endless", "sleep 1000 & echo $! >child; sleep 1000");
        (await RunAsync(TimeSpan.FromSeconds(1))).Should().EndWith("10-endless did not end within 1 s");
        var child = File.ReadAllText(_directory["child"]).Trim();
        Shell.Run($"for i in $(seq 100); do grep -q sleep /proc/{child}/cmdline 2>/dev/null || exit 0; sleep 0.1; done; exit 1");
    }

    [Fact]
    public async Task What_cannot_be_started_is_a_failure()
    {
        Add("device/10-odd", "", first: "#!/no/such/shell");
        (await RunAsync()).Should().Contain("10-odd did not start");
    }

    [Fact]
    public async Task A_failure_keeps_the_end_of_what_the_check_wrote()
    {
        Add("device/10-loud", "seq 1 20000; echo last words >&2; exit 1");
        var failure = (await CheckAsync()).Failure!;
        failure.Output.Should().Contain("last words").And.Contain("19999").And.NotContain("\n5\n");
        failure.Output.Length.Should().BeLessThanOrEqualTo(4096);
    }

    [Fact]
    public async Task Wanted_checks_run_after_the_required_ones_and_only_warn()
    {
        Add("device/50-last", "echo required >>log");
        Add("wanted/10-poor", "echo wanted >>log; exit 4");
        Add("wanted/20-good", "echo too >>log");
        var result = await CheckAsync();
        result.Failure.Should().BeNull();
        result.Warnings.Should().ContainSingle().Which.ToString().Should().EndWith("10-poor ended with 4");
        File.ReadAllLines(_directory["log"]).Should().Equal("required", "wanted", "too");
    }

    [Fact]
    public void Failed_units_are_read_from_what_systemctl_prints() => FailedUnits.Parse(
        "ssh.service loaded failed failed OpenBSD Secure Shell server\nsystemd-networkd-wait-online.service loaded failed failed Wait\n\n")
        .Should().Equal("ssh.service", "systemd-networkd-wait-online.service");

    private async Task<string?> RunAsync(TimeSpan? timeout = null) => (await CheckAsync(timeout)).Failure?.ToString();

    private Task<HealthResult> CheckAsync(TimeSpan? timeout = null) =>
        new HealthChecks([_directory["device"], _directory["tree"]], [_directory["wanted"]],
            new CheckProgram(timeout ?? TimeSpan.FromMinutes(1), TimeProvider.System), NullLogger.Instance).RunAsync(CancellationToken.None);

    private void Add(string name, string script, string mode = "755", string first = "#!/bin/sh") =>
        Shell.Run($"mkdir -p '{Path.GetDirectoryName(_directory[name])}'; printf '%s\\n' '{first}' 'cd {_directory.Path}' '{script}' >'{_directory[name]}'; chmod {mode} '{_directory[name]}'");
}
