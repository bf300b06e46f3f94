using ContentTree.Server.Fleet.Configurations;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A device that is killed, or whose disk fails, while it takes a configuration and puts it in place: at every call that changes a file.</summary>
[Trait("Category", "Slow")]
public sealed class ConfigurationCrashTests : IAsyncLifetime
{
    private static readonly string[] Update = ["update"];

    private TestServer _server = null!;
    private TestDevice _model = null!;

    private ConfigurationChanges Changes => new(_server.Data, _server.Data.OpenDatabase(), TimeProvider.System);

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        foreach (var key in new[] { "network.ntp", "wifi.password" })
            Changes.Define(ConfigurationKey.Parse(key), new ConfigurationKeyRequest("text", key == "wifi.password"));
        Set("one");
        _model = await TestDevice.EnrolledAsync(_server);
        var hooks = Path.Combine(_model.Root, "etc/ctree/configuration.d");
        Directory.CreateDirectory(hooks);
        Shell.Run($"printf '%s\\n' '#!/bin/sh' 'cat \"$CTREE_CONFIGURATION\"/values/* >> \"$CTREE_ROOT\"/heard' > '{hooks}/hear'; chmod 755 '{hooks}/hear'");
        await _model.TakeAsync();
        await _model.UpdateAsync();
        Set("two");
    }

    public async Task DisposeAsync()
    {
        _model.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Killed_at_any_call_it_has_one_configuration_whole_and_the_next_round_finishes()
    {
        var calls = await CallsAsync();
        calls.Should().BeGreaterThan(30);
        for (var call = 1L; call <= calls; call++)
            await TryAsync(new Fault.Kill(call));
    }

    [Fact]
    public async Task Where_the_disk_fails_it_has_one_configuration_whole_and_the_next_round_finishes()
    {
        var calls = await CallsAsync();
        for (var call = 1L; call <= calls; call++)
            await TryAsync(new Fault.Fail(call, call % 2 == 0 ? Errno.ENOSPC : Errno.EIO));
    }

    private async Task TryAsync(Fault fault)
    {
        using var folder = new TemporaryDirectory();
        using var device = Copy(folder);
        await FaultyProgram.RunAsync(device.Root, Update, fault);

        Read(device).Should().BeOneOf(["one one", "two two"], $"{fault}");
        var update = await device.RunAsync("update");
        update.Code.Should().Be(0, "{0}: {1}", fault, update.Error);
        Read(device).Should().Be("two two", $"{fault}");
        File.ReadAllText(Path.Combine(device.Root, "heard")).Should().EndWith("twotwo", $"hooks heard of it: {fault}");
        var directory = Path.Combine(device.Root, "ctree/data/configuration");
        Directory.GetFileSystemEntries(directory).Should().HaveCount(2, $"the link and where it leads: {fault}");
        (await device.JsonAsync("status"))["configuration"]!["due"].Should().BeNull($"{fault}");
    }

    // What an application sees that follows the link now.
    private static string Read(TestDevice device)
    {
        var values = Path.Combine(device.Root, "ctree/data/configuration/current/values");
        return $"{File.ReadAllText(Path.Combine(values, "network.ntp"))} {File.ReadAllText(Path.Combine(values, "wifi.password"))}";
    }

    private async Task<long> CallsAsync()
    {
        using var folder = new TemporaryDirectory();
        using var device = Copy(folder);
        var log = folder["log"];
        (await FaultyProgram.RunAsync(device.Root, Update, fault: null, log)).Code.Should().Be(0);
        Read(device).Should().Be("two two");
        return File.ReadLines(log).Count();
    }

    private TestDevice Copy(TemporaryDirectory folder)
    {
        Shell.Run($"cp -a '{_model.Root}' '{folder["device"]}'");
        return new TestDevice(folder["device"]);
    }

    private void Set(string value) => Changes.Set(
        new ConfigurationScope.Fleet(), new ConfigurationRequest(new Dictionary<string, string?> { ["network.ntp"] = value, ["wifi.password"] = value }), "a test");
}
