using System.Globalization;

namespace ContentTree.Tests.Deltas;

/// <summary>One to four changes of some bytes, always the same for a seed.</summary>
internal sealed class Mutation(int seed)
{
    // As LEB128: what is one too many, negative or overflows somewhere.
    private static readonly byte[][] Extremes = [.. new ulong[]
    {
        0, 1, 2, 0x7f, 0x80, 0xff, 0x7ff, 0x800, 0x801, 0xffff, 0x10000, 1 << 30, int.MaxValue, 0x80000000, uint.MaxValue, 1UL << 32,
        1UL << 42, (1UL << 53) - 1, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue,
    }.Select(Number)];

    private readonly Random _random = new(seed);

    /// <summary>How many a test tries: what CTREE_FUZZ says, else <paramref name="usual"/>.</summary>
    public static int Count(int usual) =>
        Environment.GetEnvironmentVariable("CTREE_FUZZ") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : usual;

    public byte[] Of(ReadOnlySpan<byte> original)
    {
        var bytes = new List<byte>(original.ToArray());
        for (var times = 1 + (_random.Next(3) == 0 ? _random.Next(4) : 0); times > 0; times--)
            Change(bytes);
        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        var at = _random.Next(bytes.Count + 1);
        var length = Math.Min(_random.Next(1, 12), bytes.Count - at);
        switch (_random.Next(8))
        {
            case 0 or 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.InsertRange(_random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 5 when at < bytes.Count:
                bytes.RemoveAt(at);
                bytes.InsertRange(at, Extremes[_random.Next(Extremes.Length)]);
                break;
            case 6 when bytes.Count > 0:
                var from = _random.Next(bytes.Count);
                var piece = bytes.GetRange(from, Math.Min(_random.Next(1, 64), bytes.Count - from));
                bytes.RemoveRange(at, Math.Min(piece.Count, bytes.Count - at));
                bytes.InsertRange(at, piece);
                break;
            case 7 when _random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                bytes.Insert(at, (byte)_random.Next(256));
                break;
        }
    }

    private static byte[] Number(ulong value)
    {
        var bytes = new List<byte>();
        for (; value > 0x7f; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }
}
