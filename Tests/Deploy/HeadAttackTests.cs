using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Deploy;

/// <summary>Heads as an attacker with the server's disk, but without its release key, can serve them.</summary>
public sealed class HeadAttackTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ObjectId _first;
    private byte[] _firstHead = [];

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _first = _server.Publish("echo one > file");
        _firstHead = _server.ReadHead();
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task An_older_head_is_refused()
    {
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        _server.WriteHead("main", _firstHead);
        await RefusedAsync("sequence 1 is lower than 2");
    }

    [Fact]
    public async Task Another_commit_with_the_same_sequence_is_refused()
    {
        _server.Publish("echo two > file", "other");
        var other = _server.Data.Trust.Load().VerifyHead(_server.ReadHead("other"), BranchName.Parse("other")).Commit;
        _server.MoveHead(other, sequence: 1);
        await RefusedAsync("sequence 1 was commit");
    }

    [Fact]
    public async Task A_head_of_another_branch_is_refused()
    {
        _server.Publish("echo beta > file", "beta");
        _server.WriteHead("main", _server.ReadHead("beta"));
        await RefusedAsync("it is about beta");
    }

    [Fact]
    public async Task A_head_that_another_key_signed_is_refused()
    {
        using var stranger = SigningKey.Generate();
        _server.MoveHead(_first, sequence: 9, signer: stranger);
        await RefusedAsync("sign");
    }

    [Fact]
    public async Task An_expired_head_is_refused()
    {
        _server.MoveHead(_first, sequence: 9, expires: DateTimeOffset.UtcNow.AddMinutes(-1));
        await RefusedAsync("ended at");
    }

    [Fact]
    public async Task A_head_with_one_flipped_bit_is_refused()
    {
        _server.Publish("echo two > file");
        var head = _server.ReadHead();
        head[head.AsSpan().IndexOf("\"sequence\":2"u8) + 11] = (byte)'3';
        _server.WriteHead("main", head);
        await RefusedAsync("sign");
    }

    private async Task RefusedAsync(string reason)
    {
        var deployments = _device.Deployments();
        var seen = File.ReadAllText(Path.Combine(_device.Layout.State, "trust/seen.json"));
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(14, result.Error);
        result.Error.Should().Contain(reason);
        _device.Deployments().Should().Equal(deployments);
        File.ReadAllText(Path.Combine(_device.Layout.State, "trust/seen.json")).Should().Be(seen, "nothing is remembered of a head that is refused");
        _server.Publish("echo three > file", "main2");
        (await _device.RunAsync("switch", "main2")).Code.Should().Be(0, "a good head is still taken");
    }
}
