using System.Text.Json;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Transfer;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Deploy;

/// <summary>What a device tells of its /etc, and what the server makes of it.</summary>
public sealed class DriftTests(ITestOutputHelper output)
{
    private const string Source = "mkdir -p etc/net etc/old/deep; printf a > etc/a; printf same > etc/same; printf b > etc/net/b; printf c > etc/old/deep/c; : > etc/machine-id; ln -s a etc/link; printf x > file";

    [Fact]
    public async Task A_device_counts_what_differs_names_it_and_tells_it_only_when_it_has_changed()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish(Source);
        using var device = await TestDevice.EnrolledAsync(server);
        device.Configure("[drift]\ncheck = 1ms\nignore = cache/*\n");
        await device.TakeAsync();
        await device.UpdateAsync();
        (await ToldAsync(device, server)).Should().BeEquivalentTo(new DeviceDrift(0, 0, 0));

        Shell.Run("printf A > a; touch same; chmod 600 net/b; rm -r old; printf id > machine-id; mkdir new cache; printf 1 > new/n; printf 2 > cache/x; ln -sfn net link; printf 3 > \"$(printf 'bad\\033name')\"", Etc(device));
        var drift = await ToldAsync(device, server);
        drift.Paths.Should().BeEquivalentTo("~a", "~link", "~net/b", "-old", "-old/deep", "-old/deep/c", "+new", "+new/n", "+bad\\x1bname", "+cache");
        (drift.Added, drift.Changed, drift.Removed).Should().Be((4, 3, 3));

        Forget(server);
        await device.UpdateAsync();
        server.Devices.List(1).Single().Drift.Should().BeNull("nothing has changed, so nothing was said");
        Shell.Run("printf a > a", Etc(device));
        (await ToldAsync(device, server)).Changed.Should().Be(2, "what is as in the tree again is no drift, whenever it was written");

