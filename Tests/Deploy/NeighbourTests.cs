using ContentTree.Deploy.Neighbours;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>One device takes from another what the server gave that one: what comes from whom.</summary>
public sealed class NeighbourTests : IAsyncLifetime
{
    private const string Contents = "for i in 1 2 3; do echo content $i > $i; done; head -c 600000 /dev/urandom > large; mkdir sub; echo deep > sub/deep";

    private TestServer _server = null!;
    private TestDevice _first = null!;
    private TestDevice _second = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _first = await TestDevice.EnrolledAsync(_server);
        _second = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _first.Dispose();
        _second.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_neighbour_brings_every_object_while_the_server_gives_none()
    {
        await FirstTakesAsync(Contents);
        await using var neighbour = new TestNeighbour(_first);
        _second.Configure($"mirrors = {neighbour.Url}/repo\n");
        _server.Link.Spoil = (request, answer) => answer.CutAfter = request.IsObject ? -1 : null;
        await _second.UpdateAsync();
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        // Five contents, two trees and the commit.
        neighbour.Traffic.Objects.Should().Be(8);
        _second.NothingIsFalse();
        _second.Describe(_second.Deployments().Single()).Should().Be(_first.Describe(_first.Deployments().Single()));
    }

    [Fact]
    public async Task What_a_neighbour_lacks_comes_from_the_server_in_packs()
    {
        await FirstTakesAsync("mkdir old; for i in $(seq 100); do echo old $i > old/$i; done");
        _server.Link.HasPacks = true;
        var both = _server.Publish("mkdir -p old new; for i in $(seq 100); do echo old $i > old/$i; echo new $i > new/$i; done");
        await using var neighbour = new TestNeighbour(_first);
        await using var link = new UnreliableLink(new Uri(neighbour.Url));
        _second.Configure($"mirrors = {link.Url}/repo\n");
        await _second.UpdateAsync();
        link.Requests.Count(r => r.IsContent).Should().BeGreaterThanOrEqualTo(100);
        neighbour.Traffic.Objects.Should().Be(101, "it has a hundred contents and their directory");
        _server.Link.Requests.Should().NotContain(r => r.IsContent);
        _server.Link.Requests.Where(r => r.IsObject).Should().ContainSingle().Which.Path.Should().Contain(both.ToString()[2..]);
        _server.Link.Requests.Count(r => r.Path == Routes.Packs).Should().BeInRange(1, 3);
        _second.NothingIsFalse();
    }

    [Fact]
    public async Task A_neighbour_that_has_nothing_of_it_is_not_asked_for_every_object()
    {
        await FirstTakesAsync("echo another > thing");
        _server.Link.HasPacks = true;
        _server.Publish("for i in $(seq 1000); do echo new $i > $i; done");
        await using var neighbour = new TestNeighbour(_first);
        await using var link = new UnreliableLink(new Uri(neighbour.Url));
        _second.Configure($"mirrors = {link.Url}/repo\n");
        await _second.UpdateAsync();
        link.Requests.Count(r => r.IsContent).Should().BeInRange(60, 80);
        _server.Link.Requests.Should().NotContain(r => r.IsContent);
        _second.NothingIsFalse();
    }

    [Theory]
    [InlineData("chmod 4755 tool")]
    [InlineData("chmod 2755 tool")]
    [InlineData("chmod 600 tool")]
    [InlineData("chmod 750 tool")]
    public async Task What_not_everybody_may_read_or_what_carries_rights_comes_from_the_server(string change)
    {
        await FirstTakesAsync($"mkdir bin plain; echo tool > bin/tool; echo plain > plain/plain; cd bin; {change}");
        await using var neighbour = new TestNeighbour(_first);
        _second.Configure($"mirrors = {neighbour.Url}/repo\n");
        await _second.UpdateAsync();
        var tool = Path.GetFileName(_first.StoredFile("tool\n"))[..62];
        _server.Link.Requests.Where(r => r.IsContent).Should().ContainSingle().Which.Path.Should().Contain(tool);
        _server.Link.Requests.Count(r => r.Path.EndsWith(".tree", StringComparison.Ordinal)).Should().Be(1, "of all trees only one names it");
        _second.NothingIsFalse();
    }

