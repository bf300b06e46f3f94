using System.Diagnostics;
using System.Security.Cryptography;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Tests.Deploy;

/// <summary>One file over bad links. Nothing here asks how long it took: only how many bytes crossed, and that they are right.</summary>
public sealed class RangeDownloadTests : IAsyncLifetime, IDisposable
{
    private const string Route = "/repo/deltas/a-b-c.ctd";
    private const int CutCost = 64 * 1024;

    private readonly TemporaryDirectory _directory = new();
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(1_500_000);
    private readonly TransferCounters _counters = new();
    private RangeServer _server = null!;

    public Task InitializeAsync()
    {
        _server = new RangeServer(_content);
        Directory.CreateDirectory(_directory["incoming"]);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_file_comes_whole_and_each_byte_once()
    {
        await CompleteAsync();
        _server.BodyBytes.Should().Be(_content.Length);
        _counters.Bytes.Should().Be(_content.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65536)]
    public async Task Any_length_comes_whole(int length)
    {
        _server.Content = _content[..length];
        await CompleteAsync();
        _server.BodyBytes.Should().Be(length);
    }

    [Fact]
    public async Task Bytes_can_be_read_while_later_ones_come()
    {
        _server.RateTotal = 1_000_000;
        using var run = new Run(this, [_server.Url]);
        var done = run.Download.RunAsync(CancellationToken.None);
        var buffer = new byte[100_000];
        for (var offset = 0; offset < _content.Length; offset += buffer.Length)
        {
            await run.Download.WaitForAsync(offset, offset + buffer.Length, CancellationToken.None);
            run.Download.Read(offset, buffer).Should().Be(buffer.Length);
            buffer.Should().Equal(_content[offset..(offset + buffer.Length)]);
            if (offset == 0)
                run.Download.PresentBytes.Should().BeLessThan(_content.Length);
        }
        await done;
    }

    [Fact]
    public async Task A_connection_cut_again_and_again_costs_no_byte_twice()
    {
        // Not faster than it is read: what a full socket holds back is lost with a reset.
        (_server.CutEvery, _server.RateTotal) = (100_000, 2_000_000);
        await CompleteAsync();
        _server.Cuts.Should().BeGreaterThan(10);
        _server.BodyBytes.Should().BeLessThanOrEqualTo(_content.Length + _server.Cuts * CutCost / 8);
        _counters.ToFetched().Resumes.Should().BeGreaterThan(10);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_link_that_is_up_a_third_of_the_time_costs_at_most_a_tenth_more()
    {
        var clock = Stopwatch.StartNew();
        _server.IsUp = () => clock.ElapsedMilliseconds % 600 < 200;
        _server.RateTotal = 1_000_000;
        await CompleteAsync("stall-timeout = 150ms\nattempts = 1000\n");
        _server.BodyBytes.Should().BeLessThanOrEqualTo((long)(_content.Length * 1.1));
        _server.Connections.Should().BeGreaterThan(3, "silent connections were given up");
    }

    [Fact]
    public async Task A_kill_loses_nothing_that_had_come()
    {
        _server.RateTotal = 700_000;
        var killed = await KilledAfterAsync(700_000);
        var before = _server.BodyBytes;
        _server.RateTotal = 0;
        await CompleteAsync(incoming: killed);
        _server.BodyBytes.Should().BeLessThan(before + _content.Length - 700_000 + 4 * CutCost);
        _counters.ToFetched().Resumes.Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task After_a_power_cut_only_what_was_synced_counts()
    {
        _server.RateTotal = 700_000;
        var killed = await KilledAfterAsync(1_300_000);
        var data = Path.Combine(killed, "a-b-c.ctd.part");
        var synced = PartRecord.Decode(File.ReadAllBytes(Path.Combine(killed, "a-b-c.ctd.synced.part")))!;
        synced.Ranges.Should().NotBeEmpty();
        // Another boot, and the disk never got what was not synced.
        var written = Path.Combine(killed, "a-b-c.ctd.written.part");
        File.WriteAllBytes(written, (PartRecord.Decode(File.ReadAllBytes(written))! with { Boot = "an earlier one" }).Encode());
        var bytes = File.ReadAllBytes(data);
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = synced.Ranges.Any(r => r.From <= i && i < r.To) ? bytes[i] : (byte)0;
        File.WriteAllBytes(data, bytes);
        var before = _server.BodyBytes;
        _server.RateTotal = 0;
        await CompleteAsync(incoming: killed);
        (_server.BodyBytes - before).Should().BeGreaterThanOrEqualTo(_content.Length - synced.Ranges.Sum(r => r.Length));
        (_server.BodyBytes - before).Should().BeLessThan(_content.Length - 1_000_000 + CutCost, "a mebibyte was synced");
    }

    [Fact]
    public async Task A_torn_record_is_no_record()
    {
        var killed = await KilledAfterAsync(700_000);
        foreach (var name in new[] { "a-b-c.ctd.written.part", "a-b-c.ctd.synced.part" })
        {
            var record = File.ReadAllBytes(Path.Combine(killed, name));
            record[record.Length / 2] ^= 1;
            File.WriteAllBytes(Path.Combine(killed, name), record);
        }
        var before = _server.BodyBytes;
        _server.RateTotal = 0;
        await CompleteAsync(incoming: killed);
        (_server.BodyBytes - before).Should().Be(_content.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_file_under_the_same_name_starts_over(bool sameLength)
    {
        var other = RandomNumberGenerator.GetBytes(sameLength ? _content.Length : 1_000_000);
        _server.Sending = sent =>
        {
            if (sent > 30_000 && _server.Content == _content)
                (_server.Content, _server.Tag) = (other, "\"two\"");
        };
        using var run = new Run(this, [_server.Url]);
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(other);
        run.Download.Restarts.Should().Be(1);
    }

    [Fact]
    public async Task Tags_that_change_with_every_answer_do_not_make_it_begin_for_ever()
    {
        var answers = 0;
        _server.Sending = _ => _server.Tag = $"\"{++answers}\"";
        using var run = new Run(this, [_server.Url]);
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_content);
        run.Download.Restarts.Should().BeLessThanOrEqualTo(3);
    }

    [Fact]
    public async Task A_server_without_ranges_is_one_plain_stream()
    {
        _server.IgnoresRanges = true;
        await CompleteAsync();
        _server.BodyBytes.Should().Be(_content.Length);
        _server.Ranges.Should().ContainSingle();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(700_000)]
    public async Task A_server_without_ranges_gets_no_more_requests_than_a_download_starts_with_and_sends_it_all_once(int cutAfter)
    {
        // Little enough for a client to read to its end what it does not want.
        _server.Content = _content[..900_000];
        (_server.IgnoresRanges, _server.RateTotal, _server.CutEvery) = (true, 2_000_000, cutAfter);
        _server.Sending = _ => { if (_server.Cuts > 0) _server.CutEvery = 0; };
        await CompleteAsync(length: _server.Content.Length);
        _server.Cuts.Should().Be(cutAfter > 0 ? 1 : 0);
        _server.Ranges.Count.Should().BeLessThanOrEqualTo(ConnectionCount.Start + _server.Cuts);
        _server.BodyBytes.Should().BeLessThanOrEqualTo(_server.Content.Length + cutAfter + (ConnectionCount.Start - 1) * CutCost);
    }

    [Fact]
    public async Task Whoever_waits_hears_of_a_disk_that_fails_while_bytes_come()
    {
        using var run = new Run(this, [_server.Url], length: _content.Length);
        var record = _directory["incoming/a-b-c.ctd.synced.part"];
        File.Delete(record);
        Directory.CreateDirectory(record);
        var waiting = run.Download.WaitForAsync(0, _content.Length, CancellationToken.None);
        var running = () => run.Download.RunAsync(CancellationToken.None);
        await running.Should().ThrowAsync<PosixException>();
        await waiting.Awaiting(w => w.WaitAsync(TimeSpan.FromSeconds(30))).Should().ThrowAsync<PosixException>();
        await run.Download.Awaiting(d => d.WaitForAsync(0, _content.Length, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30))).Should().ThrowAsync<PosixException>();
        Directory.Delete(record);
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_content);
    }

    [Fact]
    public async Task A_mirror_is_asked_first_and_the_server_for_the_rest()
    {
        await using var mirror = new RangeServer(_content) { Tag = "\"another\"" };
        mirror.Sending = sent => { if (sent > 600_000) mirror.Instead = "HTTP/1.1 503 busy\r\nContent-Length: 0\r\n\r\n"; };
        await CompleteAsync("retry-min = 10min\nretry-max = 10min\n", mirrors: [mirror.Url]);
        mirror.BodyBytes.Should().BeGreaterThan(600_000);
        (_server.BodyBytes + mirror.BodyBytes).Should().Be(_content.Length);
    }

    [Fact]
    public async Task A_mirror_with_another_file_is_left_for_the_next()
    {
        await using var mirror = new RangeServer(_content[..^1]);
        await CompleteAsync(mirrors: [mirror.Url], length: _content.Length);
        mirror.BodyBytes.Should().BeLessThanOrEqualTo(ConnectionCount.Start * CutCost);
        _server.BodyBytes.Should().Be(_content.Length);
    }

    [Fact]
    public async Task A_mirror_that_sent_wrong_bytes_is_left_for_the_next()
    {
        var wrong = _content.ToArray();
        wrong[1000] ^= 1;
        await using var mirror = new RangeServer(wrong);
        using var run = new Run(this, [mirror.Url, _server.Url]);
        await run.Download.RunAsync(CancellationToken.None);
        run.Download.Distrust(0, 100_000);
        run.Download.PresentBytes.Should().Be(_content.Length - 100_000);
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_content);
        _server.BodyBytes.Should().Be(100_000);
    }

    [Fact]
    public async Task A_server_that_sends_wrong_bytes_twice_is_no_source()
    {
        using var run = new Run(this, [_server.Url]);
        await run.Download.RunAsync(CancellationToken.None);
        run.Download.Distrust(0, 1000);
        await run.Download.RunAsync(CancellationToken.None);
        run.Download.Invoking(d => d.Distrust(0, 1000)).Should().Throw<StoppedException>().Which.Code.Should().Be(ContentTree.Store.Protocol.ExitCode.VerificationFailed);
    }

    [Fact]
    public async Task A_directory_is_a_source_too()
    {
        Directory.CreateDirectory(_directory["stick/deltas"]);
        File.WriteAllBytes(_directory["stick/deltas/a-b-c.ctd"], _content);
        await CompleteAsync(mirrors: [new Uri(_directory["stick"])]);
        _server.Ranges.Should().BeEmpty();
    }

    [Fact]
    public async Task A_log_in_page_is_no_file()
    {
        _server.Instead = "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\nContent-Length: 0\r\n\r\n";
        using var run = new Run(this, [_server.Url]);
        var waiting = run.Download.WaitForAsync(0, 1, CancellationToken.None);
        var running = () => run.Download.RunAsync(CancellationToken.None);
        (await running.Should().ThrowAsync<ServerUnreachableException>()).Which.IsNoNetwork.Should().BeTrue();
        await ((Func<Task>)(() => waiting)).Should().ThrowAsync<ServerUnreachableException>();
        _server.Instead = null;
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_content);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Where_each_connection_is_slow_several_are_used()
    {
        (_server.RateEach, _server.RateTotal) = (100_000, 400_000);
        _server.Content = [.. _content, .. _content];
        using var run = new Run(this, [_server.Url], window: TimeSpan.FromMilliseconds(400));
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_server.Content);
        _server.PeakSending.Should().BeInRange(4, 6);
        _server.BodyBytes.Should().Be(_server.Content.Length);
    }

