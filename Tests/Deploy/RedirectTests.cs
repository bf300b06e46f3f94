namespace ContentTree.Tests.Deploy;

/// <summary>A server that leaves objects to another one, as to a bucket: what a device follows, what it tells there, and what it does when nothing comes.</summary>
#pragma warning disable CA1001 // xunit calls DisposeAsync.
public sealed class RedirectTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private const string Contents = "for i in 1 2 3; do echo content $i > $i; done; head -c 600000 /dev/urandom > large";

    private TestServer _server = null!;
    private UnreliableLink _bucket = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish(Contents);
        _bucket = new UnreliableLink(_server.Address);
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _bucket.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_is_followed_once_without_a_signature_and_the_bytes_are_checked()
    {
        Redirect(request => _bucket.Url + request.Path);
        var damaged = false;
        _bucket.Spoil = (request, answer) =>
        {
            if (!damaged && request.IsContent && answer.Body.Length > 100_000)
                (damaged, _) = (true, answer.Body[50_000] ^= 1);
        };

        await _device.UpdateAsync();

        damaged.Should().BeTrue();
        _device.NothingIsFalse();
        _bucket.Requests.Where(r => r.IsContent).Should().HaveCount(4).And.OnlyContain(r => !r.Headers.ContainsKey("Authorization"));
        Asked().Where(r => r.Headers.ContainsKey("Cache-Control")).Should().ContainSingle("what came damaged the server sends itself");
    }

    [Theory]
    [InlineData("http://127.0.0.1:9/nothing")]
    [InlineData("ftp://127.0.0.1/nothing")]
    [InlineData("http://name@127.0.0.1/nothing")]
    [InlineData("/repo/heads/main.json")]
    [InlineData("/repo/objects/00/00")]
    public async Task Where_nothing_of_use_comes_the_server_sends_it_itself(string location)
    {
        Redirect(_ => location);

        await _device.UpdateAsync();

        _device.NothingIsFalse();
        Asked().Count(r => r.Headers.ContainsKey("Cache-Control")).Should().BeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public async Task What_was_cut_goes_on_at_the_server()
    {
        Redirect(request => _bucket.Url + request.Path);
        _bucket.Spoil = (request, answer) => answer.CutAfter = request.IsContent && answer.Body.Length > 100_000 ? 400_000 : null;

        await _device.UpdateAsync();

        _device.NothingIsFalse();
        Asked().Should().Contain(r => r.IsContent && r.Range == "bytes=400000-");
    }

    private IEnumerable<LinkRequest> Asked() => _server.Link.Requests.Where(r => r.IsObject);

    // Only for whoever takes what is in between and does not ask for a part of it, as the server does.
    private void Redirect(Func<LinkRequest, string> to)
    {
        _server.Link.HasPacks = false;
        _server.Link.Spoil = (request, answer) =>
        {
            if (!request.IsObject || request.Range is not null || request.Headers.ContainsKey("Cache-Control"))
                return;
            answer.Replace(307, "text/plain", "");
            answer.Headers["Location"] = to(request);
        };
    }
}