    [Fact]
    public async Task What_is_damaged_at_a_neighbour_is_refused_and_comes_from_the_server()
    {
        await FirstTakesAsync(Contents);
        var damaged = _first.StoredFile("content 2\n");
        File.WriteAllText(damaged, "content 3\n");
        File.SetLastWriteTimeUtc(damaged, DateTime.UnixEpoch.AddSeconds(1));
        await using var neighbour = new TestNeighbour(_first);
        _second.Configure($"mirrors = {neighbour.Url}/repo\n");
        await _second.UpdateAsync();
        _server.Link.Requests.Where(r => r.IsObject).Should().ContainSingle().Which.Path.Should().Contain(Path.GetFileName(damaged)[..62]);
        neighbour.Traffic.Objects.Should().Be(9, "the damaged one was sent as well, and again when it was asked for alone");
        _second.NothingIsFalse();
    }

    [Fact]
    public async Task A_large_object_that_was_cut_goes_on_at_the_neighbour()
    {
        await FirstTakesAsync("head -c 3000000 /dev/urandom > large; for i in $(seq 300); do echo $i > $i; done");
        await using var neighbour = new TestNeighbour(_first);
        await using var link = new UnreliableLink(new Uri(neighbour.Url));
        var cut = false;
        link.Spoil = (request, answer) =>
        {
            var isLarge = request.IsContent && answer.Body.Length > 1_000_000;
            answer.CutAfter = isLarge && !cut ? 1_000_000 : null;
            cut |= isLarge;
        };
        _server.Link.HasPacks = true;
        _server.Link.Spoil = (request, answer) => answer.CutAfter = request.IsObject ? -1 : null;
        _second.Configure($"mirrors = {link.Url}/repo\n");
        await _second.UpdateAsync();
        link.Requests.Where(r => r.IsContent && r.Range is not null).Select(r => r.Range).Should().Equal("bytes=1000000-");
        link.BodyBytes.Should().BeLessThan(3_100_000);
        _server.Link.Requests.Should().NotContain(r => r.Path == Routes.Packs, "a cut that brought something is no reason to leave it");
        _second.NothingIsFalse();
    }

    [Fact]
    public async Task A_neighbour_that_goes_away_in_the_middle_leaves_a_device_with_its_server()
    {
        await FirstTakesAsync("head -c 3000000 /dev/zero | tr '\\0' x > large");
        await using var neighbour = new TestNeighbour(_first);
        await using var link = new UnreliableLink(new Uri(neighbour.Url));
        var gone = false;
        link.Spoil = (request, answer) =>
        {
            answer.CutAfter = gone ? -1 : request.IsContent ? 1_000_000 : null;
            gone |= request.IsContent;
        };
        _second.Configure($"mirrors = {link.Url}/repo\nretry-min = 10min\nretry-max = 10min\n");
        await _second.UpdateAsync();
        _server.Link.Requests.Count(r => r.IsContent).Should().Be(2, "the server's frame is another one, so it begins anew");
        _second.NothingIsFalse();
    }

    [Fact]
    public async Task An_object_that_is_removed_while_it_is_sent_is_sent_to_its_end()
    {
        await FirstTakesAsync("head -c 1000000 /dev/urandom > large");
        await using var neighbour = new TestNeighbour(_first, new NeighbourLimits(16, 2_000_000, TimeProvider.System));
        _second.Configure($"mirrors = {neighbour.Url}/repo\n");
        var update = _second.UpdateAsync();
        while (neighbour.Traffic.Bytes < 100_000)
            await Task.Delay(5);
        Shell.Run($"rm -r {_first.Root}/ctree/store/objects {_first.Root}/ctree/deploy/*");
        await update;
        _server.Link.Requests.Should().NotContain(r => r.IsContent);
        _second.NothingIsFalse();
    }

    private async Task FirstTakesAsync(string script)
    {
        _server.Publish(script);
        await _first.UpdateAsync();
        _server.Link.Reset();
    }
}