    [Fact]
    public async Task Where_one_connection_is_fast_no_more_are_made_than_it_starts_with()
    {
        await CompleteAsync();
        _server.Connections.Should().BeLessThanOrEqualTo(ConnectionCount.Start);
    }

    private async Task CompleteAsync(string transfer = "", string? incoming = null, Uri[]? mirrors = null, long? length = null)
    {
        using var run = new Run(this, [.. mirrors ?? [], _server.Url], transfer, incoming, length);
        await run.Download.RunAsync(CancellationToken.None);
        run.ReadAll().Should().Equal(_server.Content);
        run.Download.Length.Should().Be(_server.Content.Length);
        run.Download.Remove();
        Directory.GetFiles(incoming ?? _directory["incoming"]).Should().BeEmpty();
    }

    /// <summary>What a kill leaves: the files as the kernel has them in the middle of a download, nothing flushed or closed.</summary>
    private async Task<string> KilledAfterAsync(long bytes)
    {
        var copy = _directory["killed"];
        Directory.CreateDirectory(copy);
        using var stop = new CancellationTokenSource();
        using var run = new Run(this, [_server.Url]);
        var done = run.Download.RunAsync(stop.Token);
        await run.Download.WaitForAsync(0, bytes, CancellationToken.None);
        // The record first: what it names was in the data before.
        foreach (var name in new[] { "a-b-c.ctd.written.part", "a-b-c.ctd.synced.part", "a-b-c.ctd.part" })
            File.Copy(Path.Combine(_directory["incoming"], name), Path.Combine(copy, name));
        await stop.CancelAsync();
        await done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return copy;
    }

