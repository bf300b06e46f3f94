using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using FsCheck;
using FsCheck.Fluent;

namespace ContentTree.Tests.Boot;

public class BootRecordTests
{
    private static readonly byte[] Sample = BootSamples.Record(BootState.Trial, 12, 11, 3).Encode();

    public static TheoryData<string> Accepted => Files(name => !name.StartsWith("refused-", StringComparison.Ordinal));

    public static TheoryData<string> Refused => Files(name => name.StartsWith("refused-", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Accepted))]
    public void A_vector_reads_as_its_text_says(string name)
    {
        var bytes = BootSamples.Vector(Path.Combine(BootSamples.Vectors, name + ".hex"));
        var text = File.ReadAllText(Path.Combine(BootSamples.Vectors, name + ".txt"));

        BootRecord.TryDecode(bytes, out var record, out var problem).Should().BeTrue(problem);

        var encoded = record!.Encode();
        Encoding.ASCII.GetString(encoded, 0, 499).TrimEnd('\n').Should().Be(text.TrimEnd('\n'));
        if (!name.Contains("later-version", StringComparison.Ordinal))
            encoded.Should().Equal(bytes);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_refused_vector_is_refused_with_a_reason(string name)
    {
        var bytes = BootSamples.Vector(Path.Combine(BootSamples.Vectors, name + ".hex"));
        BootRecord.TryDecode(bytes, out var record, out var problem).Should().BeFalse();
        record.Should().BeNull();
        problem.Should().NotBeEmpty();
    }

    [Fact]
    public void The_format_page_shows_a_true_record()
    {
        var bytes = Hexdump(File.ReadAllLines(Path.Combine(BootSamples.Repository, "docs/format/boot-file.md")));
        BootRecord.TryDecode(bytes, out var record, out var problem).Should().BeTrue(problem);
        record.Should().Be(new BootRecord
        {
            Sequence = 7,
            Wanted = DeploymentName.Parse("12-0123abcd"),
            Previous = DeploymentName.Parse("11-89abcdef"),
            State = BootState.Trial,
            TriesLeft = 3,
        });
        record!.Encode().Should().Equal(bytes);
    }

    [Fact]
    public void Every_change_of_a_single_byte_is_noticed()
    {
        var bytes = Sample.ToArray();
        for (var at = 0; at < bytes.Length; at++)
        {
            for (var flip = 1; flip < 256; flip++)
            {
                bytes[at] = (byte)(Sample[at] ^ flip);
                if (BootRecord.TryDecode(bytes, out _, out _))
                    Assert.Fail($"byte {at} changed to {bytes[at]} is accepted");
            }
            bytes[at] = Sample[at];
        }
        BootRecord.TryDecode(bytes, out _, out var problem).Should().BeTrue(problem);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        for (var length = 0; length < Sample.Length; length++)
            BootRecord.TryDecode(Sample.AsSpan(0, length), out _, out _).Should().BeFalse("{0} bytes are no record", length);
    }

    [Fact]
    public void Every_torn_write_is_the_old_record_the_new_one_or_none()
    {
        var old = BootSamples.Record(BootState.Good, 11, 10, 0);
        var next = BootSamples.Record(BootState.Trial, 12, 11, 3);
        for (var cut = 0; cut <= BootRecord.Size; cut++)
        {
            byte[] torn = [.. next.Encode()[..cut], .. old.Encode()[cut..]];
            if (BootRecord.TryDecode(torn, out var record, out _))
                record.Should().Match<BootRecord>(r => r == old || r == next, "the write was cut at byte {0}", cut);
        }
    }

    [Fact]
    public void A_hundred_thousand_pieces_of_garbage_neither_pass_nor_throw()
    {
        var random = new Random(20250101);
        var buffer = new byte[600];
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = Garbage(random, buffer, i);
            if (BootRecord.TryDecode(bytes, out var record, out _))
                record!.Encode().Should().Equal(bytes.ToArray(), "only what the encoder writes may pass (round {0})", i);
        }
    }

    [Fact]
    public void Garbage_under_a_right_checksum_neither_throws_nor_changes_when_read_twice()
    {
        var random = new Random(7);
        var accepted = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Sample.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
                bytes[random.Next(90)] = (byte)random.Next(' ', 127);
            Sign(bytes);
            if (!BootRecord.TryDecode(bytes, out var record, out _))
                continue;
            accepted++;
            BootRecord.TryDecode(record!.Encode(), out var again, out var problem).Should().BeTrue(problem);
            again.Should().Be(record);
        }
        accepted.Should().BePositive("a changed digit is still a record");
    }

    [Fact]
    public void What_is_written_reads_back_whatever_it_says()
    {
        var numbers = Gen.Choose(1, int.MaxValue).Select(n => (ulong)n);
        var records =
            from wanted in numbers
            from previous in Gen.OneOf(numbers.Select(n => (ulong?)n), Gen.Constant((ulong?)null))
            from resort in Gen.OneOf(numbers.Select(n => (ulong?)n), Gen.Constant((ulong?)null))
            from state in Gen.Elements(Enum.GetValues<BootState>())
            from tries in Gen.Choose(0, BootRecord.MaxTries)
            select BootSamples.Record(state, wanted, previous, tries, resort);
        Prop.ForAll(records.ToArbitrary(), record =>
            BootRecord.TryDecode(record.Encode(), out var read, out _) && read == record).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(100)]
    public void A_record_cannot_be_made_with_absurd_tries(int tries) =>
        FluentActions.Invoking(() => BootSamples.Record(BootState.Trial, 1, null, tries)).Should().Throw<ArgumentOutOfRangeException>();

    private static ReadOnlySpan<byte> Garbage(Random random, byte[] buffer, int round)
    {
        var size = round % 3 == 0 ? random.Next(buffer.Length) : BootRecord.Size;
        random.NextBytes(buffer);
        if (round % 3 == 2)
        {
            Sample.CopyTo(buffer, 0);
            random.NextBytes(buffer.AsSpan(random.Next(500), random.Next(1, 12)));
        }
        return buffer.AsSpan(0, size);
    }

    private static void Sign(byte[] bytes)
    {
        var crc = Crc32.Of(bytes.AsSpan(0, 499)).ToString("x8", CultureInfo.InvariantCulture);
        Encoding.ASCII.GetBytes("crc=" + crc + "\n").CopyTo(bytes, 499);
    }

    private static byte[] Hexdump(string[] page)
    {
        var bytes = new List<byte>();
        var row = Array.Empty<byte>();
        var dump = page.SkipWhile(line => line != "```hexdump").Skip(1).TakeWhile(line => line != "```");
        foreach (var line in dump.Where(line => line != "*"))
        {
            var offset = int.Parse(line[..4], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            while (bytes.Count < offset)
                bytes.AddRange(row);
            row = Convert.FromHexString(line[4..].Replace(" ", "", StringComparison.Ordinal));
            bytes.AddRange(row);
        }
        return [.. bytes];
    }

    private static TheoryData<string> Files(Func<string, bool> pick)
    {
        var names = Directory.GetFiles(BootSamples.Vectors, "*.hex").Select(Path.GetFileNameWithoutExtension).OfType<string>();
        return new TheoryData<string>(names.Where(pick).Order(StringComparer.Ordinal));
    }
}
