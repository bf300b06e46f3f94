using System.Globalization;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

/// <summary>Makes what a slot of the boot file should never hold, and now and then what it should.</summary>
internal sealed class HostileSlots(Random random)
{
    private const int BodySize = 499;

    private static readonly string[] Words =
    [
        "ctree-boot", "sequence", "wanted", "previous", "state", "tries", "last-resort", "crc", "=", "\n", "\n\n", " ", "..", "../../etc", "/", "0", "-1", "00", "1e9",
        "18446744073709551616", "9223372036854775807", "100", "99", "good", "trial", "fallback", "GOOD", "1-00000001", "2-00000002", "4-00000004", "0-00000000", "1-", "-00000001",
    ];

    /// <summary>The bytes of one slot; null for a slot that is not there.</summary>
    public byte[]? Next() => random.Next(14) switch
    {
        0 => null,
        1 => Noise(random.Next(700)),
        2 => Noise(BootRecord.Size),
        3 => [.. Enumerable.Repeat((byte)random.Next(256), random.Next(2) == 0 ? BootRecord.Size : random.Next(700))],
        4 => Torn(),
        5 => Flipped(),
        6 => Whole()[..random.Next(BootRecord.Size)],
        7 => Edited(),
        8 => Invented(),
        _ => Whole(),
    };

    // Deployments 1 to 3 may be there, the others never are.
    private byte[] Whole()
    {
        var state = Enum.GetValues<BootState>()[random.Next(3)];
        ulong? Some() => random.Next(2) == 0 ? null : (ulong)random.Next(1, 7);
        return (BootSamples.Record(state, (ulong)random.Next(1, 7), Some(), random.Next(4), Some()) with { Sequence = Sequence() }).Encode();
    }

    private ulong Sequence() => random.Next(20) == 0 ? BootRecord.MaxSequence - (ulong)random.Next(2) : (ulong)random.NextInt64(1, 50);

    private byte[] Noise(int size)
    {
        var bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    private byte[] Torn()
    {
        var cut = random.Next(1, BootRecord.Size);
        return [.. Whole()[..cut], .. Whole()[cut..]];
    }

    private byte[] Flipped()
    {
        var bytes = Whole();
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    // What somebody writes who knows the checksum.
    private byte[] Edited()
    {
        var bytes = Whole();
        for (var n = random.Next(1, 5); n > 0; n--)
            Encoding.ASCII.GetBytes(Words[random.Next(Words.Length)]).CopyTo(bytes, random.Next(120));
        return Signed(bytes);
    }

    private byte[] Invented()
    {
        var text = new StringBuilder(random.Next(2) == 0 ? "ctree-boot=1\n" : "");
        for (var n = random.Next(60); n > 0; n--)
            text.Append(Words[random.Next(Words.Length)]);
        var bytes = new byte[BootRecord.Size];
        bytes.AsSpan().Fill((byte)'\n');
        Encoding.ASCII.GetBytes(text.ToString(0, Math.Min(text.Length, BodySize)), bytes);
        return Signed(bytes);
    }

    private static byte[] Signed(byte[] bytes)
    {
        var crc = Crc32.Of(bytes.AsSpan(0, BodySize)).ToString("x8", CultureInfo.InvariantCulture);
        Encoding.ASCII.GetBytes($"crc={crc}\n").CopyTo(bytes, BodySize);
        return bytes;
    }
}