        var diff = await device.RunAsync("config", "diff");
        diff.Code.Should().Be(1);
        diff.Output.Should().Contain("~net/b").And.Contain("4 added, 2 changed, 3 removed");
        (await device.RunAsync("status")).Unwrapped.Should().Contain("4 added, 2 changed, 3 removed against the tree");
    }

    [Fact]
    public async Task It_is_looked_at_once_in_a_boot_and_a_new_deployment_begins_anew()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish(Source);
        using var device = await TestDevice.EnrolledAsync(server);
        await device.TakeAsync();
        await device.UpdateAsync();
        File.WriteAllText(Path.Combine(Etc(device), "mine"), "1");
        (await ToldAsync(device, server)).Added.Should().Be(0, "a day has not passed");
        server.Publish(Source + "; printf y > file");
        await device.TakeAsync();
        File.WriteAllText(Path.Combine(Etc(device), "mine"), "1");
        (await ToldAsync(device, server)).Added.Should().Be(1);
        device.Configure("[drift]\ncheck = 0s\n");
        (await device.RunAsync("config", "diff")).Output.Should().Contain("+mine", "somebody has asked");
    }

    [Fact]
    public async Task A_server_that_keeps_no_such_thing_hears_it_once_a_look_and_one_that_forgot_hears_it_again()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish(Source);
        using var device = await TestDevice.EnrolledAsync(server);
        device.Configure("[drift]\ncheck = 1d\n");
        await device.TakeAsync();
        File.WriteAllText(Path.Combine(Etc(device), "mine"), "1");
        await device.UpdateAsync();
        server.Devices.List(1).Single().Drift!.Added.Should().Be(1);
        Forget(server, "told = NULL, drift_told = NULL");
        await device.UpdateAsync();
        await device.UpdateAsync();
        server.Devices.List(1).Single().Drift!.Added.Should().Be(1, "it was asked to tell what it is like");

        var root = new DeviceRoot(device.Root, IsGiven: true);
        using var opened = Device.Open(root, AgentConfig.Load(root), TimeProvider.System);
        opened.State.Drift = opened.State.Drift with { Told = null, IsNews = true };
        DriftNews.Answered(opened, opened.State.Drift.Found!, isKept: false);
        DriftNews.LookWhenDue(opened);
        DriftNews.Of(opened).Should().BeNull("an older server is not told with every poll");
        opened.State.Drift = opened.State.Drift with { Time = default };
        DriftNews.LookWhenDue(opened);
        DriftNews.Of(opened).Should().NotBeNull("but with the next look");
    }

    [Fact]
    public async Task Of_very_many_paths_the_first_are_named_and_all_are_counted()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish("mkdir etc; cd etc; for i in $(seq 5000); do echo $i > f$i-$(printf '%0150d' 0); done");
        using var device = await TestDevice.EnrolledAsync(server);
        device.Configure("[drift]\ncheck = 1ms\n");
        await device.TakeAsync();
        Shell.Run("for i in $(seq 1000); do echo changed > f$i-$(printf '%0150d' 0); echo > new$i; done", Etc(device));
        var before = TimeProvider.System.GetTimestamp();
        (await device.RunAsync("config", "diff")).Code.Should().Be(1);
        output.WriteLine($"{TimeProvider.System.GetElapsedTime(before).TotalMilliseconds:0} ms for 6000 names, 1000 of them read");
        var drift = await ToldAsync(device, server);
        (drift.Added, drift.Changed, drift.Removed).Should().Be((1000, 1000, 0));
        drift.Paths!.Count.Should().BeInRange(5, DeviceDrift.MaxPaths);
        JsonSerializer.Serialize(drift, ProtocolJson.Default.PollRequest.Options).Length.Should().BeLessThan(2500, "older servers take polls of four kilobytes");
    }

    [Theory]
    [InlineData(-1, 0, 0, null)]
    [InlineData(DeviceDrift.MaxCount + 1, 0, 0, null)]
    [InlineData(1, 0, 0, "a")]
    [InlineData(1, 0, 0, "+")]
    [InlineData(1, 0, 0, "+a\nb")]
    [InlineData(1, 0, 0, "+\u202eb")]
    [InlineData(0, 0, 0, "+a")]
    public async Task What_makes_no_sense_is_refused(int added, int changed, int removed, string? path)
    {
        await using var server = await Tests.Server.TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new Tests.Server.TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Drift: new DeviceDrift(added, changed, removed, path is null ? null : [path]));
        (await device.PollAsync(poll)).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
        var many = new DeviceDrift(60, 0, 0, [.. Enumerable.Range(0, 51).Select(i => $"+{i}")]);
        (await device.PollAsync(poll with { Drift = many })).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
        (await device.PollAsync(poll with { Drift = new DeviceDrift(1, 0, 0, ["+" + new string('a', DeviceDrift.MaxPath + 1)]) })).StatusCode.Should().Be(System.Net.HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Operators_find_such_devices_and_see_which_paths_it_is()
    {
        await using var server = await Tests.Server.TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new Tests.Server.TestDevice(server);
        using var other = new Tests.Server.TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        await other.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 0);
        var answer = await (await device.PollAsync(poll with { Drift = new DeviceDrift(1, 2, 3, ["+ssh/<b>evil</b>", "~hosts"]) })).Content.ReadAsStringAsync();
        JsonSerializer.Deserialize(answer, ProtocolJson.Default.PollAnswer)!.Drift.Should().BeTrue();
        await other.PollAsync(poll with { Drift = new DeviceDrift(0, 0, 0) });

        foreach (var (filter, found) in new[] { ("drift>0", 1), ("drift>5", 1), ("drift>6", 0), ("drift<1", 1), ("not drift>0", 1) })
            (await ListAsync(filter)).Should().HaveCount(found, filter);
        (await ListAsync("drift>0")).Single().Drift.Should().BeEquivalentTo(new DeviceDrift(1, 2, 3), "lists do without paths");
        var shown = await (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}/{device.Id}", token: server.Admin)).Content.ReadAsStringAsync();
        JsonSerializer.Deserialize(shown, ProtocolJson.Default.DeviceInfo)!.Drift!.Paths.Should().Equal("+ssh/<b>evil</b>", "~hosts");

        using var client = await Dashboard.PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/devices?standing=changed+%2Fetc")).Should().Contain($"{device.Id}").And.NotContain($"{other.Id}");
        (await client.ReadAsync($"/devices/{device.Id}")).Should().Contain("1 added, 2 changed, 3 removed").And.Contain("&lt;b&gt;evil").And.NotContain("<b>evil");
        (await client.ReadAsync($"/devices/{other.Id}")).Should().Contain("as in its tree");
        (await client.ReadAsync("/devices.csv")).Should().Contain(",1,2,3");
        (await Tests.Server.ServerCommand.DoAsync("--data", server.DataPath, "device", "show", $"{device.Id}")).Out.Should().Contain("its /etc      1 added, 2 changed, 3 removed").And.Contain("~hosts");

        await device.PollAsync(poll with { Drift = new DeviceDrift(0, 1, 0) });
        (await Tests.Server.ServerCommand.DoAsync("--data", server.DataPath, "device", "show", $"{device.Id}")).Out.Should().Contain("0 added, 1 changed").And.NotContain("~hosts");
        await Tests.Server.ServerCommand.DoAsync("--data", server.DataPath, "device", "remove", $"{device.Id}");
        (await ListAsync("drift>0")).Should().BeEmpty();

        async Task<IReadOnlyList<DeviceInfo>> ListAsync(string filter) => JsonSerializer.Deserialize(
            await (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?q={Uri.EscapeDataString(filter)}", token: server.Admin)).EnsureSuccessStatusCode().Content.ReadAsStringAsync(), ProtocolJson.Default.DeviceList)!.Devices;
    }

    private static string Etc(TestDevice device) => Path.Combine(device.Layout.Deployments, $"{device.Boot.Read()!.Wanted}.etc");

    private static async Task<DeviceDrift> ToldAsync(TestDevice device, TestServer server)
    {
        await device.UpdateAsync();
        return server.Devices.Find(server.Devices.List(1).Single().Id).Drift!;
    }

    private static void Forget(TestServer server, string what = "drift_told = NULL") => server.Data.OpenDatabase().Connect().Execute($"UPDATE devices SET {what}");
}
