using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas.Coding;

/// <summary>docs/format/delta-coder.md and its vectors: what they say is what the code does.</summary>
public sealed unsafe class CoderPageTests
{
    public static TheoryData<string, string> Streams
    {
        get
        {
            var streams = new TheoryData<string, string>();
            foreach (var name in Vectors.Names("delta-coder", "*.old.hex"))
                foreach (var profile in new[] { "smallest", "fast" })
                    streams.Add(name[..^".old".Length], profile);
            return streams;
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void A_vector_decodes_to_its_new_file_and_is_what_the_encoder_writes(string name, string profile)
    {
        byte[] Part(string part) => Vectors.Hex($"delta-coder/{name}.{part}.hex");
        var (old, fresh, coded) = (Part("old"), Part("new"), Part(profile));
        var number = profile == "fast" ? CoderProfile.Fast : CoderProfile.Smallest;
        using var decoder = new ContextDecoder(number);
        CodingSamples.Decode(decoder, coded, (old, fresh.Length))[0].Should().Equal(fresh);
        CodingSamples.Encode(number, (old, fresh)).Should().Equal(coded);
    }

    [Fact]
    public void There_are_vectors() => Streams.Count.Should().BeGreaterThan(5);

    [Fact]
    public void The_tables_are_the_pages()
    {
        var squash = new ushort[2 * LogOdds.Limit];
        fixed (ushort* table = squash)
            LogOdds.FillSquash(table);
        OfPage("squash").Should().Be(Sha256(MemoryMarshal.AsBytes<ushort>(squash)));
        var stretch = new short[LogOdds.StretchEntries];
        fixed (short* table = stretch)
            LogOdds.FillStretch(table);
        OfPage("stretch").Should().Be(Sha256(MemoryMarshal.AsBytes<short>(stretch)));
    }

    private static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static string OfPage(string block) => Regex.Match(
        File.ReadAllText(ProjectFiles.PathOf("docs/format/delta-coder.md")), $"```{block}\n(.*?)\n```", RegexOptions.Singleline).Groups[1].Value;
}
