using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Tests.Deltas.Coding;

/// <summary>Old and new files as they occur, made from a seed.</summary>
internal static class CodingSamples
{
    public static (byte[] Old, byte[] New) Pair(int seed, int size = 20_000)
    {
        var random = new Random(seed);
        var old = random.Next(5) switch
        {
            0 => Code(random, random.Next(size)),
            1 => Noise(random, random.Next(size)),
            2 => Text(random, random.Next(size)),
            3 => [],
            _ => new byte[random.Next(size)],
        };
        return (old, random.Next(10) == 0 ? Text(random, random.Next(size)) : Changed(random, old));
    }

    public static byte[] Encode(CoderProfile profile, params (byte[] Old, byte[] New)[] pairs)
    {
        using var encoder = new ContextEncoder(profile);
        return Encode(encoder, pairs);
    }

    public static byte[] Encode(ContextEncoder encoder, params (byte[] Old, byte[] New)[] pairs)
    {
        var matcher = new Matcher();
        encoder.Start();
        foreach (var (old, fresh) in pairs)
        {
            matcher.Prepare(old);
            encoder.Add(new MemoryBase(old), new MemoryBase(fresh), matcher.Match(old, fresh, 4));
        }
        return encoder.Finish().ToArray();
    }

    public static List<byte[]> Decode(ContextDecoder decoder, byte[] coded, params (byte[] Old, int Length)[] files)
    {
        decoder.Start(new MemoryStream(coded));
        var decoded = new List<byte[]>();
        foreach (var (old, length) in files)
        {
            var output = new MemoryStream();
            decoder.Decode(new MemoryBase(old), length, output);
            decoded.Add(output.ToArray());
        }
        decoder.Finish();
        return decoded;
    }

    // The shape of a program: instructions with relative addresses, then tables of words.
    private static byte[] Code(Random random, int size)
    {
        var code = new byte[Math.Max(size, 64)];
        "\u007fELF"u8.CopyTo(code);
        code[18] = 62;
        for (var at = 32; at + 8 < code.Length; at += 8)
        {
            code[at] = random.Next(3) == 0 ? (byte)0xE8 : (byte)random.Next(256);
            BitConverter.TryWriteBytes(code.AsSpan(at + 1), at < code.Length / 2 ? random.Next(-5000, 5000) : at * 3);
        }
        return code;
    }

    private static byte[] Noise(Random random, int size)
    {
        var noise = new byte[size];
        random.NextBytes(noise);
        return noise;
    }

    private static byte[] Text(Random random, int size)
    {
        string[] words = ["object", "tree", "commit", " ", "\n", "delta", "of the", "{}", "0", "17"];
        return [.. System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, size / 3).Select(_ => words[random.Next(words.Length)]))).Take(size)];
    }

    private static byte[] Changed(Random random, byte[] old)
    {
        var fresh = old.ToList();
        for (var edits = random.Next(200); edits > 0; edits--)
            Change(random, fresh);
        return [.. fresh];
    }

    private static void Change(Random random, List<byte> fresh)
    {
        var at = random.Next(fresh.Count + 1);
        var length = Math.Min(random.Next(60), fresh.Count - at);
        switch (random.Next(9))
        {
            case 0: fresh.InsertRange(at, Noise(random, random.Next(random.Next(2) == 0 ? 60 : 3000))); break;
            case 1: fresh.RemoveRange(at, length); break;
            default:
                for (var i = at; i < Math.Min(at + (length / 10), fresh.Count); i++)
                    fresh[i] += 5;
                break;
        }
    }
}
