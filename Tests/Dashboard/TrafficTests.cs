using ContentTree.Server.Monitoring;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>What was sent to devices and what deltas saved: kept by the hour over restarts, and shown to whoever sees the whole fleet.</summary>
public sealed class TrafficTests
{
    [Fact]
    public async Task What_devices_fetched_stands_on_the_overview_also_after_a_restart()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", new string('x', 5000));
        server.Publish();
        using (var client = await PageClient.LogInAsync(server))
            (await client.ReadAsync("/")).Should().NotContain("Sent by this server in 24 hours");
        new TrafficBook(server.Data.OpenDatabase()).Add(server.Time.GetUtcNow(), 0, 0, found: 2, missed: 1);
        var file = Directory.GetFiles(Path.Combine(server.Data.Repository.Path, "objects"), "*.file", SearchOption.AllDirectories)[0];
        var size = (await (await server.SendAsync(HttpMethod.Get, "/repo/" + Path.GetRelativePath(server.Data.Repository.Path, file))).EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync()).Length;
        await server.RestartAsync();
        new TrafficBook(server.Data.OpenDatabase()).LastDay(server.Time.GetUtcNow())[^1].Sent.Should().Be(size);
        using var again = await PageClient.LogInAsync(server, name: "bob");
        (await again.ReadAsync("/")).Should().Contain("Sent by this server in 24 hours").And.Contain($"sent {size} B");
        (await again.ReadAsync("/storage")).Should().Contain("66 %").And.Contain("2 of 3");
    }

    [Fact]
    public async Task Hours_are_summed_up_over_servers_and_a_day_has_24_of_them()
    {
        await using var server = await TestServer.StartAsync();
        var (one, other) = (new TrafficBook(server.Data.OpenDatabase()), new TrafficBook(server.Data.OpenDatabase()));
        var now = new DateTimeOffset(2026, 3, 1, 12, 34, 56, TimeSpan.Zero);
        one.Add(now.AddDays(-9), 1, 1);
        one.Add(now.AddHours(-23), 10, 0);
        one.Add(now.AddHours(-24), 99, 99);
        one.Add(now, 5, 50, found: 2, missed: 1);
        other.Add(now.AddMinutes(10), 6, 60, found: 1, missed: 0);
        var day = one.LastDay(now.AddMinutes(20));
        day.Should().HaveCount(24);
        (day[0].Hour.Hour, day[0].Sent, day[^1].Hour.Hour, day[^1].Sent, day[^1].Saved, day.Sum(h => h.Sent)).Should().Be((13, 10, 12, 11, 110, 21));
        (day[^1].Found, day[^1].Missed).Should().Be((3, 1));
    }
}
