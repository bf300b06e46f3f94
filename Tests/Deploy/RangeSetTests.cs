using ContentTree.Deploy.Transfer;

namespace ContentTree.Tests.Deploy;

public sealed class RangeSetTests
{
    [Fact]
    public void Any_order_of_additions_and_removals_is_the_same_as_bit_by_bit()
    {
        var random = new Random(7);
        var bits = new bool[200];
        var set = new RangeSet([]);
        for (var step = 0; step < 5000; step++)
        {
            var from = random.Next(200);
            var to = random.Next(from, 201);
            var isAdded = random.Next(3) > 0;
            if (isAdded)
                set.Add(new ByteRange(from, to));
            else
                set.Remove(new ByteRange(from, to));
            Array.Fill(bits, isAdded, from, to - from);
            Enumerable.Range(0, 200).Select(i => set.Contains(new ByteRange(i, i + 1))).Should().Equal(bits);
            set.Bytes.Should().Be(bits.Count(b => b));
            var gap = set.FirstGap(0, 200);
            gap.From.Should().Be(Array.IndexOf(bits, false) is var first and >= 0 ? first : 200);
            set.Zip(set.Skip(1)).All(pair => pair.First.To < pair.Second.From).Should().BeTrue();
        }
    }

    [Fact]
    public void A_record_survives_and_a_changed_one_is_none()
    {
        var record = new PartRecord(1000, "boot", new Dictionary<string, string> { ["http://a/"] = "\"x y\"" }, [new(0, 10), new(20, 1000)]);
        var bytes = record.Encode();
        PartRecord.Decode(bytes).Should().BeEquivalentTo(record);
        PartRecord.Decode([.. bytes, .. "left over from a longer one\nhave 5-7\n"u8]).Should().BeEquivalentTo(record);
        for (var i = 0; i < bytes.Length - 1; i++)
        {
            PartRecord.Decode(bytes.AsSpan(0, i)).Should().BeNull();
            var flipped = bytes.ToArray();
            flipped[i] ^= 4;
            PartRecord.Decode(flipped).Should().BeNull();
        }
    }
}