    private sealed class Run : IDisposable
    {
        private readonly Sources _sources;
        private readonly SafeFileHandle _incoming;

        public Run(RangeDownloadTests test, Uri[] urls, string transfer = "", string? incoming = null, long? length = null, TimeSpan? window = null)
        {
            var mirrors = string.Join(' ', urls[..^1].Select(u => u.IsFile ? u.LocalPath : u + "repo"));
            Directory.CreateDirectory(test._directory["ctree"]);
            File.WriteAllText(test._directory["ctree/agent.conf"], $"[transfer]\nmirrors = {mirrors}\nattempts = 4\nretry-min = 1ms\nretry-max = 5ms\n{transfer}");
            var config = AgentConfig.Load(new DeviceRoot(test._directory.Path, IsGiven: true));
            var root = new DeviceRoot(test._directory.Path, IsGiven: true);
            Directory.CreateDirectory(root.Layout.State);
            _sources = new Sources(urls[^1], config, new DeviceStateFiles(root, TimeProvider.System), TimeProvider.System);
            _incoming = Posix.OpenDirectory(incoming ?? test._directory["incoming"]);
            Download = new RangeDownload(_sources, _incoming, Route, test._counters, TimeProvider.System, length) { Window = window ?? TimeSpan.FromSeconds(3) };
        }

        public RangeDownload Download { get; }

        public byte[] ReadAll()
        {
            var bytes = new byte[Download.Length!.Value];
            for (var at = 0; at < bytes.Length;)
                at += Download.Read(at, bytes.AsSpan(at));
            return bytes;
        }

        public void Dispose()
        {
            Download.Dispose();
            _incoming.Dispose();
            _sources.Dispose();
        }
    }
}
