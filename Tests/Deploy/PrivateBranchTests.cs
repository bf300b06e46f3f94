using ContentTree.Server.Privacy;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Deploy;

/// <summary>A device that follows a private branch: it signs what it asks for, and gives nothing of it to neighbours.</summary>
public sealed class PrivateBranchTests : IAsyncLifetime
{
    private const string Contents = "for i in 1 2 3; do echo content $i > $i; done; head -c 300000 /dev/urandom > large; mkdir sub; echo deep > sub/deep";

    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish(Contents);
        _device = await TestDevice.EnrolledAsync(_server);
        new PrivateBranches(_server.Data).Set(BranchName.Parse("main"), isIn: true);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_when_it_is_allowed_it_takes_the_branch_by_packs_and_by_single_objects(bool packs)
    {
        var refused = await _device.RunAsync("update");
        refused.Code.Should().Be(17);
        refused.Error.Should().Contain("no branch main");

        Allow();
        _server.Link.HasPacks = packs;
        await _device.UpdateAsync();
        _server.Link.Requests.Any(r => r.IsObject && r.Path.Contains(".file", StringComparison.Ordinal)).Should().Be(!packs);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task Neighbours_get_nothing_of_it_even_what_every_user_may_read()
    {
        Allow();
        await _device.UpdateAsync();
        await using var neighbour = new TestNeighbour(_device);
        var id = ObjectId.Of("content 1\n"u8).ToString();
        neighbour.Say($"GET /repo/objects/{id[..2]}/{id[2..]}.file HTTP/1.1\r\nHost: x\r\n\r\n").Should().Contain("404");

        // Also after the branch has become everybody's again: what came while it was not is still here.
        new PrivateBranches(_server.Data).Set(BranchName.Parse("main"), isIn: false);
        await _device.UpdateAsync();
        neighbour.Say($"GET /repo/objects/{id[..2]}/{id[2..]}.file HTTP/1.1\r\nHost: x\r\n\r\n").Should().Contain("404");
    }

    private void Allow() => new Entitlements(_server.Data.OpenDatabase()).Allow(_server.Devices.List(10).Single().Id, BranchName.Parse("main"));
}
