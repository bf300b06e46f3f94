using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Updates by delta, seen from outside: which requests are made, how many bytes come, and what a false delta does.</summary>
[Trait("Category", "Slow")]
public sealed class DeltaPullTests : IAsyncLifetime
{
    private const string Old = "umask 022; seq 1 300000 > large; seq 1 2000 > small; mkdir -p lib/1.1; seq 5 90000 > lib/1.1/module";
    private const string New = "umask 022; seq 1 300000 | sed s/777/778/ > large; seq 2 2001 > small; mkdir -p lib/1.2; seq 5 90001 > lib/1.2/module; head -c 300000 /dev/urandom > random; gzip -9n < large > packed.gz";

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _old = _server.Publish(Old);
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _new = _server.Publish(New);
        _server.Link.Reset();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_delta_is_the_only_content_that_comes()
    {
        var offer = MakeDelta(_old);
        await _device.TakeAsync();
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        (await _device.JsonAsync("status"))["fetched"]!["bytes"]!.GetValue<long>().Should().Be(offer.Bytes);
        _device.NothingIsFalse();
        Incoming().Should().BeEmpty();
    }

    [Fact]
    public async Task The_plan_says_exactly_what_will_come_and_brings_only_the_start_of_it()
    {
        var offer = MakeDelta(_old);
        var plan = await _device.JsonAsync("plan");
        plan["isDelta"]!.GetValue<bool>().Should().BeTrue();
        var left = plan["maxDownloadBytes"]!.GetValue<long>();
        left.Should().BeInRange(offer.Bytes - 64 * 1024, offer.Bytes - 1);
        _server.Link.Reset();
        await _device.UpdateAsync();
        (await _device.JsonAsync("status"))["fetched"]!["bytes"]!.GetValue<long>().Should().Be(left);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task The_delta_that_the_poll_names_is_taken_without_a_look_at_the_list()
    {
        MakeDelta(_old);
        await _device.UpdateAsync();
        Deltas().Should().NotBeEmpty();
        _server.Link.Requests.Should().NotContain(r => r.Path == Routes.DeltasTo(_new) || r.Path == Routes.Deltas);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 50)]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task An_offer_of_a_size_that_cannot_be_is_no_offer(long bytes)
    {
        var offer = MakeDelta(_old);
        _server.Link.Spoil = (_, answer) => answer.Say($"\"bytes\":{offer.Bytes}", $"\"bytes\":{bytes}");
        await _device.UpdateAsync();
        _server.Link.Requests.Should().Contain(r => r.Path == Routes.DeltasTo(_new)).And.Contain(r => r.IsObject);
        Deltas().Should().BeEmpty();
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_an_old_object_is_damaged_or_gone_objects_are_fetched(bool isGone)
    {
        MakeDelta(_old);
        var damaged = _device.StoredFile(string.Concat(Enumerable.Range(1, 2000).Select(i => $"{i}\n")));
        if (isGone)
            File.Delete(damaged);
        else
            File.WriteAllText(damaged, File.ReadAllText(damaged).Replace('5', '6'));
        var update = await _device.RunAsync("update");
        update.Code.Should().Be(0, update.Error);
        update.Error.Should().Contain("the delta was of no use");
        Deltas().Should().NotBeEmpty();
        _server.Link.Requests.Should().Contain(r => r.IsContent);
        Incoming().Should().BeEmpty();
        using var store = _device.OpenStore();
        LocalStoreCheck.Run(store).Damage.Should().HaveCount(isGone ? 0 : 1, "only the old object is false, if it is there");
        File.ReadAllLines(Path.Combine(_device.Layout.Deployments, _device.Deployments()[^1], "small")).Should().Equal(Enumerable.Range(2, 2000).Select(i => $"{i}"));
    }

    [Fact]
    public async Task A_header_that_asks_for_too_much_memory_costs_a_look()
    {
        var offer = MakeDelta(_old);
        // Its number takes a byte more.
        Falsify(offer, "memory");
        _server.Link.Spoil = (_, answer) => answer.Say($"\"bytes\":{offer.Bytes}", $"\"bytes\":{offer.Bytes + 1}");
        var update = await _device.RunAsync("update");
        update.Code.Should().Be(0, update.Error);
        update.Error.Should().Contain("KiB of memory");
        _server.Link.Requests.Should().Contain(r => r.IsContent);
        _device.NothingIsFalse();
    }

    [MountFact]
    [Trait("Category", "Slow")]
    public async Task A_delta_that_claims_more_room_than_there_is_gives_way_to_objects_that_fit()
    {
        const string Large = "umask 022; mkdir lib; seq 1 900000 > lib/large; echo {0} > small";
        using var disk = new TestMount("-t tmpfs -o size=12m none");
        using var device = new TestDevice(Path.Combine(disk.Path, "device"));
        device.Configure("[store]\nmin-free = 0\n");
        (await device.RunAsync("init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), "--unprivileged")).Code.Should().Be(0);
        var before = _server.Publish("echo before > small");
        await device.TakeAsync();
        _server.Publish(string.Format(Large, 1));
        await device.TakeAsync();
        // To the one before the running one nearly everything is new.
        MakeDelta(before, _server.Publish(string.Format(Large, 2)));
        _server.Link.Reset();
        (await device.JsonAsync("plan"))["fits"]!.GetValue<bool>().Should().BeTrue();
        var update = await device.RunAsync("update");
        update.Code.Should().Be(0, update.Error);
        update.Error.Should().Contain("the delta was of no use").And.Contain("not free");
        Deltas().Should().NotBeEmpty();
        _server.Link.Requests.Count(r => r.IsContent).Should().Be(1);
        Directory.GetFiles(Path.Combine(device.Root, "ctree/store/incoming")).Should().BeEmpty();
        device.NothingIsFalse();
    }

    [Fact]
    public async Task A_delta_from_nothing_is_for_a_device_that_has_nothing()
    {
        MakeDelta(null);
        await _device.UpdateAsync();
        Deltas().Should().BeEmpty();
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_first_install_comes_as_one_delta_from_nothing()
    {
        MakeDelta(null);
        using var fresh = await TestDevice.EnrolledAsync(_server);
        await fresh.TakeAsync();
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        fresh.NothingIsFalse();
    }

    [Fact]
    public async Task A_delta_from_a_commit_that_is_not_here_is_left_alone()
    {
        var third = _server.Publish("echo third > file");
        MakeDelta(_new, third);
        await _device.UpdateAsync();
        _server.Link.Requests.Should().Contain(r => r.IsObject).And.NotContain(r => r.Path.EndsWith(".ctd", StringComparison.Ordinal))
            .And.Contain(r => r.Path == Routes.Deltas, "the server is told that somebody would have used one");
    }

    [Fact]
    public async Task Bytes_flipped_on_the_way_are_fetched_again_and_nothing_else()
    {
        var offer = MakeDelta(_old);
        var flips = 1;
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path.EndsWith(".ctd", StringComparison.Ordinal) && answer.Body.Length > 1000 && !Start(request).StartsWith('0') && Interlocked.Decrement(ref flips) >= 0)
                answer.Flip(answer.Body.Length / 2);
        };
        await _device.UpdateAsync();
        flips.Should().BeLessThan(1, "the test must have spoiled something");
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        _server.Link.BodyBytes.Should().BeLessThan((2 * offer.Bytes) + 4096);
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData(20)]
    [InlineData(300)]
    public async Task A_header_or_plan_flipped_on_the_way_is_fetched_again(int at)
    {
        MakeDelta(_old);
        var flips = 1;
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path.EndsWith(".ctd", StringComparison.Ordinal) && Start(request).StartsWith("0-", StringComparison.Ordinal) && Interlocked.Decrement(ref flips) >= 0)
                answer.Flip(at);
        };
        await _device.UpdateAsync();
        flips.Should().BeLessThan(1, "the test must have spoiled something");
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData("header")]
    [InlineData("plan")]
    [InlineData("part")]
    public async Task A_false_delta_costs_bytes_and_nothing_more(string where)
    {
        var offer = MakeDelta(_old);
        Falsify(offer, where);
        (await _device.RunAsync("pull")).Error.Should().Contain("the delta was of no use");
        await _device.TakeAsync();
        _server.Link.Requests.Should().Contain(r => r.IsObject, "the objects themselves were taken");
        _device.NothingIsFalse();
        Incoming().Should().BeEmpty();
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task What_was_rebuilt_before_a_cut_stays()
    {
        var offer = MakeDelta(_old, parts: 200_000);
        _server.Link.Spoil = (request, answer) =>
        {
            if (!request.Path.EndsWith(".ctd", StringComparison.Ordinal) || Start(request).StartsWith('0'))
                return;
            // The device asks for both at a time and gives up the one with the other.
            SpinWait.SpinUntil(HasStart, TimeSpan.FromMinutes(1)).Should().BeTrue();
            answer.Replace(503, "text/plain", "later");
        };
        (await _device.RunAsync("update")).Code.Should().Be((int)ExitCode.Unreachable);
        _server.Link.Spoil = (_, _) => { };
        var before = _server.Link.BodyBytes;
        await _device.UpdateAsync();
        (_server.Link.BodyBytes - before).Should().BeLessThan(offer.Bytes - 30_000 + 4096, "what had come did not come again");
        _device.NothingIsFalse();

        bool HasStart()
        {
            using var part = File.OpenRead(Incoming().Single(f => f.EndsWith(".ctd.part", StringComparison.Ordinal)));
            var last = new byte[64];
            part.Seek((32 * 1024) - last.Length, SeekOrigin.Begin);
            part.ReadExactly(last);
            return last.Any(b => b != 0);
        }
    }

    private DeltaOffer MakeDelta(ObjectId? from, ObjectId? to = null, int parts = 16 * 1024 * 1024)
    {
        using var deltas = new DeltaStore(_server.Data);
        return deltas.Make(from, to ?? _new, new DeltaOptions { PartBytes = parts }, null, CancellationToken.None).Offer;
    }

    // As a mirror would do that wants to do harm: every checksum is right.
    private void Falsify(DeltaOffer offer, string where)
    {
        using var deltas = new DeltaStore(_server.Data);
        var path = deltas.PathOf(DeltaName.Parse(offer.Name));
        var bytes = File.ReadAllBytes(path);
        var header = DeltaHeader.Decode(bytes.AsSpan(0, DeltaHeader.LengthOf(bytes)));
        if (where == "header")
        {
            bytes[20] ^= 1;
        }
        else if (where == "memory")
        {
            bytes = [.. (header with { MemoryKiB = 1 << 20 }).Encode(), .. bytes.AsSpan((int)header.Plan.Offset)];
        }
        else
        {
            var part = where == "plan" ? header.Plan : header.Parts[0];
            bytes[part.Offset + part.CodedLength / 2] ^= 0x40;
            var changed = part with { Checksum = DeltaHeader.Checksum(bytes.AsSpan((int)part.Offset, (int)part.CodedLength)) };
            var encoded = (where == "plan" ? header with { Plan = changed } : header with { Parts = [changed, .. header.Parts.Skip(1)] }).Encode();
            encoded.CopyTo(bytes, 0);
        }
        File.WriteAllBytes(path, bytes);
    }

    private static string Start(LinkRequest request) => (request.Range ?? "bytes=0-")["bytes=".Length..];

    private IEnumerable<LinkRequest> Deltas() => _server.Link.Requests.Where(r => r.Path.EndsWith(".ctd", StringComparison.Ordinal));

    private string[] Incoming() => Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/incoming"));
}
