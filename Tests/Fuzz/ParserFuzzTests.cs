using System.Text;
using System.Text.Json;
using ContentTree.BootFile;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Neighbours;
using ContentTree.Deploy.State;
using ContentTree.Server.Ostree;
using ContentTree.Server.Packages;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;
using ContentTree.Tests.Deltas;
using ContentTree.Tests.Server;
using ContentTree.Tests.Server.Ostree;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Fuzz;

/// <summary>
/// Every parser against bytes that are almost right: each is refused in the way that the parser promises, or read, and what is read and has
/// one spelling is written again as the same bytes. CTREE_FUZZ says how many mutations of each; a failure names its seed. Deltas, plans
/// and packs have tests of their own (DeltaFuzzTests, HostilePackTests).
/// </summary>
public sealed class ParserFuzzTests
{
    private static readonly int Mutations = Mutation.Count(100_000);

    private static readonly Dictionary<string, Parser> Parsers = new()
    {
        ["tree"] = new(bytes => Tree.Decode(bytes).Encode(), [typeof(FormatException)], Vectors.Hex("tree/every-kind.hex"), Vectors.Hex("tree/one-file.hex")),
        ["commit"] = new(bytes => Commit.Decode(bytes).Encode(), [typeof(CorruptObjectException)], TestFiles.Vector("commit", "full.json")),
        ["envelope"] = new(bytes => Envelope.Parse(bytes).Bytes.ToArray(), [typeof(VerificationException)], TestFiles.Vector("statement", "head-2-of-3.json")),
        ["root"] = new(bytes => { TrustRoot.Load(bytes); return null; }, [typeof(VerificationException)], TestFiles.Vector("statement", "root-2-of-3.json")),
        ["public key"] = new(bytes => { PublicKey.Parse(Encoding.Latin1.GetString(bytes)); return null; }, [typeof(FormatException)], Encoding.ASCII.GetBytes(Key())),
        ["pack request"] = new(bytes => PackRequest.Decode(bytes).Encode(), [typeof(FormatException)], new PackRequest([new ObjectName(ObjectKind.File, ObjectId.Of("a"u8)), new ObjectName(ObjectKind.Tree, ObjectId.Of("b"u8))], 7).Encode()),
        ["lz4 frame"] = new(bytes => { using var decoder = new Lz4Decoder(); return decoder.DecodeFrame(bytes, 4096).Length > 4096 ? [] : null; }, [typeof(FormatException)], Frame()),
        ["boot slot"] = new(bytes => BootRecord.TryDecode(bytes, out var record, out _) && bytes.Length == 512 ? Written(record!, bytes) : null, [], Slot()),
        ["booted record"] = new(bytes => { BootedRecord.TryParse(Encoding.Latin1.GetString(bytes), out _); return null; }, [], "deployment=1-0123abcd\ncommit=\nreason=wanted\n"u8.ToArray()),
        ["deny list"] = new(bytes => { DenyList.Parse(Encoding.Latin1.GetString(bytes)); return null; }, [], Encoding.ASCII.GetBytes($"{ObjectId.Of("x"u8)} failed-boot count=2 until=2026-11-21T03:45:00Z text\n")),
        ["deployment name"] = Name(text => DeploymentName.TryParse(text, out var name) ? name.ToString() : null, "12-0a1b2c3d"),
        ["object name"] = Name(text => ObjectName.TryParse(text, out var name) ? name.ToString() : null, $"{ObjectId.Of("x"u8)}.file"),
        ["object id"] = Name(text => ObjectId.TryParse(text, out var id) ? id.ToString() : null, ObjectId.Of("x"u8).ToString()),
        ["branch name"] = Name(text => BranchName.TryParse(text, out var name) ? name.ToString() : null, "stable/arm64.v-1_2"),
        ["key id"] = Name(text => KeyId.TryParse(text, out var id) ? id.ToString() : null, "0123456789abcdef"),
        ["delta name"] = Name(text => DeltaName.TryParse(text, out var name) ? name.ToString() : null, $"{ObjectId.Of("x"u8)}-{ObjectId.Of("y"u8)}-0123456789abcdef.ctd", $"none-{ObjectId.Of("y"u8)}-0123456789abcdef.ctd"),
        ["entry name"] = new(bytes => EntryName.TryCreate(bytes, out var name) ? name.Bytes.ToArray() : null, [], "name"u8.ToArray(), "a/b"u8.ToArray(), ".."u8.ToArray()),
        ["stored file"] = new(bytes => StoredFile.TryParse(bytes, out var file) ? file.FlatName : null, [], Encoding.ASCII.GetBytes($"{ObjectId.Of("x"u8)}.{new string('a', 32)}.file")),
        ["duration"] = Name(text => Durations.TryParse(text, out _) ? text : null, "30s", "500ms", "999999999d"),
        ["quiet hours"] = Name(text => { QuietHours.TryParse(text); return null; }, "22:00-06:00", "22:00-06:00 UTC"),
        ["configuration"] = new(bytes => { _ = IniFile.Parse(Encoding.UTF8.GetString(bytes).Split('\n'), "x").ToArray(); return null; }, [typeof(ConfigException)], "[server]\nurl = http://x\n# c\n[store]\nkeep = 2\n"u8.ToArray()),
        ["neighbour's request, with a range"] = new(bytes => { NeighbourRequest.TryParse(bytes); return null; }, [],
            Encoding.ASCII.GetBytes($"GET /repo/objects/ab/{new string('c', 62)}.file HTTP/1.1\r\nHost: x\r\nRange: bytes=100-200\r\nIf-Range: \"x\"\r\nConnection: close\r\n")),
        ["signature of a request"] = new(bytes => { RequestSignature.TryParse(Encoding.Latin1.GetString(bytes), out _); return null; }, [],
            "CTree device=\"0123456789abcdef\", time=\"1795232700\", nonce=\"00112233445566ff\", sig=\"MEUCIQ==\""u8.ToArray()),
        ["poll"] = Json(bytes => JsonSerializer.Deserialize(bytes, ProtocolJson.Default.PollRequest), """{"branch":"a/b","boot":"good","root":1,"sequence":7,"hold":true,"reports":3}"""),
        ["poll's answer"] = Json(bytes => JsonSerializer.Deserialize(bytes, ProtocolJson.Default.PollAnswer), """{"state":"accepted","interval":1800,"root":1,"head":{"a":[1]},"private":true}"""),
        ["report"] = Json(bytes => JsonSerializer.Deserialize(bytes, ProtocolJson.Default.ReportRequest), """{"events":[{"sequence":1,"time":"2026-11-21T03:45:00+00:00","kind":"updated","code":0}]}"""),
        ["state: what is followed"] = Json(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.FollowState), """{"branch":"main","schema":"ctree.follow/1"}"""),
        ["state: transfers"] = Json(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.TransferState), """{"day":"2026-11-21","bytes":7,"isPrivate":true,"policy":{"maxRate":1}}"""),
        ["state: events"] = Json(bytes => JsonSerializer.Deserialize(bytes, StateJson.Default.EventsState), """{"last":3,"events":[{"sequence":3,"time":"2026-11-21T03:45:00+00:00","kind":"updated","code":0}],"schema":"ctree.events/1"}"""),
        ["package status"] = new(bytes => { _ = StanzaFile.Control(bytes, "deb").Count(); return null; }, [], "Package: a\nVersion: 1\nStatus: install ok installed\n\nPackage: b\nVersion: 2\n"u8.ToArray()),
        ["rpm header"] = new(bytes => { RpmDatabase.Header(bytes); return null; }, [], PackageTests.RpmHeader()),
        ["ostree dirtree"] = new(bytes => OstreeDirectory.Decode(bytes).Encode(), [typeof(FormatException)], OstreeSamples.Directory(), OstreeForge.EncodeDirectory([], [])),
        ["ostree dirmeta"] = new(bytes => OstreeHeader.DecodeMetadata(bytes).EncodeMetadata(), [typeof(FormatException)], OstreeSamples.Metadata()),
        ["ostree header"] = new(bytes => { var (header, size) = OstreeHeader.DecodeArchived(bytes); return header.EncodeArchived(size); }, [typeof(FormatException)], OstreeSamples.Header()),
        ["ostree metadata for a tree"] = new(bytes => { OstreeHeader.DecodeMetadata(bytes).ToMetadata(); return null; }, [typeof(FormatException)], OstreeSamples.Metadata()),
        ["ostree commit"] = new(bytes => { OstreeCommit.Decode(bytes); return null; }, [typeof(FormatException)], OstreeSamples.Commit()),
        ["ostree summary"] = new(bytes => { OstreeSummary.Decode(bytes); return null; }, [typeof(FormatException)], OstreeSamples.Summary()),
        ["ostree address"] = new(bytes => { OstreeAddress.Parse(Encoding.Latin1.GetString(bytes)); return null; }, [typeof(UnsupportedSourceException)], "https://user:word@example.org/repo#remote:os/main"u8.ToArray(), "file:///srv/repo#main"u8.ToArray()),
    };

    public static TheoryData<string> Names => [.. Parsers.Keys];

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_almost_right_is_refused_as_promised_or_read_as_it_is(string what)
    {
        var parser = Parsers[what];
        var accepted = 0;
        for (var seed = 0; seed < Mutations; seed++)
        {
            var mutant = new Mutation(seed).Of(parser.Samples[seed % parser.Samples.Length]);
            byte[]? written;
            try
            {
                written = parser.Read(mutant);
                accepted++;
            }
            catch (Exception e) when (parser.Refusals.Contains(e.GetType()))
            {
                continue;
            }
            catch (Exception e)
            {
                Assert.Fail($"{what}, seed {seed}: {e}");
                throw;
            }
            if (written is not null && !written.AsSpan().SequenceEqual(mutant))
                Assert.Fail($"{what}, seed {seed}: read, and written as other bytes\n{Convert.ToHexString(mutant)}\n{Convert.ToHexString(written)}");
        }
        if (parser.Refusals.Length > 0)
            accepted.Should().BeLessThan(Mutations, "some are refused");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_right_is_read(string what)
    {
        var sample = Parsers[what].Samples[0];
        Parsers[what].Read(sample)?.Should().Equal(sample);
    }

    private static Parser Name(Func<string, string?> read, params string[] samples) =>
        new(bytes => read(Encoding.Latin1.GetString(bytes)) is { } text ? Encoding.Latin1.GetBytes(text) : null, [], [.. samples.Select(Encoding.Latin1.GetBytes)]);

    private static Parser Json<T>(Func<byte[], T> read, string sample) =>
        new(bytes => { read(bytes); return null; }, [typeof(JsonException), typeof(FormatException)], Encoding.UTF8.GetBytes(sample));

    private static string Key()
    {
        using var key = SigningKey.Generate();
        return key.Public.Pem;
    }

    private static byte[] Frame()
    {
        using var encoder = new Lz4Encoder();
        return encoder.EncodeFrame(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("some content ", 40)))).ToArray();
    }

    private static byte[] Slot() => Boot.BootSamples.Record(BootState.Trial, 2, 1, 3).Encode();

    private static byte[] Written(BootRecord record, byte[] read) => record.Encode() is var written && written.AsSpan().SequenceEqual(read) ? written : read;

    /// <param name="Read">Reads bytes; what they are when written again, or null where there are several spellings.</param>
    /// <param name="Refusals">What it may throw.</param>
    private sealed record Parser(Func<byte[], byte[]?> Read, Type[] Refusals, params byte[][] Samples);
}
