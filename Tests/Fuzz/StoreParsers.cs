using System.Text;
using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas;
using ContentTree.Store.Json;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Fuzz;

/// <summary>The parsers that device and server share.</summary>
internal static class StoreParsers
{
    private static readonly Type[] None = [];
    private static readonly Type[] Format = [typeof(FormatException)];

    private static readonly KeyId Device = KeyId.Parse("0123456789abcdef");

    public static IReadOnlyDictionary<string, FuzzedParser> All { get; } = new Dictionary<string, FuzzedParser>
    {
        ["tree"] = new(bytes => Tree.Decode(bytes).Encode(), Format, Vectors.Hex("tree/every-kind.hex"), Vectors.Hex("tree/one-file.hex")),
        ["commit"] = new(bytes => Commit.Decode(bytes).Encode(), [typeof(CorruptObjectException)], TestFiles.Vector("commit", "full.json")),
        ["composition"] = FuzzedParser.Of(bytes => Composition.Of(Commit.Decode(bytes)), [typeof(CorruptObjectException), typeof(FormatException)], Composed()),
        ["envelope"] = new(bytes => Envelope.Parse(bytes).Bytes.ToArray(), [typeof(VerificationException)], TestFiles.Vector("statement", "head-2-of-3.json")),
        ["root"] = FuzzedParser.Of(bytes => TrustRoot.Load(bytes), [typeof(VerificationException)], TestFiles.Vector("statement", "root-2-of-3.json")),
        ["statement: head"] = Statement(Statements.Head()),
        ["statement: assignment"] = Statement(new AssignmentStatement
        {
            Device = Device,
            Branch = Statements.Branch,
            Counter = 3,
            Action = AssignmentAction.Pin,
            Commit = Statements.Commit,
            Sequence = 7,
            Reason = "lab",
            Created = Statements.Created,
            Expires = Statements.Created.AddDays(1),
        }),
        ["statement: timestamp"] = Statement(new TimestampStatement
        {
            Branch = Statements.Branch,
            Head = Statements.Commit,
            Sequence = 7,
            Created = Statements.Created,
            Expires = Statements.Created.AddDays(1),
        }),
        ["statement: configuration"] = Statement(new ConfigurationStatement
        {
            Device = Device,
            Counter = 2,
            Created = Statements.Created,
            Expires = Statements.Created.AddDays(1),
            Values = new Dictionary<ConfigurationKey, ConfigurationValue>
            {
                [ConfigurationKey.Parse("network.ntp")] = new(ConfigurationType.Text, "pool\nä", false),
                [ConfigurationKey.Parse("rate")] = new(ConfigurationType.Number, "-17", false),
                [ConfigurationKey.Parse("wifi")] = new(ConfigurationType.Json, "{\"a\":[1,2]}", true),
                [ConfigurationKey.Parse("x.y_z")] = new(ConfigurationType.Flag, "true", false),
            },
        }),
        ["canonical json"] = new(bytes => CanonicalJson.Encode(CanonicalJson.Decode(bytes, 4096)), Format, "{\"a\":[1,-2,true,\"ä\\n\\\"\"],\"b\":{\"c\":{}}}"u8.ToArray()),
        ["public key"] = FuzzedParser.Words(text => PublicKey.Parse(text), Key().Public.Pem),
        ["private key"] = FuzzedParser.Words(text => SigningKey.Parse(text).Dispose(), Key().ToPem()) with { Every = 10 },
        ["pack request"] = new(bytes => PackRequest.Decode(bytes).Encode(), Format, new PackRequest([new ObjectName(ObjectKind.File, ObjectId.Of("a"u8)), new ObjectName(ObjectKind.Tree, ObjectId.Of("b"u8))], 7).Encode()),
        ["lz4 frame"] = FuzzedParser.Of(ReadLz4, Format, Lz4Frame()),
        ["zstd frame"] = FuzzedParser.Of(bytes => ReadZstd(bytes), Format, ZstdFrame()),
        ["xz stream"] = FuzzedParser.Of(bytes => new XzDecodeStream(new MemoryStream(bytes), 0, 4096, 1 << 24).CopyTo(Stream.Null), Format, XzFile()) with { Every = 10 },
        ["xz headers"] = FuzzedParser.Of(bytes => XzHeaders.Candidates(new MemoryStream(bytes)), None, XzFile()),
        ["gzip file"] = FuzzedParser.Of(bytes => GzipPacking.Unpack(new MemoryStream(bytes), 4096).CopyTo(Stream.Null), Format, GzipFile()),
        ["repacking"] = new(bytes => Repacking.TryDecode(bytes, out var repacking) ? repacking!.Encode() : null, None, new Repacking.Gzip(9).Encode(), new Repacking.Xz(Xz()).Encode()),
        ["object name"] = FuzzedParser.Name(text => ObjectName.TryParse(text, out var name) ? name.ToString() : null, $"{ObjectId.Of("x"u8)}.file"),
        ["object id"] = FuzzedParser.Name(text => ObjectId.TryParse(text, out var id) ? id.ToString() : null, ObjectId.Of("x"u8).ToString()),
        ["branch name"] = FuzzedParser.Name(text => BranchName.TryParse(text, out var name) ? name.ToString() : null, "stable/arm64.v-1_2"),
        ["key id"] = FuzzedParser.Name(text => KeyId.TryParse(text, out var id) ? id.ToString() : null, "0123456789abcdef"),
        ["configuration key"] = FuzzedParser.Name(text => ConfigurationKey.TryParse(text, out var key) ? key.ToString() : null, "network.ntp_server2"),
        ["time"] = FuzzedParser.Name(text => UtcSeconds.TryParse(text, out var time) ? UtcSeconds.Format(time) : null, "2026-11-21T03:45:00Z"),
        ["delta name"] = FuzzedParser.Name(text => DeltaName.TryParse(text, out var name) ? name.ToString() : null, $"{ObjectId.Of("x"u8)}-{ObjectId.Of("y"u8)}-0123456789abcdef.ctd", $"none-{ObjectId.Of("y"u8)}-0123456789abcdef.ctd"),
        ["entry name"] = new(bytes => EntryName.TryCreate(bytes, out var name) ? name.Bytes.ToArray() : null, None, "name"u8.ToArray(), "a/b"u8.ToArray(), ".."u8.ToArray()),
        ["entry path"] = FuzzedParser.Of(bytes => FuzzedParser.RequireBelow(EntryPath.Parse(bytes)), Format, "a/./b/c"u8.ToArray(), "a/../b"u8.ToArray()),
        ["stored file"] = new(bytes => StoredFile.TryParse(bytes, out var file) ? file.FlatName : null, None, Encoding.ASCII.GetBytes($"{ObjectId.Of("x"u8)}.{new string('a', 32)}.file")),
        ["path pattern"] = FuzzedParser.Of(ReadPattern, Format, "/a/[!x-z]*/**/b\\?"u8.ToArray(), "[[:alpha:]]*.o/"u8.ToArray(), "/a/../b"u8.ToArray()),
        ["list of what to leave out"] = FuzzedParser.Of(bytes => IgnoreRules.None.Within(EntryPath.Root, bytes).IsIgnored(EntryPath.Parse("usr/lib/x.o"), false), None, "# c\n*.o\n!keep.o\n/usr/**/x[a-z]\n\\#x \\ \n"u8.ToArray()),
        ["rules for metadata"] = FuzzedParser.Of(ReadRules, Format, "/dev/sda type=block device=8:0 mode=0660 owner=0:6\n/usr/** owner=0:0 xattr.user.a=0x00ff xattr.security.b=0sYQ==\n/var\\ x type=directory\n"u8.ToArray()),
        ["start of a program"] = FuzzedParser.Of(bytes => ElfMachine.Name(ElfMachine.Detect(bytes)), None, File.ReadAllBytes("/bin/true")[..64]),
        ["signature of a request"] = FuzzedParser.Of(bytes => RequestSignature.TryParse(Encoding.Latin1.GetString(bytes), out _), None,
            "CTree device=\"0123456789abcdef\", time=\"1795232700\", nonce=\"00112233445566ff\", sig=\"MEUCIQ==\""u8.ToArray()),
        ["chain of a device's keys"] = FuzzedParser.Message(ProtocolJson.Default.EnrolRequest, Enrol(), request => KeyChain.Verify(Device, request.Keys ?? [])) with { Every = 10 },
    };

