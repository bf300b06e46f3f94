using System.Formats.Tar;
using System.Net;
using System.Text;
using System.Text.Json;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.Http;
using ContentTree.Deploy.Loaders;
using ContentTree.Deploy.Neighbours;
using ContentTree.Deploy.Pages;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Fuzz;

/// <summary>The parsers of the agent and of the selector.</summary>
internal static class DeviceParsers
{
    private static readonly Type[] None = [];
    private static readonly TemporaryDirectory Files = new();

    public static IReadOnlyDictionary<string, FuzzedParser> All { get; } = new Dictionary<string, FuzzedParser>
    {
        ["boot slot"] = new(bytes => BootRecord.TryDecode(bytes, out var record, out _) && bytes.Length == 512 ? Written(record!, bytes) : null, None, Boot.BootSamples.Record(BootState.Trial, 2, 1, 3).Encode()),
        ["booted record"] = FuzzedParser.Of(bytes => BootedRecord.TryParse(Encoding.Latin1.GetString(bytes), out _), None, "deployment=1-0123abcd\ncommit=\nreason=wanted\n"u8.ToArray()),
        ["deny list"] = FuzzedParser.Of(bytes => DenyList.Parse(Encoding.Latin1.GetString(bytes)), None, Encoding.ASCII.GetBytes($"{ObjectId.Of("x"u8)} failed-boot count=2 until=2026-11-21T03:45:00Z text\n")),
        ["deployment name"] = FuzzedParser.Name(text => DeploymentName.TryParse(text, out var name) ? name.ToString() : null, "12-0a1b2c3d"),
        ["deployment's marker"] = FuzzedParser.Of(ReadMarker, None, Encoding.ASCII.GetBytes(Boot.BootSamples.Complete(3).Marker.Format())),
        ["counted boots"] = File(path => EarlyBoots.Read(path)?.Count > EarlyBoots.MaxCount ? [] : null, None, new EarlyBoots(Boot.BootSamples.Name(7), 3).Encode()),
        ["loader pointer"] = File(path => LoaderPointer.Read(path)?.Encode(), None, new LoaderPointer("grub/grubenv", new byte[512]).Encode()),
        ["GRUB's environment"] = FuzzedParser.Of(bytes => GrubEnvironment.Parse(bytes), [typeof(FormatException)], GrubEnvironment.Format([("ctree", "1"), ("saved_entry", "a\\b")])),
        ["superblock"] = FuzzedParser.Of(bytes => Superblock.Parse(bytes)?.ToString(), None, ExtStart(), FatStart()),
        ["kernel's command line"] = FuzzedParser.Of(ReadCommandLine, None, "quiet root=\"LABEL=a b\" ctree.deployment=12-0a1b2c3d ctree.wait=7 init=/bin/sh"u8.ToArray()),
        ["duration"] = FuzzedParser.Name(text => Durations.TryParse(text, out _) ? text : null, "30s", "500ms", "999999999d"),
        ["quiet hours"] = FuzzedParser.Of(bytes => QuietHours.TryParse(Encoding.Latin1.GetString(bytes)), None, "22:00-06:00"u8.ToArray(), "22:00-06:00 UTC"u8.ToArray()),
        ["server's address"] = FuzzedParser.Of(bytes => ServerUrl.TryParse(Encoding.UTF8.GetString(bytes), out _), None, "https://updates.example.org:8443/a/b"u8.ToArray()),
        ["agent.conf, line by line"] = FuzzedParser.Of(bytes => IniFile.Parse(Encoding.UTF8.GetString(bytes).Split('\n'), "x").Count(), [typeof(ConfigException)], "[server]\nurl = http://x\n# c\n[store]\nkeep = 2\n"u8.ToArray()),
        ["agent.conf"] = FuzzedParser.Of(ReadConfig, [typeof(ConfigException)], Encoding.UTF8.GetBytes(Config)) with { Every = 5 },
        ["failed units"] = FuzzedParser.Of(bytes => FailedUnits.Parse(Encoding.UTF8.GetString(bytes)), None, "a.service loaded failed failed A\nb.mount loaded failed failed B\n"u8.ToArray()),
        ["head of a request"] = FuzzedParser.Of(bytes => RequestHead.TryParse(bytes), None, "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n"u8.ToArray()),
        ["neighbour's request, with a range"] = FuzzedParser.Of(bytes => NeighbourRequest.TryParse(bytes), None,
            Encoding.ASCII.GetBytes($"GET /repo/objects/ab/{new string('c', 62)}.file HTTP/1.1\r\nHost: x\r\nRange: bytes=100-200\r\nIf-Range: \"x\"\r\nConnection: close\r\n")),
        ["request for the device's page"] = FuzzedParser.Of(bytes => ReadPage(bytes), None, "POST /bundle HTTP/1.1\r\nHost: 10.0.0.1:8\r\nCookie: a=b; s=c\r\nOrigin: http://x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n"u8.ToArray()),
        ["form of the device's page"] = FuzzedParser.Of(bytes => PageRequest.Fields(bytes), None, "token=a%20b&password=%c3%a4+x&c="u8.ToArray()),
        ["upload to the device's page"] = FuzzedParser.Of(ReadUpload, None, Encoding.ASCII.GetBytes(Upload)),
        ["bundle"] = File(ReadBundle, [typeof(StoppedException)], Bundle()),
        ["record of a part"] = FuzzedParser.Of(bytes => PartRecord.Decode(bytes), None, new PartRecord(700, "boot", new Dictionary<string, string> { ["http://x/"] = "\"tag\"" }, [new ByteRange(0, 100)]).Encode()),
        ["poll's answer"] = FuzzedParser.Message(ProtocolJson.Default.PollAnswer, """{"state":"accepted","interval":1800,"root":1,"head":{"a":[1]},"private":true,"transfer":{"maxRate":1}}"""),
        ["enrolment's answer"] = FuzzedParser.Message(ProtocolJson.Default.EnrolAnswer, """{"device":"0123456789abcdef","state":"pending","fingerprint":"x"}"""),
        ["report's answer"] = FuzzedParser.Message(ProtocolJson.Default.ReportAnswer, """{"received":7}"""),
        ["problem"] = FuzzedParser.Message(ProtocolJson.Default.Problem, """{"code":"bad-request","status":400,"title":"t","detail":"d"}"""),
        ["list of deltas"] = FuzzedParser.Message(ProtocolJson.Default.DeltaList, """{"deltas":[{"name":"x","bytes":7}]}"""),
        ["state: what is followed"] = State(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.FollowState), """{"branch":"main","schema":"ctree.follow/1"}"""),
        ["state: transfers"] = State(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.TransferState), """{"day":"2026-11-21","bytes":7,"isPrivate":true,"policy":{"maxRate":1}}"""),
        ["state: events"] = State(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.EventsState), """{"last":3,"events":[{"sequence":3,"time":"2026-11-21T03:45:00+00:00","kind":"updated","code":0}],"schema":"ctree.events/1"}"""),
    };

    private static string Config => """
        [server]
        url = https://updates.example.org
        mirrors = http://a/ file:///b
        allow-http = warn
        [poll]
        interval = 30min
        [transfer]
        max-rate = 1M
        quiet-hours = 22:00-06:00 UTC
        [neighbours]
        listen = 0.0.0.0:8481
        [store]
        keep = 3
        min-free = 16M
        scrub = 30d
        [boot]
        loader = grub
        """;

    private static string Upload =>
        "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nsecret\r\n--b\r\nContent-Disposition: form-data; name=\"bundle\"; filename=\"x.ctb\"\r\nContent-Type: application/octet-stream\r\n\r\nsome bytes\r\n--b--\r\n";

    private static FuzzedParser State(Action<byte[]> read, string sample) => FuzzedParser.Of(read, [typeof(JsonException), typeof(FormatException)], Encoding.UTF8.GetBytes(sample));

    // A file each time: ten times as slow as bytes.
    private static FuzzedParser File(Func<string, byte[]?> read, Type[] refusals, byte[] sample)
    {
        var path = Files[Guid.NewGuid().ToString("N")];
        return new FuzzedParser(
            bytes =>
            {
                System.IO.File.WriteAllBytes(path, bytes);
                return read(path);
            },
            refusals, sample);
    }

    private static byte[] Written(BootRecord record, byte[] read) => record.Encode() is var written && written.AsSpan().SequenceEqual(read) ? written : read;

    private static void ReadMarker(byte[] bytes) => DeploymentMarker.TryParse(Encoding.Latin1.GetString(bytes), Boot.BootSamples.Name(3), out _);

    private static void ReadCommandLine(byte[] bytes)
    {
        var line = new KernelCommandLine(Encoding.UTF8.GetString(bytes));
        _ = (line.Init, line.OverrideName, line.Seconds("ctree.wait", 3).Should().BeInRange(0, 86_400));
    }

    private static void ReadConfig(byte[] bytes)
    {
        Directory.CreateDirectory(Files["root/etc/ctree"]);
        System.IO.File.WriteAllBytes(Files["root/etc/ctree/agent.conf"], bytes);
        AgentConfig.Load(new DeviceRoot(Files["root"], IsGiven: true));
    }

    private static void ReadPage(byte[] bytes)
    {
        var request = PageRequest.TryParse(bytes, new IPEndPoint(IPAddress.Loopback, 8), IPAddress.Loopback);
        request?.Cookie("s");
        request?.Length.Should().BeGreaterThanOrEqualTo(-1);
    }

    private static void ReadUpload(byte[] bytes)
    {
        var head = Encoding.ASCII.GetBytes($"POST /bundle HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {bytes.Length}\r\n");
        var body = new RequestBody(Stream.Null, bytes, bytes.Length, wantsContinue: false);
        var form = UploadForm.TryOpen(PageRequest.TryParse(head, new IPEndPoint(IPAddress.Loopback, 8), IPAddress.Loopback)!, body)!;
        if (form.ReadTokenAsync(default).GetAwaiter().GetResult() is null || !form.ReadFileHeadAsync(default).GetAwaiter().GetResult())
            return;
        long taken = 0;
        var isWhole = form.CopyAsync(piece => { taken += piece.Length; return default; }, new byte[4096], default).GetAwaiter().GetResult();
        taken.Should().BeLessThanOrEqualTo(bytes.Length);
        (isWhole ? taken : form.FileBytes).Should().Be(form.FileBytes);
    }

    private static byte[]? ReadBundle(string path)
    {
        using var bundle = new BundleFile(path);
        bundle.TryRead("heads/main.json", 4096)?.Length.Should().BeLessThanOrEqualTo(4096);
        if (bundle.Find("objects/x") is var (start, length))
            (start + length).Should().BeLessThanOrEqualTo(new FileInfo(path).Length);
        return null;
    }

    private static byte[] Bundle()
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Gnu))
        {
            foreach (var (name, size) in new[] { ("heads/main.json", 40), ("objects/x", 700), ("objects/" + new string('l', 150), 3) })
                writer.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(new byte[size]) });
        }
        return bytes.ToArray();
    }

    private static byte[] ExtStart()
    {
        var disk = new byte[Superblock.Size];
        (disk[1024 + 0x38], disk[1024 + 0x39]) = (0x53, 0xef);
        "label"u8.CopyTo(disk.AsSpan(1024 + 0x78));
        return disk;
    }

    private static byte[] FatStart()
    {
        var disk = new byte[Superblock.Size];
        (disk[510], disk[511]) = (0x55, 0xaa);
        "FAT32"u8.CopyTo(disk.AsSpan(82));
        "BOOT       "u8.CopyTo(disk.AsSpan(71));
        return disk;
    }
}
