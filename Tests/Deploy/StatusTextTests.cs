using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary><c>status</c> on a serial console: 80 columns, whatever things are called.</summary>
public sealed class StatusTextTests : IAsyncLifetime
{
    private static readonly string Branch = string.Join('/', Enumerable.Repeat("software-of-a-machine", 9));
    private static readonly string Version = "2027.01.31-" + new string('v', 150);

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ObjectId _one, _two;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _one = _server.Publish("echo one > file", Branch, Version);
        _device = await TestDevice.EnrolledAsync(_server, Branch);
        await _device.TakeAsync();
        _two = _server.Publish("echo two > file", Branch, Version);
        await _device.TakeAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task No_line_is_wider_than_80_columns_and_the_document_has_everything_whole()
    {
        await EverythingAtOnceAsync();

        var status = await _device.RunAsync("status");

        status.Code.Should().Be(0, status.Error);
        status.Output.Split('\n').Should().OnlyContain(line => line.Length <= 80, status.Output);
        status.Unwrapped.Should().Contain($"branch {Branch[..40]}", "the branch is there").And.Contain($"pinned to {_one.ToString()[..12]} by the server")
            .And.Contain("  software-of-a-machine... ", "of a list only its start").And.Contain($"denied     {_two.ToString()[..12]} denied-by-person").And.Contain("boot file  ");
        status.Unwrapped.Should().NotContain($"pinned to {_one}").And.NotContain($"{_two}");
        var document = await _device.JsonAsync("status");
        document["deployments"]![0]!["commit"]!.GetValue<string>().Should().HaveLength(64);
        document["deployments"]![0]!["branch"]!.GetValue<string>().Should().Be(Branch);
        document["deployments"]![0]!["version"]!.GetValue<string>().Should().Be(Version);
        document["denied"]!.AsArray().Select(denied => (string)denied!).Should().Equal(_two.ToString());
    }

    [Fact]
    public async Task A_device_that_waits_shows_its_whole_id_and_that_of_the_trust_root()
    {
        using var device = new TestDevice();
        (await device.RunAsync("init", "--server", _server.Link.Url, "--branch", Branch, "--trust", _server.TrustFile, "--unprivileged")).Code.Should().Be(0);
        (await device.RunAsync("update")).Code.Should().Be(12);
        var document = await device.JsonAsync("status");

        var status = await device.RunAsync("status");

        status.Output.Split('\n').Should().OnlyContain(line => line.Length <= 80, status.Output);
        status.Output.Should().Contain($"device     {document["device"]},").And.Contain((string)document["fingerprint"]!);
    }

    private async Task EverythingAtOnceAsync()
    {
        var database = _server.Data.OpenDatabase();
        var policies = new PolicyChanges(_server.Data, database, new Decisions(_server.Data, database, TimeProvider.System), TimeProvider.System);
        policies.Assign(_server.Devices.List(1).Single().Id, new AssignmentRequest("pin", _one.ToString(), string.Join(' ', Enumerable.Repeat("because", 20))), new Actor("a test"));
        await _device.UpdateAsync();
        (await _device.RunAsync("deny", _two.ToString())).Code.Should().Be(0);
        (await _device.RunAsync("hold")).Code.Should().Be(0);
        (await _device.RunAsync("keep", "1")).Code.Should().Be(0);
        File.WriteAllBytes(_device.Boot.PathA, [.. Enumerable.Range(0, 512).Select(i => (byte)(i * 7))]);
    }
}