    private static FuzzedParser Statement(Statement statement) =>
        new(bytes => Store.Trust.Statement.Decode(CanonicalJson.Decode(bytes, Envelope.MaxBytes)).Encode(), Format, statement.Encode());

    private static SigningKey Key() => SigningKey.Generate();

    private static string Enrol()
    {
        using var first = Key();
        using var second = Key();
        var request = new EnrolRequest(second.Public.Pem, "lab", "board", "x86_64", Statements.Branch, Keys: [new KeyLink(first.Public.Pem), KeyChain.Link(Device, first, second.Public)]);
        return System.Text.Json.JsonSerializer.Serialize(request, ProtocolJson.Default.EnrolRequest);
    }

    private static byte[] Composed()
    {
        var composition = Composition.Create([
            new CompositionInput(EntryPath.Root, Statements.Branch, 3, Statements.Commit),
            new CompositionInput(EntryPath.Parse("opt/scope"), BranchName.Parse("software/scope"), 4, Statements.Commit),
        ]);
        return (CommitSamples.Minimal with { Source = new CommitSource(CommitSourceKind.Compose), Annotations = composition.Annotations }).Encode();
    }

    private static byte[] Content() => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("some content ", 40)));

    private static void ReadLz4(byte[] bytes)
    {
        using var decoder = new Lz4Decoder();
        decoder.DecodeFrame(bytes, 4096).Length.Should().BeLessThanOrEqualTo(4096);
    }

    private static byte[] Lz4Frame()
    {
        using var encoder = new Lz4Encoder();
        return encoder.EncodeFrame(Content()).ToArray();
    }

    private static void ReadZstd(byte[] bytes)
    {
        using var decoder = new ZstdDecoder(17);
        decoder.DecodeFrame(bytes, new byte[Content().Length]);
    }

    private static byte[] ZstdFrame()
    {
        using var encoder = new ZstdEncoder(3, 17);
        return encoder.EncodeFrame(Content()).ToArray();
    }

    private static XzParameters Xz() => XzParameters.TryCreate(0, false, null, XzCheck.Crc32, false, 4096, false, out var parameters) ? parameters : throw new InvalidOperationException();

    private static byte[] XzFile()
    {
        using var packed = new MemoryStream();
        new XzEncodeStream(new MemoryStream(Content()), Xz()).CopyTo(packed);
        return packed.ToArray();
    }

    private static byte[] GzipFile()
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Optimal))
            gzip.Write(Content());
        return packed.ToArray();
    }

    private static void ReadPattern(byte[] bytes)
    {
        var pattern = PathPattern.Parse(bytes);
        pattern?.Matches([.. EntryPath.Parse("a/bcd/e/b").Names], false);
        pattern?.Literal();
    }

    private static void ReadRules(byte[] bytes)
    {
        var rules = MetadataRules.Parse(bytes);
        rules.Apply(EntryPath.Parse("usr/lib"), true, Metadata.Plain(0x1ed));
        rules.Added.Count().Should().BeGreaterThanOrEqualTo(0);
    }
}
