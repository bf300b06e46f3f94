using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary>Updates that come in packs, over links and from servers that fail.</summary>
public sealed class PackDownloadTests : IAsyncLifetime
{
    private const int NoiseBytes = 700_000;

    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo running > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _server.Link.Reset();
        _server.Link.HasPacks = true;
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Hundreds_of_objects_take_a_handful_of_requests()
    {
        _server.Publish("""
            for d in a b c d e f; do mkdir -p $d/x; for i in $(seq 60); do echo "$d $i" > $d/x/file$i; done; done
            head -c 300000 /dev/zero | tr '\0' 'x' > large; cp a/x/file1 again; chmod 600 again; : > empty
            """);
        await _device.UpdateAsync();
        Packs().Should().BeInRange(1, 4);
        _server.Link.Requests.Should().NotContain(r => r.IsContent).And.ContainSingle(r => r.IsObject);
        (await _device.JsonAsync("status"))["fetched"]!["objects"]!.GetValue<int>().Should().BeGreaterThan(360);
        (await _device.RunAsync("verify")).Code.Should().Be(0);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_link_that_is_cut_again_and_again_brings_every_byte_about_once()
    {
        PublishNoise();
        var cuts = 0;
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path != Routes.Packs || answer.Body.Length < 200_000)
                return;
            answer.CutAfter = 150_000;
            cuts++;
        };
        await _device.UpdateAsync();
        cuts.Should().BeGreaterThan(3);
        _server.Link.BodyBytes.Should().BeLessThan(NoiseBytes + 20_000 + cuts * (68 << 10));
        (await _device.JsonAsync("status"))["fetched"]!["resumes"]!.GetValue<int>().Should().Be(cuts);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_later_run_goes_on_in_the_middle_of_a_large_object()
    {
        await CutForGoodAsync();
        _device.NothingIsFalse();
        await _device.UpdateAsync();
        _server.Link.BodyBytes.Should().BeLessThan(NoiseBytes - 200_000);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_part_that_was_torn_costs_that_object_and_nothing_else()
    {
        await CutForGoodAsync();
        var part = Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/incoming"), "*.file.part").Single();
        using (var file = File.OpenWrite(part))
            file.Write(new byte[1000]);
        await _device.UpdateAsync();
        _server.Link.Requests.Count(r => r.IsContent).Should().Be(1);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task Damaged_packs_are_given_up_for_single_objects()
    {
        PublishNoise();
        _server.Link.Spoil = (request, answer) => { if (request.Path == Routes.Packs) answer.Flip(answer.Body.Length / 2); };
        await _device.UpdateAsync();
        Packs().Should().Be(2);
        _server.Link.Requests.Should().Contain(r => r.IsContent);
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData(503)]
    [InlineData(405)]
    [InlineData(404)]
    public async Task A_server_that_gives_no_packs_gives_single_objects(int status)
    {
        PublishNoise();
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path != Routes.Packs)
                return;
            answer.Status = status;
            if (status == 503)
            {
                answer.Headers["Content-Type"] = Problem.MediaType;
                answer.Body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(Problem.Of(ProblemCode.Unavailable, null, null), ProtocolJson.Default.Problem);
            }
        };
        await _device.UpdateAsync();
        Packs().Should().Be(1);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_content_that_is_another_on_the_server_is_refused()
    {
        _server.Publish("mkdir d; echo first > d/first; echo other > d/other");
        using (var encoder = new Lz4Encoder())
            File.WriteAllBytes(Path.Combine(_server.Data.Repository.Path, new ObjectName(ObjectKind.File, ObjectId.Of("first\n"u8)).RelativePath), encoder.EncodeFrame("wrong\n"u8).ToArray());
        (await _device.RunAsync("update")).Code.Should().Be(14);
        _device.NothingIsFalse();
        File.Exists(_device.StoredFile("other\n")).Should().BeTrue();
    }

    private async Task CutForGoodAsync()
    {
        PublishNoise();
        var isGone = false;
        _server.Link.Spoil = (request, answer) =>
        {
            if (isGone)
                answer.CutAfter = -1;
            if (request.Path != Routes.Packs || answer.Body.Length < 400_000)
                return;
            isGone = true;
            answer.CutAfter = 350_000;
        };
        (await _device.RunAsync("update")).Code.Should().Be(13);
        _server.Link.Reset();
    }

    private int Packs() => _server.Link.Requests.Count(r => r.Path == Routes.Packs);

    private void PublishNoise() => _server.Publish($"mkdir d; head -c {NoiseBytes} /dev/urandom > d/noise; for i in 1 2 3 4; do echo $i > d/$i; done");
}
