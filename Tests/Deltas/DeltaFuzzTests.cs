using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

/// <summary>
/// Real deltas, changed in every way that a hostile mirror can think of, with right checksums so that the decoders are reached.
/// CTREE_FUZZ says how many mutations of headers and plans; whole applications are a part in 2,500 of it for each codec.
/// </summary>
public sealed class DeltaFuzzTests : IDisposable
{
    private const int DeviceMemoryKiB = 32 * 1024;

    private static readonly int Mutations = Mutation.Count(100_000);

    private readonly DeltaWorkshop _workshop = new();
    private readonly byte[] _delta = Vectors.Hex("delta/every-change.ctd.hex");
    private readonly Commit _old;
    private readonly ObjectId _newTree = ObjectId.Parse(Vectors.Text("delta/every-change.id"));

    public DeltaFuzzTests() => _old = _workshop.Apply(Vectors.Hex("delta/every-change.from.hex")).Commit;

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_mutated_header_is_refused_or_is_another_header()
    {
        var header = new DeltaForge(_delta, _old).Header.Encode();
        for (var seed = 0; seed < Mutations; seed++)
        {
            var mutant = new Mutation(seed).Of(header.AsSpan(DeltaHeader.PrefixBytes, header.Length - 16));
            byte[] framed = [.. "CTD1"u8, .. BitConverter.GetBytes(mutant.Length + 16), .. mutant];
            byte[] encoded = [.. framed, .. BitConverter.GetBytes(DeltaHeader.Checksum(framed))];
            try
            {
                DeltaHeader.Decode(encoded).Encode().Should().Equal(encoded, $"of seed {seed}");
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                e.Should().BeOfType<CorruptDeltaException>($"of seed {seed}");
            }
        }
    }

    [Fact]
    public void A_mutated_plan_is_refused_or_stays_within_what_its_commit_says()
    {
        var forge = new DeltaForge(_delta, _old);
        var trees = new Dictionary<ObjectId, Tree>();
        Tree Read(ObjectId id) => trees.TryGetValue(id, out var tree) ? tree : trees[id] = _workshop.Store.ReadTree(id);
        var accepted = 0;
        for (var seed = 0; seed < Mutations; seed++)
        {
            byte[] plan = [.. forge.Plan.AsSpan(0, forge.CommitBytes), .. new Mutation(seed).Of(forge.Plan.AsSpan(forge.CommitBytes))];
            try
            {
                var decoded = PlanDecoder.Decode(plan, forge.Header.To, Read, _old.Tree);
                decoded.Contents.Sum(c => c.Size).Should().BeLessThanOrEqualTo(decoded.Commit.Bytes);
                decoded.Trees.Sum(t => t.Entries.Count).Should().BeLessThanOrEqualTo((int)decoded.Commit.Entries);
                accepted++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                e.Should().BeOfType<CorruptDeltaException>($"of seed {seed}");
            }
        }
        accepted.Should().BeGreaterThan(0, "some mutations only change sizes and owners").And.BeLessThan(Mutations);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(null)]
    [InlineData(PartCodec.Raw)]
    [InlineData(PartCodec.Zstd)]
    [InlineData(PartCodec.ZstdWithBase)]
    [InlineData(PartCodec.Xz)]
    [InlineData(PartCodec.ContextSmallest)]
    [InlineData(PartCodec.ContextFast)]
    public void A_mutated_delta_is_refused_or_makes_the_signed_tree_and_leaves_nothing_false(object? codec)
    {
        var delta = codec switch
        {
            null => _delta,
            PartCodec.ContextSmallest or PartCodec.ContextFast => Generated((PartCodec)codec),
            _ => RecodedDelta.Make(_workshop, _delta, _ => (PartCodec)codec),
        };
        var (from, tree) = FromOf(delta);
        var refused = 0;
        for (var seed = 0; seed < Math.Max(20, Mutations / 2500); seed++)
        {
            var mutant = Mutate(delta, from, seed, isPlan: codec is null);
            try
            {
                ApplyAsADeviceDoes(mutant, from, $"seed {seed}")?.Commit.Tree.Should().Be(tree, $"of seed {seed}");
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                e.Should().BeOfType<CorruptDeltaException>($"of seed {seed}");
                refused++;
            }
        }
        refused.Should().BePositive();
        LocalStoreCheck.Run(_workshop.Store).Damage.Should().BeEmpty();
        Directory.GetFiles(_workshop["ctree/store/incoming"]).Should().BeEmpty();
    }

    private (Commit From, ObjectId Tree) FromOf(byte[] delta)
    {
        var header = DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta)));
        return (_workshop.Store.ReadCommit(header.From!.Value), header.To == new DeltaForge(_delta, _old).Header.To ? _newTree : _workshop.Repository.ReadCommit(header.To).Tree);
    }

    // Text that changes a little, so that there is something for the context coder to do.
    private byte[] Generated(PartCodec codec)
    {
        Shell.Run("""
            set -e
            mkdir v1 v2; seq 1 2000 > v1/a; cp /bin/true v1/b; (seq 1 900; echo x; seq 901 2000) > v2/a; (head -c 9000 /bin/true; echo y; tail -c +9100 /bin/true) > v2/b
            """, _workshop["."]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        _workshop.Apply(_workshop.MakeDelta(null, v1));
        var options = new ContentTree.Store.Deltas.Generation.DeltaOptions { PartBytes = 12_000, PreferSpeed = codec == PartCodec.ContextFast };
        var delta = _workshop.MakeDelta(v1, v2, options);
        DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta))).Parts.Should().Contain(p => p.Codec == codec);
        return delta;
    }

    private static byte[] Mutate(byte[] delta, Commit from, int seed, bool isPlan)
    {
        var forge = new DeltaForge(delta, from);
        var random = new Random(seed);
        if (isPlan && random.Next(4) > 0)
        {
            forge.Plan = [.. forge.Plan.AsSpan(0, forge.CommitBytes), .. new Mutation(seed).Of(forge.Plan.AsSpan(forge.CommitBytes))];
            return forge.Build();
        }
        var part = random.Next(forge.Parts.Length);
        forge.Parts[part] = new Mutation(seed).Of(forge.Parts[part]);
        if (random.Next(8) == 0)
            forge.Header = forge.Header with { Parts = [.. forge.Header.Parts.Select(p => random.Next(3) > 0 ? p : p with { Codec = (PartCodec)random.Next(6) })] };
        return forge.Build();
    }

    // Null when a content must be fetched as it is.
    private CompleteCommit? ApplyAsADeviceDoes(byte[] delta, Commit from, string seed)
    {
        var header = DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta)));
        if (header.MemoryKiB > DeviceMemoryKiB)
            throw new CorruptDeltaException("needs too much");
        using var pull = _workshop.Store.BeginPull();
        using var application = _workshop.Open(pull, delta);
        application.CountUnlinked().Should().BeGreaterThan(0, seed);
        for (var part = 0; part < header.Parts.Count; part++)
        {
            var coded = DeltaWorkshop.PartOf(delta, application.Header.Parts[part]);
            application.IsIntact(part, coded).Should().BeTrue(seed);
            application.Apply(part, coded);
        }
        return application.IsIncomplete ? null : application.Complete();
    }
}
