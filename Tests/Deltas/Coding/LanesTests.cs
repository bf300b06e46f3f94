using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Tests.Deltas.Coding;

public sealed class LanesTests
{
    [Fact]
    public void Vector_and_scalar_arithmetic_agree_to_the_last_bit()
    {
        var random = new Random(5);
        for (var i = 0; i < 100_000; i++)
        {
            var (a, b) = (Lane(random), Lane(random));
            Lanes.MultiplyHigh(a, b).Should().Be(Lanes.MultiplyHighByLane(a, b));
            Lanes.AddSaturated(a, b).Should().Be(Lanes.AddSaturatedByLane(a, b));
            // As in the mixer: log-odds have 12 bits and a sign.
            Lanes.Dot(a >> 3, b).Should().Be(Lanes.DotByLane(a >> 3, b));
        }
    }

    private static Vector128<short> Lane(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        var words = MemoryMarshal.Cast<byte, short>(bytes);
        words[random.Next(8)] = random.Next(2) == 0 ? short.MinValue : short.MaxValue;
        return Vector128.Create<short>(words);
    }
}
