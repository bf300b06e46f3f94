using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

/// <summary>docs/format/delta.md and its vectors: deltas that were published once are applied for ever.</summary>
public sealed class DeltaVectorTests
{
    private static readonly string Page = File.ReadAllText(ProjectFiles.PathOf("docs/format/delta.md"));

    [Fact]
    public void The_vector_with_every_change_is_applied()
    {
        using var workshop = new DeltaWorkshop();
        workshop.Apply(Vectors.Hex("delta/every-change.from.hex"));
        workshop.Apply(Vectors.Hex("delta/every-change.ctd.hex")).Commit.Tree.Should().Be(ObjectId.Parse(Vectors.Text("delta/every-change.id")));
        LocalStoreCheck.Run(workshop.Store).Damage.Should().BeEmpty();
    }

    [Fact]
    public void The_vector_truly_has_every_change_and_most_codecs()
    {
        using var workshop = new DeltaWorkshop();
        var old = workshop.Apply(Vectors.Hex("delta/every-change.from.hex")).Commit;
        var forge = new DeltaForge(Vectors.Hex("delta/every-change.ctd.hex"), old);
        forge.Header.Parts.Select(p => p.Codec).Should().Contain([PartCodec.Raw, PartCodec.Zstd, PartCodec.ZstdWithBase, PartCodec.ContextSmallest]);
        var plan = PlanDecoder.Decode(forge.Plan, forge.Header.To, workshop.Store.ReadTree, old.Tree);
        plan.Contents.Should().Contain(c => c.Packing != null).And.Contain(c => c.Counterpart != null).And.Contain(c => c.Variants.Count > 1);
        plan.Trees.SelectMany(t => t.Entries).OfType<PlannedEntry.Known>().Select(k => k.Entry.GetType()).Distinct().Should().HaveCount(5);
        var items = plan.Parts.SelectMany(p => p).ToArray();
        items.Should().Contain(i => i.Base == null).And.Contain(i => i.Base != null && i.Base.Unpack != null);
        items.Should().Contain(i => i.Length < plan.Contents[i.Content].CodedSize);
        items.Should().Contain(i => i.Base != null && i.Base.File != plan.Contents[i.Content].Counterpart);
    }

    [Fact]
    public void The_pages_delta_is_read_and_written_as_it_stands_there()
    {
        var encoded = Vectors.FromHex(Block("header"));
        var header = DeltaHeader.Decode(encoded);
        header.Encode().Should().Equal(encoded);
        var plan = PlanDecoder.Decode(Vectors.FromHex(Block("plan")), header.To, _ => throw new InvalidOperationException(), null);
        plan.Trees.Should().ContainSingle().Which.Entries.Should().ContainSingle().Which.Should().BeOfType<PlannedEntry.Rebuilt>();
        plan.Contents.Should().ContainSingle().Which.Size.Should().Be(6);
        header.Parts.Should().ContainSingle().Which.Checksum.Should().Be(DeltaHeader.Checksum("hello\n"u8));
    }

    [Theory]
    [InlineData("16 bytes to 4 MiB", DeltaHeader.MaxBytes >> 20)]
    [InlineData("0 to 1048576", DeltaHeader.MaxMemoryKiB)]
    [InlineData("0 to 65536", DeltaHeader.MaxParts)]
    [InlineData("at most 64 MiB, coded and decoded", ContentTree.Store.Deltas.Application.DeltaApplication.MaxPlanBytes >> 20)]
    [InlineData("most 16 MiB, or what", (int)(PlanFormat.MaxPackingMemory >> 20))]
    [InlineData("more than 2048 deep", PlanFormat.MaxDepth)]
    public void The_pages_limits_are_the_codes(string text, int limit)
    {
        Page.Should().Contain(text);
        text.Should().Contain(limit.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string Block(string language) => System.Text.RegularExpressions.Regex.Match(
        Page, $"```{language}\n(.*?)\n```", System.Text.RegularExpressions.RegexOptions.Singleline).Groups[1].Value;
}
