using System.Net;
using System.Text.Json;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Managing a server from elsewhere: the same verbs with --server and --token, and who may use them.</summary>
public sealed class ManagementTests
{
    [Fact]
    public async Task The_verbs_do_over_HTTP_what_they_do_locally()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var published = server.Publish("stable", "1.0");
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        string[] remote = ["--server", server.Url, "--token", server.Admin];
        string[] local = ["--data", server.DataPath];
        foreach (var verb in new string[][] { ["device", "list"], ["device", "list", "--json"], ["device", "show", device.Id.ToString()], ["branch", "list"], ["branch", "list", "--json"] })
            (await ServerCommand.DoAsync([.. verb, .. remote])).Out.Should().Be((await ServerCommand.DoAsync([.. local, .. verb])).Out).And.NotBeEmpty();

        (await ServerCommand.DoAsync(["device", "accept", device.Id.ToString(), .. remote])).Out.Should().Be($"{device.Id} accepted\n");
        (await ServerCommand.DoAsync(["device", "reject", device.Id.ToString(), .. remote])).Out.Should().Be($"{device.Id} rejected\n");
        await ServerCommand.DoAsync(["device", "remove", device.Id.ToString(), .. remote]);
        (await ServerCommand.RunAsync(["device", "remove", device.Id.ToString(), .. remote])).Exit.Should().Be((int)ExitCode.NotFound);

        await ServerCommand.DoAsync(["branch", "create", "next/x", "--at", published.Commit.ToString(), .. remote]);
        (await ServerCommand.RunAsync(["branch", "create", "next/x", .. remote])).Exit.Should().Be((int)ExitCode.Conflict);
        server.Data.Repository.Heads.List().Select(b => b.ToString()).Should().Equal("next/x", "stable");
        await ServerCommand.DoAsync(["branch", "delete", "next/x", .. remote]);
        server.Data.Repository.Heads.List().Select(b => b.ToString()).Should().Equal("stable");

        var token = (await ServerCommand.DoAsync(["token", "create", "--enrol", "--uses", "1", .. remote])).LastLine;
        using var second = new TestDevice(server);
        (await second.EnrolAsync(token)).StatusCode.Should().Be(HttpStatusCode.OK);
        server.Devices().Find(second.Id).State.Should().Be(DeviceState.Accepted);
    }

    [Fact]
    public async Task Long_lists_come_in_pages()
    {
        await using var server = await TestServer.StartAsync();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            using var device = new TestDevice(server);
            await device.EnrolAsync();
            ids.Add(device.Id.ToString());
        }
        var seen = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            using var answer = await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?limit=2&cursor={cursor}", token: server.Admin);
            var page = JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.DeviceList)!;
            page.Devices.Count.Should().BeInRange(1, 2);
            seen.AddRange(page.Devices.Select(d => d.Id.ToString()));
            cursor = page.Cursor;
        }
        seen.Should().Equal(ids.Order(StringComparer.Ordinal));
        foreach (var limit in new[] { "0", "-1", "x", "1001" })
            await (await server.SendAsync(HttpMethod.Get, $"{Routes.Devices}?limit={limit}", token: server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public async Task Every_published_route_is_served()
    {
        await using var server = await TestServer.StartAsync();
        (await (await server.SendAsync(HttpMethod.Get, "/api/v1/nothing")).ShouldBeProblemAsync(ProblemCode.NotFound)).Detail.Should().Contain("no such route");
        foreach (var (method, route) in new[]
        {
            (HttpMethod.Post, Routes.Enrol), (HttpMethod.Post, Routes.Poll), (HttpMethod.Post, Routes.Report),
            (HttpMethod.Post, Routes.PublishMissing), (HttpMethod.Put, Routes.PublishObject(new ObjectName(ObjectKind.File, default))),
            (HttpMethod.Post, Routes.PublishHeads), (HttpMethod.Get, Routes.Devices), (HttpMethod.Post, Routes.Tokens), (HttpMethod.Get, Routes.Branches),
        })
        {
            using var answer = await server.SendAsync(method, route);
            answer.StatusCode.Should().NotBe(HttpStatusCode.NotFound, route).And.NotBe(HttpStatusCode.MethodNotAllowed, route);
        }
    }
}
