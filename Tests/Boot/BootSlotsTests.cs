using System.Diagnostics;
using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public sealed class BootSlotsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly BootSlots _slots;

    public BootSlotsTests()
    {
        _slots = new BootSlots(_directory.Path);
        _slots.Create();
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Fresh_slots_have_their_full_size_and_no_record()
    {
        new FileInfo(_slots.PathA).Length.Should().Be(512);
        new FileInfo(_slots.PathB).Length.Should().Be(512);
        _slots.Read().Should().BeNull();
        _slots.Inspect().A.Problem.Should().Be("empty: never written");
    }

    [Fact]
    public void Writes_go_to_the_slots_in_turn_and_the_last_one_counts()
    {
        var inodes = Inodes();
        for (ulong n = 1; n <= 5; n++)
        {
            var written = _slots.Write(BootSamples.Record(BootState.Trial, n, null, 3));
            written.Sequence.Should().Be(n);
            _slots.Read().Should().Be(written);
            var (a, b) = _slots.Inspect();
            (n % 2 == 1 ? a : b).Record.Should().Be(written);
        }
        Inodes().Should().Be(inodes, "a slot is never replaced");
    }

    [Fact]
    public void Creating_again_keeps_what_is_there_and_makes_a_lost_slot()
    {
        var first = _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        File.Delete(_slots.PathB);
        _slots.Create();
        _slots.Read().Should().Be(first);
        _slots.Write(first).Sequence.Should().Be(2);
        _slots.Inspect().B.Record!.Sequence.Should().Be(2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(513)]
    public void A_slot_of_a_wrong_size_is_invalid_until_it_is_made_again(int size)
    {
        var first = _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        using (var file = File.OpenWrite(_slots.PathB))
            file.SetLength(size);

        _slots.Read().Should().Be(first);
        _slots.Inspect().B.Problem.Should().Be($"{size} bytes instead of 512");
        FluentActions.Invoking(() => _slots.Write(first)).Should().Throw<IOException>().WithMessage($"*{size} bytes instead of 512*");

        _slots.Create();
        _slots.Write(first).Sequence.Should().Be(2);
    }

    [Fact]
    public void Of_equal_sequences_slot_a_counts()
    {
        File.WriteAllBytes(_slots.PathA, BootSamples.Record(BootState.Good, 1, null, 0).Encode());
        File.WriteAllBytes(_slots.PathB, BootSamples.Record(BootState.Good, 2, null, 0).Encode());
        _slots.Read()!.Wanted.Number.Should().Be(1);
    }

    [Fact]
    public void A_damaged_slot_leaves_the_other_one_counting_and_is_the_next_to_be_written()
    {
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 3));
        var bytes = File.ReadAllBytes(_slots.PathB);
        bytes[100] ^= 1;
        File.WriteAllBytes(_slots.PathB, bytes);

        _slots.Read()!.Wanted.Number.Should().Be(1);
        _slots.Write(BootSamples.Record(BootState.Trial, 3, 1, 3));
        _slots.Inspect().B.Record!.Wanted.Number.Should().Be(3);
    }

    [Fact]
    public void A_power_cut_at_any_byte_of_a_write_leaves_the_old_record_or_the_new_one()
    {
        var old = _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 3));
        var before = File.ReadAllBytes(_slots.PathA);
        var written = _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 2));
        var after = File.ReadAllBytes(_slots.PathA);
        old.Sequence.Should().Be(1);
        for (var cut = 0; cut <= 512; cut++)
        {
            File.WriteAllBytes(_slots.PathA, [.. after[..cut], .. before[cut..]]);
            _slots.Read()!.Sequence.Should().BeOneOf(written.Sequence - 1, written.Sequence);
        }
    }

    [Fact]
    public void A_directory_a_symlink_a_fifo_and_a_huge_file_are_no_slots_and_do_not_stop_anything()
    {
        var first = _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        var elsewhere = _directory["elsewhere"];
        File.WriteAllBytes(elsewhere, BootSamples.Record(BootState.Good, 9, null, 0).Encode());
        Action[] replacements =
        [
            () => Directory.CreateDirectory(_slots.PathB),
            () => File.CreateSymbolicLink(_slots.PathB, elsewhere),
            () => Process.Start("mkfifo", [_slots.PathB]).WaitForExit(),
            () => { using var huge = File.Create(_slots.PathB); huge.SetLength(1L << 30); },
        ];
        foreach (var replace in replacements)
        {
            Remove(_slots.PathB);
            replace();
            _slots.Read().Should().Be(first);
            _slots.Inspect().B.Problem.Should().NotBeEmpty();
            FluentActions.Invoking(() => _slots.Write(first)).Should().Throw<IOException>();
        }
        File.ReadAllBytes(elsewhere).Should().Equal(BootSamples.Record(BootState.Good, 9, null, 0).Encode());
    }

    [Fact]
    public void A_missing_directory_is_an_error_when_writing_and_no_record_when_reading()
    {
        var slots = new BootSlots(_directory["nowhere"]);
        slots.Read().Should().BeNull();
        FluentActions.Invoking(slots.Create).Should().Throw<IOException>();
        FluentActions.Invoking(() => slots.Write(BootSamples.Record(BootState.Good, 1, null, 0))).Should().Throw<IOException>();
    }

    [Fact]
    public void A_sequence_that_cannot_rise_is_refused_and_the_record_still_counts()
    {
        var last = BootSamples.Record(BootState.Good, 1, null, 0) with { Sequence = BootRecord.MaxSequence };
        File.WriteAllBytes(_slots.PathA, last.Encode());
        FluentActions.Invoking(() => _slots.Write(last)).Should().Throw<IOException>();
        _slots.Read().Should().Be(last);
    }

    private (string, string) Inodes() => (Inode(_slots.PathA), Inode(_slots.PathB));

    private static string Inode(string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%i", path]) { RedirectStandardOutput = true })!;
        var inode = stat.StandardOutput.ReadToEnd();
        stat.WaitForExit();
        return inode;
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path);
        else
            File.Delete(path);
    }
}
