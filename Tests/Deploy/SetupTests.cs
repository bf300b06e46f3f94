using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Deploy;

/// <summary>init and being let in.</summary>
public sealed class SetupTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = TestDevice.Unset();
        _server.Publish("echo one > file");
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task From_this_machine_the_servers_root_is_taken_and_its_fingerprint_shown()
    {
        var result = await InitAsync();
        result.Code.Should().Be(0);
        result.Error.Should().Contain(_server.Data.Trust.Load().Fingerprint);
    }

    [Fact]
    public async Task From_elsewhere_it_is_not_taken_unless_somebody_asks_for_it()
    {
        var result = await _device.RunAsync("init", "--server", "https://192.0.2.1:9", "--branch", "main", "--unprivileged");
        result.Code.Should().Be(2);
        result.Error.Should().Contain("--trust-on-first-use");
        Directory.Exists(_device.Layout.State).Should().BeFalse();
    }

    [Fact]
    public async Task A_given_root_needs_no_network_and_another_servers_heads_are_refused()
    {
        await using var stranger = await TestServer.StartAsync();
        (await InitAsync("--trust", stranger.TrustFile, "--token", _server.Token())).Code.Should().Be(0);
        (await _device.RunAsync("update")).Code.Should().Be(14);
        _device.Deployments().Should().BeEmpty();
    }

    [Fact]
    public async Task Twice_with_the_same_values_is_as_good_as_once()
    {
        (await InitAsync()).Code.Should().Be(0);
        var key = File.ReadAllText(Path.Combine(_device.Layout.State, "device.pem"));
        (await InitAsync()).Code.Should().Be(0);
        File.ReadAllText(Path.Combine(_device.Layout.State, "device.pem")).Should().Be(key);
    }

    [Fact]
    public async Task Twice_with_other_values_is_refused_and_changes_nothing()
    {
        await using var other = await TestServer.StartAsync();
        (await InitAsync()).Code.Should().Be(0);
        var before = File.ReadAllText(Path.Combine(_device.Root, "ctree/agent.conf"));
        (await _device.RunAsync("init", "--server", _server.Link.Url, "--branch", "other", "--unprivileged")).Code.Should().Be(18);
        (await _device.RunAsync("init", "--server", other.Link.Url, "--branch", "main", "--unprivileged")).Code.Should().Be(18);
        (await InitAsync("--hardware", "board-2")).Code.Should().Be(18);
        (await InitAsync("--trust", other.TrustFile)).Code.Should().Be(18);
        File.ReadAllText(Path.Combine(_device.Root, "ctree/agent.conf")).Should().Be(before);
        (await _device.JsonAsync("status"))["branch"]!.GetValue<string>().Should().Be("main");
    }

    [Theory]
    [InlineData("ftp://example.com", "main")]
    [InlineData("http://example.com", "no//branch")]
    public async Task Values_that_cannot_be_are_wrong_usage(string server, string branch) =>
        (await _device.RunAsync("init", "--server", server, "--branch", branch, "--unprivileged", "--trust-on-first-use")).Code.Should().Be(2);

    [Fact]
    public async Task A_wrong_token_is_not_authorised()
    {
        (await InitAsync("--token", "wrong")).Code.Should().Be(12);
        (await _device.RunAsync("update")).Code.Should().Be(12);
    }

    [Fact]
    public async Task A_pending_device_waits_and_an_accepted_one_updates_and_a_rejected_one_does_not()
    {
        (await InitAsync()).Code.Should().Be(0);
        (await _device.RunAsync("update")).Code.Should().Be(12);
        var status = await _device.JsonAsync("status");
        status["enrolment"]!.GetValue<string>().Should().Be("pending");
        var id = KeyId.Parse(status["device"]!.GetValue<string>());
        _server.Devices.Decide(id, DeviceState.Accepted);
        await _device.UpdateAsync();
        _server.Devices.Decide(id, DeviceState.Rejected);
        var rejected = await _device.RunAsync("update");
        rejected.Code.Should().Be(12);
        rejected.Error.Should().Contain("rejected");
        _device.Deployments().Should().HaveCount(1);
    }

    [Fact]
    public async Task An_unknown_branch_is_not_found()
    {
        (await _device.RunAsync("init", "--server", _server.Link.Url, "--branch", "nowhere", "--token", _server.Token(), "--unprivileged")).Code.Should().Be(0);
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(17);
        result.Error.Should().Contain("nowhere");
    }

    private Task<CommandResult> InitAsync(params string[] more) =>
        _device.RunAsync(["init", "--server", _server.Link.Url, "--branch", "main", "--unprivileged", .. more]);
}
