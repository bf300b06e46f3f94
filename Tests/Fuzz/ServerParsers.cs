using System.Formats.Tar;
using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Backups;
using ContentTree.Server.Bundles;
using ContentTree.Server.Compositions;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Follows;
using ContentTree.Server.Monitoring.Export;
using ContentTree.Server.Ostree;
using ContentTree.Server.Packages;
using ContentTree.Server.Publishing.Initramfs;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Publishing.Sources.Images;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Server.Publishing.Sources.Tar;
using ContentTree.Server.Storage;
using ContentTree.Server.Storage.Buckets;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;
using ContentTree.Tests.Server;
using ContentTree.Tests.Server.Ostree;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Fuzz;

/// <summary>The parsers of the server: what is published, what is in it, what devices and operators ask.</summary>
internal static class ServerParsers
{
    private static readonly TemporaryDirectory Files = new();
    private static readonly byte[] Room = new byte[1 << 16];
    private static readonly Type[] None = [];
    private static readonly Type[] Format = [typeof(FormatException)];
    private static readonly Type[] Unsupported = [typeof(UnsupportedSourceException)];

    public static IReadOnlyDictionary<string, FuzzedParser> All { get; } = new Dictionary<string, FuzzedParser>
    {
        ["tar"] = FuzzedParser.Of(ReadTar, Format, Tar()),
        ["access list of a tar"] = FuzzedParser.Of(bytes => AccessList.Encode(bytes), Format, "user::rw-,user:1234:r--,group:a:rwx:7,mask::r--"u8.ToArray()),
        ["access list of an ext image"] = FuzzedParser.Of(bytes => ExtAccessList.Decode(bytes), Format, [1, 0, 0, 0, 1, 0, 6, 0, 2, 0, 4, 0, 7, 0, 0, 0, 4, 0, 4, 0]),
        ["superblock of an ext image"] = FuzzedParser.Of(bytes => ExtSuperblock.Decode(bytes), Format, Ext()),
        ["initramfs"] = FuzzedParser.Of(ReadInitramfs, [typeof(InvalidDataException)], Initramfs()) with { Every = 5 },
        ["dpkg's status"] = FuzzedParser.Of(bytes => StanzaFile.Control(bytes, "deb").Count(), None, "Package: a\nVersion: 1\nStatus: install ok installed\n\nPackage: b\nVersion: 2\n"u8.ToArray()),
        ["apk's list"] = FuzzedParser.Of(bytes => StanzaFile.Apk(bytes).Count(), None, "P:a\nV:1\nA:x86_64\nF:etc\nR:x\n\nP:b\nV:2\n"u8.ToArray()),
        ["rpm's header"] = FuzzedParser.Of(bytes => RpmDatabase.Header(bytes), None, PackageTests.RpmHeader()),
        ["rpm's database"] = FuzzedParser.Of(bytes => RpmDatabase.Read(bytes).Count(), None, RpmFile()) with { Every = 100 },
        ["ostree dirtree"] = new(bytes => OstreeDirectory.Decode(bytes).Encode(), Format, OstreeSamples.Directory(), OstreeForge.EncodeDirectory([], [])),
        ["ostree dirmeta"] = new(bytes => OstreeHeader.DecodeMetadata(bytes).EncodeMetadata(), Format, OstreeSamples.Metadata()),
        ["ostree header"] = new(ReadOstreeHeader, Format, OstreeSamples.Header()),
        ["ostree metadata for a tree"] = FuzzedParser.Of(bytes => OstreeHeader.DecodeMetadata(bytes).ToMetadata(), Format, OstreeSamples.Metadata()),
        ["ostree commit"] = FuzzedParser.Of(bytes => OstreeCommit.Decode(bytes), Format, OstreeSamples.Commit()),
        ["ostree summary"] = FuzzedParser.Of(bytes => OstreeSummary.Decode(bytes), Format, OstreeSamples.Summary()),
        ["ostree address"] = FuzzedParser.Of(bytes => OstreeAddress.Parse(Encoding.Latin1.GetString(bytes)), Unsupported, "https://user:word@example.org/repo#remote:os/main"u8.ToArray(), "file:///srv/repo#main"u8.ToArray()),
        ["entry made of ostree's"] = FuzzedParser.Of(bytes => MadeEntry.TryDecode(bytes)?.Encode(), None, new MadeEntry(new TreeEntry.Symlink(MadeEntry.NoName, Metadata.Plain(0), "to"u8.ToArray()), 62).Encode()),
        ["tree made of ostree's"] = new(bytes => MadeTree.TryDecode(bytes) is { } made && bytes.Length == made.Encode().Length ? made.Encode() : null, None, new MadeTree { Id = ObjectId.Of("x"u8) }.Encode()),
        ["git address"] = FuzzedParser.Of(ReadGit, Unsupported, "https://user:word@example.org/a/repo.git#v1.2"u8.ToArray(), "git@example.org:a/repo.git"u8.ToArray(), "file:///srv/repo#main"u8.ToArray()),
        ["submodule's address"] = FuzzedParser.Of(ReadSubmodule, Unsupported, "../../other/lib.git"u8.ToArray(), "https://example.org/x"u8.ToArray()),
        ["filter of devices"] = FuzzedParser.Words(text => FleetFilter.Parse(text, DateTimeOffset.UnixEpoch), "group==lab and not (health!=ok or label.site in (\"a b\", c)) and seen<2h"),
        ["filter of a group"] = FuzzedParser.Words(text => FleetFilter.ParseForGroup(text), "hardware~board* and label.site==\"x\""),
        ["expected devices"] = FuzzedParser.Of(bytes => ExpectedList.Parse(bytes), Format, Encoding.ASCII.GetBytes($"# c\nSN-1 key={ObjectId.Of("x"u8)} group=lab label.site=a\nSN-2,group=b\r\n")),
        ["name of a group"] = FuzzedParser.Name(text => GroupName.TryParse(text, out var name) ? name.ToString() : null, "lab.a-1_x"),
        ["scope of a policy"] = FuzzedParser.Words(text => PolicyScope.Parse(text), "device:0123456789abcdef", "group:lab", "branch:a/b"),
        ["scope of a configuration"] = FuzzedParser.Words(text => ConfigurationScope.Parse(text), "device:0123456789abcdef", "group:lab", "fleet"),
        ["hours of a rollout"] = FuzzedParser.Words(text => MaintenanceWindow.Parse(text), "22:00-04:00"),
        ["requirement"] = FuzzedParser.Words(text => Requirement.Parse(text).IsMetBy("1:2.0~rc1-3"), "software/scope >= 1:1.4~a-2"),
        ["recipe"] = FuzzedParser.Words(text => Recipe.Parse("fec/*", text), "# c\n/ = os/stable\n/opt/scope = software/scope@1.4\n/etc/fec ?= config/*\n"),
        ["monitors"] = FuzzedParser.Words(text => MonitorFile.Parse(text, "x"), "[disk]\ncommand = check_disk\nargument = -w 10%\ninterval = 5min\nretries = 3\ntitle = Disk\n"),
        ["monitor of a label"] = FuzzedParser.Words(text => MonitorFile.ParseLabel("disk", text), "check_disk!-w!10%"),
        ["head of an audit log"] = FuzzedParser.Words(text => AuditHeadFile.Parse(text), $"7:{new string('a', 64)}"),
        ["address of a bucket"] = FuzzedParser.Words(text => BucketAddress.Parse(text), "s3://bucket/a/b?endpoint=https://s3.example.org&region=eu-1&credentials=%2fetc%2fs3"),
        ["address of a database"] = FuzzedParser.Words(text => PostgresAddress.Parse(text), "postgresql://user:word@[::1]:5433/ctree?sslmode=require&schema=a_b", "postgresql:///ctree?host=/run&port=7"),
        ["summary of a backup"] = FuzzedParser.Of(bytes => BackupSummary.Decode(bytes, "x"), [typeof(DamagedBackupException)], Backup()),
        ["list of devices for a bundle"] = FuzzedParser.Of(ReadInventory, Format, Encoding.ASCII.GetBytes($$"""[{"schema":"ctree-server.devices/1","devices":[{"id":"0123456789abcdef","branch":"a","running":"{{ObjectId.Of("x"u8)}}"}]},{"schema":"ctree.status/1","booted":"1-a","deployments":[{"name":"1-a","commit":"{{ObjectId.Of("y"u8)}}"}]}]""")) with { Every = 5 },
        ["poll"] = FuzzedParser.Message(ProtocolJson.Default.PollRequest, """{"branch":"a/b","boot":"good","root":1,"sequence":7,"hold":true,"reports":3,"kept":["0123"],"drift":{"added":1,"changed":2,"removed":0,"paths":["/a"]}}"""),
        ["report"] = FuzzedParser.Message(ProtocolJson.Default.ReportRequest, """{"events":[{"sequence":1,"time":"2026-11-21T03:45:00+00:00","kind":"updated","code":0}]}"""),
        ["black box"] = FuzzedParser.Message(ProtocolJson.Default.BlackBoxRequest, """{"deployment":"1-0123abcd","text":"x"}"""),
        ["proof of a head"] = FuzzedParser.Message(ProtocolJson.Default.HeadProof, """{"branch":"a/b","head":{"signatures":[],"signed":{}}}"""),
        ["wish for a delta"] = FuzzedParser.Message(ProtocolJson.Default.DeltaRequest, $$"""{"to":"{{ObjectId.Of("x"u8)}}","from":"{{ObjectId.Of("y"u8)}}"}"""),
        ["objects that are missing"] = FuzzedParser.Message(ProtocolJson.Default.MissingRequest, $$"""{"objects":["{{ObjectId.Of("x"u8)}}.file","{{ObjectId.Of("y"u8)}}.tree"],"lease":"l"}"""),
        ["move of a branch"] = FuzzedParser.Message(ProtocolJson.Default.MoveHeadRequest, $$"""{"branch":"a/b","commit":"{{ObjectId.Of("x"u8)}}","expectedSequence":3,"head":{"a":1},"reason":"r"}"""),
        ["report on a stick"] = FuzzedParser.Message(ProtocolJson.Default.SignedReport, """{"report":"e30=","signature":"MEUCIQ=="}"""),
        ["what is in a report on a stick"] = FuzzedParser.Message(ProtocolJson.Default.OfflineReport, """{"device":"0123456789abcdef","created":"2026-11-21T03:45:00+00:00","poll":{"branch":"a","boot":"good","root":1,"sequence":7},"events":[],"blackBoxes":[{"deployment":"1-0123abcd","text":"x"}]}"""),
        ["rollout"] = FuzzedParser.Message(ProtocolJson.Default.RolloutRequest, """{"scope":"branch:a","commit":"0123abc","plan":{"waves":[{"percent":1},{"devices":["0123456789abcdef"]},{"percent":100}],"success":95,"soak":60,"maxFailures":"5%","onFailure":"revert","window":"22:00-04:00","approval":"each"}}""", request => _ = new Plan(request.Plan)),
        ["policy"] = FuzzedParser.Message(ProtocolJson.Default.PolicyRequest, """{"action":"pin","commit":"0123abc","reason":"r","expires":"2026-11-21T03:45:00+00:00"}"""),
        ["labels"] = FuzzedParser.Message(ProtocolJson.Default.LabelsRequest, """{"labels":{"a":"b","c":null}}"""),
        ["configuration"] = FuzzedParser.Message(ProtocolJson.Default.ConfigurationRequest, """{"values":{"a.b":"c","d":null},"reason":"r"}"""),
        ["what is followed"] = FuzzedParser.Message(ProtocolJson.Default.FollowRequest, """{"branch":"a","source":"git:https://example.org/x#main","every":60,"subdir":"a/b","owner":"0:0","stamp":"etc/v","build":{"minutes":5,"memory":1000000000},"version":"1","compatible":["b"],"requires":["software/x >= 1"]}""", request => Follow.Parse(request)),
        ["webhook"] = FuzzedParser.Message(ProtocolJson.Default.WebhookRequest, """{"url":"https://example.org/x","events":["device.updated"]}"""),
        ["token"] = FuzzedParser.Message(ProtocolJson.Default.TokenRequest, """{"role":"viewer","uses":3,"groups":["lab"]}"""),
        ["garbage"] = FuzzedParser.Message(ProtocolJson.Default.GarbageRequest, """{"keep":3,"roots":["0123abc"],"graceHours":1,"dryRun":true}"""),
    };

