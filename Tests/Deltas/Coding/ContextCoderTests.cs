using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Coding;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas.Coding;

public sealed class ContextCoderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_is_coded_decodes_to_itself(byte profile)
    {
        using var encoder = new ContextEncoder((CoderProfile)profile);
        using var decoder = new ContextDecoder((CoderProfile)profile);
        for (var seed = 0; seed < 200; seed++)
        {
            (byte[] Old, byte[] New)[] pairs = [CodingSamples.Pair(seed), CodingSamples.Pair(seed + 1000), CodingSamples.Pair(seed, 200)];
            var coded = CodingSamples.Encode(encoder, pairs);
            var decoded = CodingSamples.Decode(decoder, coded, [.. pairs.Select(p => (p.Old, p.New.Length))]);
            for (var i = 0; i < pairs.Length; i++)
                decoded[i].AsSpan().SequenceEqual(pairs[i].New).Should().BeTrue($"file {i} of seed {seed} must come back");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_streams_end_in_the_declared_length_or_are_refused(byte profile)
    {
        using var decoder = new ContextDecoder((CoderProfile)profile);
        var random = new Random(profile);
        for (var seed = 0; seed < (Mutation.Count(3000) + 249) / 250; seed++)
        {
            var pair = CodingSamples.Pair(seed, 3000);
            var coded = CodingSamples.Encode((CoderProfile)profile, pair);
            for (var i = 0; i < 250; i++)
                DecodeDamaged(decoder, Damage(random, coded), pair.Old, pair.New.Length);
        }
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(1)]
    [InlineData(2)]
    public void A_stream_cut_anywhere_or_continued_is_refused(byte profile)
    {
        using var decoder = new ContextDecoder((CoderProfile)profile);
        var pair = CodingSamples.Pair(16, 3000);
        var coded = CodingSamples.Encode((CoderProfile)profile, pair);
        for (var length = 0; length < coded.Length - BitEncoder.SpareBytes; length++)
            Refused(coded[..length]);
        Refused([.. coded, .. new byte[100]]);
        void Refused(byte[] bytes)
        {
            var decode = () => CodingSamples.Decode(decoder, bytes, (pair.Old, pair.New.Length));
            decode.Should().Throw<CorruptDeltaException>();
        }
    }

    [Fact]
    public void Random_bytes_are_never_a_stream_that_crashes()
    {
        using var decoder = new ContextDecoder(CoderProfile.Fast);
        var random = new Random(3);
        var old = CodingSamples.Pair(16, 3000).Old;
        for (var i = Mutation.Count(1000); i > 0; i--)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            DecodeDamaged(decoder, bytes, old, random.Next(5000));
        }
    }

    [Fact]
    public void An_old_file_on_disk_and_slices_of_a_new_one_decode_like_files_in_memory()
    {
        using var directory = new TemporaryDirectory();
        var random = new Random(8);
        var old = new byte[3_000_000];
        random.NextBytes(old);
        byte[] fresh = [.. old[2_000_000..], .. old[..1_500_000]];
        File.WriteAllBytes(directory["old"], [1, 2, 3, .. old]);
        var matcher = new Matcher();
        matcher.Prepare(old);
        using var encoder = new ContextEncoder(CoderProfile.Fast);
        const int Slice = 1_000_000;
        for (var at = 0; at < fresh.Length; at += Slice)
        {
            var slice = fresh.AsMemory(at, Math.Min(Slice, fresh.Length - at));
            encoder.Add(new MemoryBase(old), new MemoryBase(slice), matcher.Match(old, slice.Span, 8), at);
        }
        var coded = encoder.Finish().ToArray();
        coded.Length.Should().BeLessThan(2000);
        using var decoder = new ContextDecoder(CoderProfile.Fast);
        decoder.Start(new MemoryStream(coded));
        using var file = File.OpenHandle(directory["old"]);
        var output = new MemoryStream();
        for (var at = 0; at < fresh.Length; at += Slice)
            decoder.Decode(new FileBase(file, 3, old.Length), Math.Min(Slice, fresh.Length - at), output, at);
        decoder.Finish();
        output.ToArray().AsSpan().SequenceEqual(fresh).Should().BeTrue();
    }

    [Fact]
    public void An_old_file_that_shrank_is_an_error_and_no_endless_read()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["old"], new byte[100]);
        using var file = File.OpenHandle(directory["old"]);
        var read = () => new FileBase(file, 0, 1000).Read(0, new byte[500]);
        read.Should().Throw<EndOfStreamException>();
    }

    [Fact]
    public void Decoders_fit_twice_into_the_memory_of_a_device()
    {
        using var smallest = new ContextDecoder(CoderProfile.Smallest);
        using var fast = new ContextDecoder(CoderProfile.Fast);
        smallest.Bytes.Should().BeLessThan(18_000_000);
        fast.Bytes.Should().BeLessThan(9_000_000);
    }

    private static void DecodeDamaged(ContextDecoder decoder, byte[] coded, byte[] old, int length)
    {
        try
        {
            CodingSamples.Decode(decoder, coded, (old, length))[0].Length.Should().Be(length);
        }
        catch (CorruptDeltaException)
        {
        }
    }

    private static byte[] Damage(Random random, byte[] coded)
    {
        var damaged = (byte[])coded.Clone();
        for (var i = random.Next(4); i >= 0 && damaged.Length > 0; i--)
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
        return random.Next(4) == 0 ? damaged[..random.Next(damaged.Length + 1)] : damaged;
    }
}
