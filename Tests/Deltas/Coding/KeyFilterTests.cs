using System.Buffers.Binary;
using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Tests.Deltas.Coding;

/// <summary>What the matcher asks before it looks for anything.</summary>
public sealed class KeyFilterTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1000)]
    [InlineData(300_000)]
    public void It_holds_every_key_of_the_old_file_and_few_others(int length)
    {
        var random = new Random(length);
        var old = new byte[length];
        random.NextBytes(old);
        using var filter = new KeyFilter();
        filter.Build(new byte[2 * length + 8]);
        filter.Build(old);
        for (var at = 0; at + 8 <= length; at++)
            filter.MayHold(BinaryPrimitives.ReadUInt64LittleEndian(old.AsSpan(at))).Should().BeTrue($"at {at}");
        var wrong = Enumerable.Range(0, 10_000).Count(_ => filter.MayHold((ulong)random.NextInt64(long.MinValue, long.MaxValue)));
        wrong.Should().BeLessThan(2_000);
    }
}