    private static byte[] Backup() => new BackupSummary(DateTimeOffset.UnixEpoch, 3, 4, true, false, new string('a', 64), 0).Encode();

    private static void ReadInventory(byte[] bytes)
    {
        var path = Files["inventory.json"];
        File.WriteAllBytes(path, bytes);
        Inventory.Read(path, BranchName.Parse("a"), _ => true);
    }

    private static byte[] ReadOstreeHeader(byte[] bytes)
    {
        var (header, size) = OstreeHeader.DecodeArchived(bytes);
        return header.EncodeArchived(size);
    }

    private static void ReadGit(byte[] bytes)
    {
        var address = GitAddress.Parse(Encoding.Latin1.GetString(bytes));
        address.Url.Should().NotStartWith("-");
    }

    private static void ReadSubmodule(byte[] bytes) =>
        GitAddress.Parse("https://example.org/a/repo.git").Submodule(Encoding.Latin1.GetString(bytes), "main").Url.Should().NotStartWith("/");

    // Checksums are made right again, so that what lies behind them is reached.
    private static void ReadTar(byte[] bytes)
    {
        for (var at = 0; at + 512 <= bytes.Length; at += 512)
        {
            if (bytes.AsSpan(at + 257, 5).SequenceEqual("ustar"u8))
                Encoding.ASCII.GetBytes(Convert.ToString(8 * ' ' + bytes.AsSpan(at, 148).ToArray().Sum(b => b) + bytes.AsSpan(at + 156, 356).ToArray().Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(bytes, at + 148);
        }
        using var archive = new TarArchive(new MemoryStream(bytes));
        while (archive.Next() is { } member)
        {
            FuzzedParser.RequireBelow(EntryPath.Parse(member.Path));
            long size = 0;
            // Holes are as long as a header says: nobody reads more of them here than shows that they come piece by piece.
            for (int count; size < 1 << 16 && (count = archive.Content.Read(Room)) > 0;)
                size += count;
            if (size > Math.Max(member.Size, bytes.Length))
                Assert.Fail($"{size} bytes of {member.Size}");
        }
    }

    private static byte[] Tar()
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Pax))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "d/"));
            var records = new Dictionary<string, string> { ["SCHILY.xattr.user.a"] = "b", ["LIBARCHIVE.xattr.user.c"] = "ZA", ["SCHILY.acl.access"] = "user::rw-,user:7:r--,group::r--,mask::r--,other::r--", ["size"] = "5" };
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "d/file", records) { DataStream = new MemoryStream("bytes"u8.ToArray()) });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "d/hard") { LinkName = "d/file" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "d/link") { LinkName = "../etc" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.BlockDevice, "d/disk") { DeviceMajor = 8, DeviceMinor = 1 });
            var sparse = new Dictionary<string, string> { ["GNU.sparse.map"] = "0,5,100,5", ["GNU.sparse.size"] = "200", ["GNU.sparse.name"] = "d/holes" };
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "d/stored", sparse) { DataStream = new MemoryStream("0123456789"u8.ToArray()) });
            writer.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, "d/" + new string('n', 200)) { DataStream = new MemoryStream("x"u8.ToArray()) });
        }
        return bytes.ToArray();
    }

    private static byte[] Ext()
    {
        var bytes = new byte[1024];
        foreach (var (at, value) in new[] { (0, 16u), (4, 512u), (20, 1u), (24, 0u), (40, 16u), (56, 0x1ef53u), (76, 1u), (88, 256u), (96, 0x42u) })
            BitConverter.TryWriteBytes(bytes.AsSpan(at), value);
        return bytes;
    }

    private static void ReadInitramfs(byte[] bytes)
    {
        using var source = new BufferedStream(new MemoryStream(bytes));
        new InitramfsReader(source).Find(["sbin/ctree-select"]);
    }

    private static byte[] Initramfs()
    {
        using var bytes = new MemoryStream();
        foreach (var (name, mode, content) in new[] { ("sbin", 0x41ed, ""), ("sbin/x", 0x81ed, "some"), ("sbin/ctree-select", 0x81ed, "program"), ("TRAILER!!!", 0, "") })
        {
            bytes.Write(Encoding.ASCII.GetBytes($"070701{0:x8}{mode:x8}{0:x8}{0:x8}{1:x8}{0:x8}{content.Length:x8}{0:x8}{0:x8}{0:x8}{0:x8}{name.Length + 1:x8}{0:x8}{name}\0"));
            Pad(bytes);
            bytes.Write(Encoding.ASCII.GetBytes(content));
            Pad(bytes);
        }
        return bytes.ToArray();
    }

    private static void Pad(MemoryStream bytes)
    {
        while (bytes.Length % 4 != 0)
            bytes.WriteByte(0);
    }

    private static byte[] RpmFile()
    {
        using var directory = new TemporaryDirectory();
        PackageTests.MakeRpmDatabase(directory["rpmdb.sqlite"]);
        return File.ReadAllBytes(directory["rpmdb.sqlite"]);
    }
}
