using ContentTree.Deploy;
using ContentTree.Deploy.State;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>A device changes its key, and is the same device before, meanwhile and afterwards.</summary>
public sealed class KeyRotationTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private KeyId _id;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _id = Key().Id;
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_device_keeps_its_id_and_its_place()
    {
        _server.Devices.Find(_id).KeyChanged.Should().BeNull();
        var shown = await _device.JsonAsync("key", "rotate");

        shown["device"]!.GetValue<string>().Should().Be(_id.ToString());
        shown["key"]!.GetValue<string>().Should().NotBe(_id.ToString()).And.Be(Key().Signing.Id.ToString());
        _server.Devices.List(10).Should().ContainSingle().Which.Should().Match<DeviceInfo>(d => d.Id == _id && d.State == DeviceState.Accepted && d.KeyChanged != null);
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        (await _device.JsonAsync("status"))["device"]!.GetValue<string>().Should().Be(_id.ToString());
        new Audited(_server).Verbs().Should().Contain("device.key");
    }

    [Fact]
    public async Task Both_keys_count_until_the_new_one_was_used()
    {
        // The enrolment with the new key arrives, its answer does not.
        _server.Link.Spoil = (request, answer) => answer.CutAfter = request.Path == Routes.Enrol ? 0 : answer.CutAfter;
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(13);
        _server.Link.Spoil = (_, _) => { };
        Key().Signing.Id.Should().Be(_id, "nobody has said yet that the other one is taken");
        new DeviceKeys(_server.Data.OpenDatabase(), TimeProvider.System).Of(_id).Should().HaveCount(2);
        await _device.UpdateAsync();
        _server.Devices.Find(_id).KeyChanged.Should().BeNull();

        var begun = File.ReadAllText(Path.Combine(_device.Layout.State, "device.next.pem"));
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        Key().Signing.ToPem().Should().Be(begun, "what was begun is ended, not begun anew");
        new DeviceKeys(_server.Data.OpenDatabase(), TimeProvider.System).Of(_id).Should().ContainSingle();
        File.Exists(Path.Combine(_device.Layout.State, "device.next.pem")).Should().BeFalse();
        await _device.UpdateAsync();
    }

    [Fact]
    public async Task A_copy_with_the_old_key_is_nobody_any_more()
    {
        using var directory = new TemporaryDirectory();
        Shell.Run($"cp -a '{_device.Root}' '{directory["copy"]}'");
        using var copy = new TestDevice(directory["copy"]);
        (await copy.RunAsync("update")).Code.Should().Be(0);
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);

        (await copy.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 12 && r.Error.Contains("another key", StringComparison.Ordinal));
        (await copy.RunAsync("key", "rotate")).Code.Should().Be(12, "its successor has another parent");
        await _device.UpdateAsync();
    }

    [Fact]
    public async Task A_server_from_before_the_change_takes_the_new_key_all_the_same()
    {
        var first = Key().Signing.Public.Pem;
        for (var i = 0; i < 3; i++)
            (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        using (var connection = _server.Data.OpenDatabase().Connect())
        {
            connection.Execute("UPDATE devices SET public_key = $key, next_key = NULL", ("$key", first));
            connection.Execute("DELETE FROM device_keys");
        }
        await _device.UpdateAsync();
        _server.Devices.List(10).Should().ContainSingle().Which.Id.Should().Be(_id);

        _server.Devices.Remove(_id);
        (await _device.RunAsync("update")).Code.Should().Be(12, "it waits for a person");
        _server.Devices.List(10).Should().ContainSingle().Which.Should().Match<DeviceInfo>(d => d.Id == _id && d.State == DeviceState.Pending);
    }

    [Fact]
    public async Task After_more_keys_than_are_kept_it_is_still_the_same_device()
    {
        HaveHadKeys(KeyChain.MaxKeys);
        for (var i = 0; i < 2; i++)
            (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        await _device.UpdateAsync();
        _server.Devices.List(10).Should().ContainSingle().Which.Id.Should().Be(_id);
        Key().Links.Should().HaveCount(KeyChain.MaxKeys);

        _server.Devices.Remove(_id);
        (await _device.RunAsync("update")).Code.Should().Be(12);
        _server.Devices.List(10).Should().ContainSingle("its newest key is still known").Which.Id.Should().Be(_id);
    }

    [Fact]
    public async Task After_more_keys_than_are_kept_a_server_that_never_knew_it_takes_it_as_a_new_device()
    {
        HaveHadKeys(KeyChain.MaxKeys);
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        _server.Devices.Remove(_id);
        using (var connection = _server.Data.OpenDatabase().Connect())
            connection.Execute("DELETE FROM newest_keys");
        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 12 && r.Error.Contains("identity.json", StringComparison.Ordinal));
        File.Delete(Path.Combine(_device.Layout.State, "identity.json"));
        (await _device.RunAsync("update")).Code.Should().Be(12, "it waits for a person");
        _server.Devices.List(10).Should().ContainSingle().Which.Id.Should().Be(Key().Signing.Id).And.NotBe(_id);
    }

    [Fact]
    public async Task A_copy_with_the_old_key_stays_nobody_when_the_device_was_removed()
    {
        using var directory = new TemporaryDirectory();
        Shell.Run($"cp -a '{_device.Root}' '{directory["copy"]}'");
        using var copy = new TestDevice(directory["copy"]);
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        _server.Devices.Remove(_id);

        (await copy.RunAsync("key", "rotate")).Code.Should().Be(12);
        (await copy.RunAsync("update")).Code.Should().Be(12);
        _server.Devices.List(10).Should().BeEmpty();
        await _device.RunAsync("update");
        _server.Devices.Find(_id).Should().Match<DeviceInfo>(d => d.State == DeviceState.Pending && d.Key == Key().Signing.Id);
        (await ContentTree.Tests.Server.ServerCommand.DoAsync("--data", _server.Data.Path, "device", "show", _id.ToString())).Out.Should().Contain($"key           {Key().Signing.Id}");
        _server.Devices.Decide(_id, DeviceState.Accepted);
        await _device.UpdateAsync();
    }

    [Fact]
    public async Task An_assignment_still_reaches_it_and_so_does_a_report_on_a_stick()
    {
        (await _device.RunAsync("key", "rotate")).Code.Should().Be(0);
        using var stick = new TemporaryDirectory();
        (await _device.RunAsync("bundle", "report", stick.Path)).Code.Should().Be(0);
        var file = Directory.GetFiles(Path.Combine(stick.Path, "reports")).Should().ContainSingle().Which;
        Path.GetFileName(file).Should().StartWith(_id.ToString());
        new ContentTree.Server.Fleet.OfflineReports(_server.Data.OpenDatabase(), _server.Devices, new Events(_server.Data.OpenDatabase()), new BlackBoxes(_server.Data.OpenDatabase(), TimeProvider.System), TimeProvider.System)
            .Take(File.ReadAllBytes(file)).Id.Should().Be(_id);
    }

    [Fact]
    public async Task The_agent_changes_a_key_that_is_old_and_no_younger_one()
    {
        _device.Configure("[device]\nkey-age = 30d\n");
        await AgentPollsAsync();
        Key().Signing.Id.Should().Be(_id);

        File.SetLastWriteTimeUtc(Path.Combine(_device.Layout.State, "device.pem"), DateTime.UtcNow.AddDays(-31));
        await AgentPollsAsync();
        var next = Key().Signing.Id;
        next.Should().NotBe(_id);
        await AgentPollsAsync();
        Key().Signing.Id.Should().Be(next);
        _server.Devices.Find(_id).KeyChanged.Should().NotBeNull();
    }

    private async Task AgentPollsAsync()
    {
        var root = new DeviceRoot(_device.Root, IsGiven: true);
        await new ContentTree.Deploy.Agent.PollStep(root, ContentTree.Deploy.Config.AgentConfig.Load(root), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance)
            .RunAsync(CancellationToken.None);
    }

    // As if it had changed its key so often: each change by the command takes a good part of a second.
    private void HaveHadKeys(int count)
    {
        using var first = Key();
        var key = first.Signing;
        List<KeyLink> links = [new(key.Public.Pem)];
        while (links.Count < count)
        {
            var next = SigningKey.Generate();
            links.Add(KeyChain.Link(_id, key, next.Public));
            key = next;
        }
        new DeviceStateFiles(new DeviceRoot(_device.Root, IsGiven: true), TimeProvider.System).Identity = new IdentityState(_id, links, TimeProvider.System.GetUtcNow());
        File.Copy(Path.Combine(_device.Layout.State, "device.pem"), Path.Combine(_device.Layout.State, "first.pem"));
        using (var file = new StreamWriter(Path.Combine(_device.Layout.State, "device.pem")))
            file.Write(key.ToPem());
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Execute("UPDATE devices SET public_key = $key", ("$key", key.Public.Pem));
        connection.Execute("INSERT INTO device_keys (key_id, device) VALUES ($key, $id)", ("$key", key.Id), ("$id", _id));
    }

    private DeviceKey Key() => new DeviceStateFiles(new DeviceRoot(_device.Root, IsGiven: true), TimeProvider.System).ReadKey();

    private sealed class Audited(TestServer server)
    {
        public IReadOnlyList<string> Verbs()
        {
            using var connection = server.Data.OpenDatabase().Connect();
            return connection.Query("SELECT verb FROM audit", row => row.GetString(0));
        }
    }
}
