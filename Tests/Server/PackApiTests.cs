using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Packs;

namespace ContentTree.Tests.Server;

/// <summary>Packs over HTTP, as a device sees them.</summary>
public sealed class PackApiTests
{
    [Fact]
    public async Task An_accepted_device_gets_what_it_asks_for_in_one_answer()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("one", "first");
        server.WriteSource("two", "second");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));

        using var answer = await SendAsync(server, device, Name("second"), PackSamples.Lacking(1), Name("first"));
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.Should().Be("application/vnd.ctree.pack");
        var got = PackSamples.Read(await answer.Content.ReadAsByteArrayAsync(), 3);
        got.HasEnded.Should().BeTrue();
        got.Objects.Values.Select(o => o is null ? "-" : System.Text.Encoding.UTF8.GetString(o)).Should().Equal("second", "-", "first");
    }

    [Fact]
    public async Task Others_get_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await (await SendAsync(server, device, Name("x"))).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        await device.EnrolAsync();
        await (await SendAsync(server, device, Name("x"))).ShouldBeProblemAsync(ProblemCode.DevicePending);
        server.Devices().Decide(device.Id, DeviceState.Rejected);
        await (await SendAsync(server, device, Name("x"))).ShouldBeProblemAsync(ProblemCode.DeviceRejected);
        await (await server.Http.PostAsync(Routes.Packs, new ByteArrayContent(new PackRequest([Name("x")]).Encode()))).ShouldBeProblemAsync(ProblemCode.BadSignature);
        server.Devices().Decide(device.Id, DeviceState.Accepted);
        using var nonsense = device.Sign(Routes.Packs, "{}"u8.ToArray());
        await (await server.Http.SendAsync(nonsense)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        using var large = device.Sign(Routes.Packs, new byte[PackRequest.MaxBytes + 1]);
        await (await server.Http.SendAsync(large)).ShouldBeProblemAsync(ProblemCode.TooLarge);
    }

    [Fact]
    public async Task A_damaged_object_cuts_the_answer_and_the_server_goes_on()
    {
        await using var server = await TestServer.StartAsync();
        Directory.CreateDirectory(server.Source);
        var noise = RandomNumberGenerator.GetBytes(3_000_000);
        File.WriteAllBytes(Path.Combine(server.Source, "noise"), noise);
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var name = new ObjectName(ObjectKind.File, ObjectId.Of(noise));
        var path = Path.Combine(server.Data.Repository.Path, name.RelativePath);
        var frame = File.ReadAllBytes(path);
        File.WriteAllBytes(path, frame[..^500_000]);

        var cut = async () => await (await SendAsync(server, device, name)).Content.ReadAsByteArrayAsync();
        await cut.Should().ThrowAsync<HttpRequestException>();
        File.WriteAllBytes(path, frame);
        using var whole = await SendAsync(server, device, name);
        PackSamples.Read(await whole.Content.ReadAsByteArrayAsync(), 1).Objects[0].Should().Equal(noise);
    }

    [Fact]
    public async Task Packs_are_limited_for_each_device_and_polls_are_answered_meanwhile()
    {
        await using var server = await TestServer.StartAsync();
        var noise = RandomNumberGenerator.GetBytes(20_000_000);
        Directory.CreateDirectory(server.Source);
        File.WriteAllBytes(Path.Combine(server.Source, "noise"), noise);
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var name = new ObjectName(ObjectKind.File, ObjectId.Of(noise));

        // They are not read, so they stay open: more than the sockets' buffers is still to come.
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < 4; i++)
            open.Add(await SendAsync(server, device, name));
        var refused = await SendAsync(server, device, name);
        refused.Headers.RetryAfter!.Delta.Should().BePositive();
        await refused.ShouldBeProblemAsync(ProblemCode.Unavailable);
        (await device.PollAsync()).StatusCode.Should().Be(HttpStatusCode.OK);

        open.ForEach(o => o.Dispose());
        for (var tries = 0; ; tries++)
        {
            using var again = await SendAsync(server, device, name);
            if (again.IsSuccessStatusCode)
                break;
            tries.Should().BeLessThan(200, "a device that went away leaves its place");
            await Task.Delay(50);
        }
    }

    private static ObjectName Name(string content) => new(ObjectKind.File, ObjectId.Of(System.Text.Encoding.UTF8.GetBytes(content)));

    private static async Task<HttpResponseMessage> SendAsync(TestServer server, TestDevice device, params ObjectName[] objects)
    {
        using var request = device.Sign(Routes.Packs, new PackRequest(objects).Encode());
        request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
