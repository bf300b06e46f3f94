using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Deploy;

/// <summary>
/// What a network or a server may do to an update. Always the same three things hold: the documented exit code, nothing false in the
/// store, and the running deployment as it was; and when the trouble is over, the next run finishes.
/// </summary>
public sealed class TransferFaultTests : IAsyncLifetime
{
    private const int Files = 12;

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string _running = "", _before = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo running > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _running = _device.Deployments().Single();
        _before = _device.Describe(_running);
        (await _device.RunAsync("update")).Code.Should().Be(0);
        _server.Link.Reset();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(".file")]
    [InlineData(".tree")]
    [InlineData(".commit")]
    public async Task A_flipped_object_is_refused(string kind)
    {
        PublishMany();
        _server.Link.Spoil = (request, answer) => { if (request.Path.EndsWith(kind, StringComparison.Ordinal)) answer.Flip(answer.Body.Length / 2); };
        await FailsAsync(14);
        await RecoversAsync();
    }

    [Theory]
    [InlineData(".file")]
    [InlineData(".tree")]
    [InlineData(".commit")]
    public async Task A_truncated_object_is_refused(string kind)
    {
        PublishMany();
        _server.Link.Spoil = (request, answer) => { if (request.Path.EndsWith(kind, StringComparison.Ordinal)) answer.Body = answer.Body[..(answer.Body.Length / 2)]; };
        await FailsAsync(14);
        await RecoversAsync();
    }

    [Fact]
    public async Task A_content_that_was_swapped_for_another_valid_one_is_refused()
    {
        PublishMany();
        var other = Frame("something else\n");
        _server.Link.Spoil = (request, answer) => { if (request.IsContent) answer.Body = other; };
        await FailsAsync(14);
        await RecoversAsync();
    }

    [Fact]
    public async Task One_bad_answer_is_asked_for_again_past_every_cache()
    {
        PublishMany();
        // Two requests may come at the same time.
        var spoilt = 0;
        _server.Link.Spoil = (request, answer) =>
        {
            if (!request.IsContent || Interlocked.Exchange(ref spoilt, 1) == 1)
                return;
            answer.Flip(answer.Body.Length / 2);
        };
        await RecoversAsync(reset: false);
        _server.Link.Requests.Should().ContainSingle(request => request.Headers.ContainsKey("Cache-Control"));
    }

    [Fact]
    public async Task A_server_that_vanishes_is_asked_later_for_what_is_missing_only()
    {
        PublishMany();
        var came = new System.Collections.Concurrent.ConcurrentBag<string>();
        _server.Link.Spoil = (request, answer) =>
        {
            if (came.Count >= 5)
                answer.CutAfter = -1;
            else if (request.IsContent)
                came.Add(request.Path);
        };
        await FailsAsync(13);
        _server.Link.Reset();
        await _device.UpdateAsync();
        var later = _server.Link.Requests.Where(request => request.IsContent).Select(request => request.Path).ToArray();
        later.Should().NotIntersectWith(came).And.HaveCount(Files - came.Count);
        _server.Link.Requests.Should().NotContain(request => request.Path.EndsWith(".tree", StringComparison.Ordinal));
        (await _device.JsonAsync("status"))["fetched"]!["objects"]!.GetValue<long>().Should().Be(Files - came.Count + 1, "the commit comes last and so comes again");
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_cancelled_update_ends_with_130_and_keeps_what_came()
    {
        PublishMany();
        using var stop = new CancellationTokenSource();
        var contents = 0;
        _server.Link.Spoil = (request, _) => { if (request.IsContent && Interlocked.Increment(ref contents) == 6) stop.Cancel(); };
        (await _device.RunAsync(stop.Token, "update")).Code.Should().Be(130);
        _server.Link.Reset();
        await _device.UpdateAsync();
        _server.Link.Requests.Count(request => request.IsContent).Should().BeLessThan(Files);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_large_object_goes_on_by_range_in_a_later_run()
    {
        _server.Publish("head -c 2000000 /dev/urandom > large");
        var isCut = false;
        _server.Link.Spoil = (request, answer) =>
        {
            if (!request.IsContent)
                return;
            answer.CutAfter = isCut ? -1 : 1_000_000;
            isCut = true;
        };
        await FailsAsync(13);
        _server.Link.Reset();
        await _device.UpdateAsync();
        var request = _server.Link.Requests.Single(request => request.IsContent);
        var from = long.Parse(request.Range!.Replace("bytes=", "").TrimEnd('-'));
        from.Should().BeInRange(900_000, 1_000_000);
        _server.Link.BodyBytes.Should().BeLessThan(2_100_000 - from);
        (await _device.JsonAsync("status"))["fetched"]!["resumes"]!.GetValue<long>().Should().Be(1);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_partial_object_that_changed_on_the_server_starts_over()
    {
        _server.Publish("head -c 2000000 /dev/urandom > large");
        _server.Link.Spoil = (request, answer) => { if (request.IsContent) answer.CutAfter = request.Range is null ? 500_000 : -1; };
        await FailsAsync(13);
        _server.Link.Reset();
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.IsContent && request.Range is not null)
                (answer.Status, answer.Body) = (206, [.. Enumerable.Repeat((byte)7, answer.Body.Length)]);
        };
        await RecoversAsync(reset: false);
    }

    [Theory]
    [InlineData(200, "text/html", "<html>please log in</html>")]
    [InlineData(302, "text/html", "")]
    [InlineData(500, "text/plain", "oops")]
    [InlineData(503, "text/plain", "later")]
    [InlineData(200, "application/json", "{\"hello\":1}")]
    [InlineData(200, "application/json", "not json at all")]
    public async Task Whatever_else_answers_in_the_servers_place_is_no_server(int status, string type, string body)
    {
        PublishMany();
        _server.Link.Spoil = (_, answer) => answer.Replace(status, type, body);
        await FailsAsync(13);
        await RecoversAsync();
    }

    [Fact]
    public async Task A_log_in_page_in_the_middle_of_a_pull_is_no_object()
    {
        PublishMany();
        _server.Link.Spoil = (request, answer) => { if (request.IsContent) answer.Replace(200, "text/html", "<html>please log in</html>"); };
        await FailsAsync(13);
        await RecoversAsync();
    }

    [Fact]
    public async Task A_link_on_which_nothing_moves_is_given_up()
    {
        PublishMany();
        _device.Configure("[transfer]\nstall-timeout = 200ms\n");
        _server.Link.Spoil = (request, answer) => { if (request.IsContent) (answer.CutAfter, answer.Stalls) = (3, true); };
        await FailsAsync(13);
        await RecoversAsync();
    }

    [Fact]
    public async Task An_object_that_the_server_lost_is_not_found()
    {
        PublishMany();
        _server.Link.Spoil = (request, answer) => { if (request.IsContent) answer.Replace(404, "application/problem+json", "{}"); };
        await FailsAsync(17);
        await RecoversAsync();
    }

    [Fact]
    public async Task A_tree_with_a_name_that_leads_out_is_refused()
    {
        byte[] forged = [];
        _server.Publish(writer =>
        {
            using var encoder = new Lz4Encoder();
            var content = "evil\n"u8.ToArray();
            var file = ObjectId.Of(content);
            writer.Write(new ObjectName(ObjectKind.File, file), content, encoder);
            forged = new Tree(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("XX"), Metadata.Plain(0x1a4), content.Length, file)]).Encode();
            var at = forged.AsSpan().IndexOf("XX"u8);
            forged[at] = forged[at + 1] = (byte)'.';
            writer.Write(new ObjectName(ObjectKind.Tree, ObjectId.Of(forged)), forged, encoder);
            return new Commit { Tree = ObjectId.Of(forged), Created = DateTimeOffset.UnixEpoch, Source = new CommitSource(CommitSourceKind.Directory) };
        });
        await FailsAsync(14);
        _server.Link.Requests.Should().Contain(request => request.Path.EndsWith(".tree", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Other_owners_and_modes_of_a_content_cost_no_download()
    {
        _server.Publish("cp /bin/bash large; echo running > file");
        await _device.TakeAsync();
        _server.Publish("cp /bin/bash large; cp large copy; chmod 4750 copy; chmod 600 large; echo running > file");
        _server.Link.Reset();
        await _device.UpdateAsync();
        _server.Link.Requests.Should().NotContain(request => request.IsContent);
    }

    [Fact]
    public async Task A_poll_with_nothing_new_is_one_small_request()
    {
        (await _device.RunAsync("update", "--unchanged-exit-77")).Code.Should().Be(77);
        _server.Link.Requests.Should().ContainSingle().Which.Path.Should().Be("/api/v1/poll");
        _server.Link.BodyBytes.Should().BeLessThan(500);
    }

    private void PublishMany() => _server.Publish($"mkdir a b; for i in $(seq {Files}); do echo content $i of many > $([ $((i % 2)) = 0 ] && echo a || echo b)/$i; done");

    private async Task FailsAsync(int code)
    {
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(code, result.Error);
        result.Error.Should().StartWith("ctree: ");
        _device.NothingIsFalse();
        _device.Deployments().Should().Equal(_running);
        _device.Describe(_running).Should().Be(_before);
        _device.Boot.Read()!.Wanted.ToString().Should().Be(_running);
        (await _device.JsonAsync("status"))["lastResult"]!["code"]!.GetValue<int>().Should().Be(code);
    }

    private async Task RecoversAsync(bool reset = true)
    {
        if (reset)
            _server.Link.Reset();
        await _device.UpdateAsync();
        _device.NothingIsFalse();
        _device.Deployments().Should().HaveCount(2);
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    private static byte[] Frame(string content)
    {
        using var encoder = new Lz4Encoder();
        return encoder.EncodeFrame(System.Text.Encoding.UTF8.GetBytes(content)).ToArray();
    }
}
