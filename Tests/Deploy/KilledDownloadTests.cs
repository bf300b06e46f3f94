using System.Diagnostics;
using System.Text.Json.Nodes;
using ContentTree.Deploy.Transfer;

namespace ContentTree.Tests.Deploy;

/// <summary>kill -9 of the real program in the middle of a download.</summary>
[Trait("Category", "Crash")]
public sealed class KilledDownloadTests : IAsyncLifetime
{
    private const int Size = 2_000_000;

    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish($"head -c {Size} /dev/urandom > large");
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Killed_again_and_again_it_asks_for_no_byte_twice()
    {
        _device.Configure("stall-timeout = 1h\n");
        foreach (var sent in new[] { 500_000, 900_000, 1_300_000 })
        {
            // The link falls silent, so that what the program has is what was sent.
            _server.Link.Spoil = (request, answer) =>
            {
                if (request.IsContent)
                    (answer.CutAfter, answer.Stalls) = (sent - From(request), true);
            };
            await KillAsync(sent);
            var came = (await _device.JsonAsync("status"))["fetched"]!["bytes"]!.GetValue<long>();
            came.Should().BeGreaterThan(0, "a kill does not make the status forget");
        }
        var before = _server.Link.BodyBytes;
        _server.Link.Spoil = (_, _) => { };
        await _device.UpdateAsync();
        _server.Link.Requests.Where(r => r.IsContent).Select(From).Should().Equal(0, 500_000, 900_000, 1_300_000);
        (_server.Link.BodyBytes - before).Should().BeLessThan(Size - 1_300_000 + 64 * 1024);
        _device.NothingIsFalse();
    }

    private async Task KillAsync(long written)
    {
        using var program = Process.Start(new ProcessStartInfo("dotnet", [typeof(RangeDownload).Assembly.Location, "--root", _device.Root, "update"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var errors = program.StandardError.ReadToEndAsync();
        while (Written() < written)
        {
            program.HasExited.Should().BeFalse(program.HasExited ? await errors : "");
            await Task.Delay(20);
        }
        // The first record may be from before the first byte.
        while (Recorded() == 0)
            await Task.Delay(20);
        program.Kill();
        await program.WaitForExitAsync();
    }

    private long Written()
    {
        var record = Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/incoming"), "*.written.part").SingleOrDefault();
        return record is null ? 0 : PartRecord.Decode(File.ReadAllBytes(record))?.Ranges.Sum(r => r.Length) ?? 0;
    }

    private long Recorded()
    {
        var path = Path.Combine(_device.Layout.State, "fetching.json");
        return File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!["bytes"]!.GetValue<long>() : 0;
    }

    private static int From(LinkRequest request) =>
        request.Range is { } range ? int.Parse(range.Replace("bytes=", "", StringComparison.Ordinal).TrimEnd('-')) : 0;
}
