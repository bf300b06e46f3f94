using ContentTree.Store.Codecs;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Codecs;

public sealed class RepackingTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("gzip -9n f && mv f.gz f", "0109")]
    [InlineData("gzip -6n f && mv f.gz f", "0106")]
    [InlineData("gzip -1n f && mv f.gz f", "0101")]
    [InlineData("gzip -3n f && mv f.gz f", "0103")]
    [InlineData("xz -T1 --check=crc32 --lzma2=preset=6,dict=1MiB f && mv f.xz f", "020610" + "0100")]
    [InlineData("xz -T1 f && mv f.xz f", "020616" + "0400")]
    [InlineData("xz -T1 -9e f && mv f.xz f", "020e1c" + "0400")]
    [InlineData("xz -T1 -4 f && mv f.xz f", "020414" + "0400")]
    [InlineData("xz -T1 -5e --check=sha256 f && mv f.xz f", "020d16" + "0a00")]
    [InlineData("xz -T1 -0 --check=none f && mv f.xz f", "02000c" + "0000")]
    [InlineData("xz -T1 --x86 --lzma2=preset=6,dict=32MiB --check=crc32 f && mv f.xz f", "02161a" + "0100")]
    [InlineData("xz -T1 -1 --block-size=100000 f && mv f.xz f", "020110" + "04a08d06")]
    [InlineData("xz -T2 -1 --block-size=100000 f && mv f.xz f", "022110" + "04a08d06")]
    [InlineData("xz -T2 -1 f && mv f.xz f", "022110" + "048080c001")]
    public void What_the_programs_wrote_comes_back_bit_for_bit(string command, string descriptor)
    {
        var content = Sample(400_000);
        File.WriteAllBytes(_directory["f"], content);
        Shell.Run(command, _directory.Path);
        var (repacking, unpacked) = Describe(_directory["f"]);
        repacking.Should().NotBeNull();
        Convert.ToHexStringLower(repacking!.Encode()).Should().Be(descriptor);
        unpacked.Should().Equal(content);
        Repacking.TryDecode(Convert.FromHexString(descriptor), out var decoded).Should().BeTrue();
        decoded.Should().Be(repacking);
        ReadAll(decoded!.Pack(new MemoryStream(content))).Should().Equal(File.ReadAllBytes(_directory["f"]));
        ReadAll(decoded.Unpack(File.OpenRead(_directory["f"]), content.Length)).Should().Equal(content);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("gzip -9 f && mv f.gz f")]
    [InlineData("gzip -9n f && mv f.gz f && echo >>f")]
    [InlineData("gzip -9n f && cat f.gz f.gz >f")]
    [InlineData("gzip -9n f && head -c 2000 f.gz >f")]
    [InlineData("xz f && cat f.xz f.xz >f")]
    [InlineData("xz f && mv f.xz f && printf '\\0\\0\\0\\0' >>f")]
    [InlineData("xz f && head -c 2000 f.xz >f")]
    [InlineData("xz -T1 --lzma2=preset=6,nice=50 f && mv f.xz f")]
    [InlineData("xz -T1 --lzma2=preset=6,lc=4 f && mv f.xz f")]
    [InlineData("xz -T1 --delta --lzma2 f && mv f.xz f")]
    [InlineData("xz -T1 --format=lzma f && mv f.lzma f")]
    [InlineData(": >f")]
    public void What_cannot_be_written_again_stays_as_it_is(string command)
    {
        File.WriteAllBytes(_directory["f"], Sample(400_000));
        Shell.Run(command, _directory.Path);
        Describe(_directory["f"]).Repacking.Should().BeNull();
    }

    [Theory]
    [InlineData("gzip -9n")]
    [InlineData("xz -T1 -0")]
    public void A_bomb_is_left_alone(string program)
    {
        Shell.Run($"head -c 20000000 /dev/zero | {program} >f", _directory.Path);
        using var packed = File.OpenRead(_directory["f"]);
        using var content = new MemoryStream();
        new Repacker(19_999_999, 64 << 20).TryDescribe(packed, content).Should().BeNull();
        content.Length.Should().BeLessThan(20_000_000);
        new Repacker(20_000_000, 64 << 20).TryDescribe(packed, content).Should().NotBeNull();
    }

    [Fact]
    public void An_encoder_with_too_much_memory_is_not_started()
    {
        Shell.Run("echo x | xz -9 >f", _directory.Path);
        using var packed = File.OpenRead(_directory["f"]);
        new Repacker(1000, 60 << 20).TryDescribe(packed, new MemoryStream()).Should().BeNull();
        new Repacker(1000, 700 << 20).TryDescribe(packed, new MemoryStream()).Should().NotBeNull();
    }

    [Theory]
    [InlineData("gzip -6n")]
    [InlineData("xz -T1 --x86 --lzma2=preset=0")]
    public void Mutated_files_never_break_it(string program)
    {
        File.WriteAllBytes(_directory["plain"], Sample(300));
        Shell.Run($"{program} <plain >f", _directory.Path);
        var packed = File.ReadAllBytes(_directory["f"]);
        var repacker = new Repacker(100_000, 32 << 20);
        for (var i = 0; i < packed.Length; i++)
        {
            var mutated = (byte[])packed.Clone();
            mutated[i] ^= (byte)(1 << (i % 8));
            repacker.TryDescribe(new MemoryStream(mutated), new MemoryStream()).Should().BeNull($"byte {i} is another one");
            repacker.TryDescribe(new MemoryStream(packed[..i]), new MemoryStream()).Should().BeNull();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0100")]
    [InlineData("010a")]
    [InlineData("010900")]
    [InlineData("0206100100ff")]
    [InlineData("0306100100")]
    public void Other_descriptors_are_refused(string descriptor) =>
        Repacking.TryDecode(Convert.FromHexString(descriptor), out _).Should().BeFalse();

    [Fact]
    public void A_program_that_fails_or_is_left_early_leaves_nothing_running()
    {
        var failing = () => ReadAll(new ProgramStream(Stream.Null, "/bin/false"));
        failing.Should().Throw<IOException>().WithMessage("/bin/false ended with 1");
        var absent = () => new ProgramStream(Stream.Null, "/no/such/program");
        absent.Should().Throw<IOException>();
        using var endless = new ProgramStream(new EndlessStream(), "/usr/bin/gzip", "-1nc");
        endless.ReadByte().Should().Be(0x1f);
        endless.Dispose();
        Shell.Try($"pgrep -P {Environment.ProcessId} -x gzip").Output.Should().BeEmpty();
    }

    [Theory]
    [InlineData("sleep 1000")]
    [InlineData("exec sleep 1000")]
    [InlineData("printf begun; cat >/dev/null; sleep 1000")]
    [InlineData("exec >&-; sleep 1000")]
    public async Task A_program_that_hangs_is_ended_with_all_it_started(string script)
    {
        File.WriteAllText(_directory["gzip"], $"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n");
        Shell.Run("chmod +x gzip", _directory.Path);
        using var hanging = new ProgramStream(new MemoryStream(Sample(400_000)), _directory["gzip"]) { Patience = TimeSpan.FromSeconds(1) };
        var reading = () => Task.Run(() => hanging.CopyTo(Stream.Null)).WaitAsync(TimeSpan.FromSeconds(60));
        await reading.Should().ThrowAsync<IOException>().WithMessage("*gzip did nothing for 1 s");
    }

    [Fact]
    public void What_reading_the_source_throws_reaches_who_reads_the_program()
    {
        var failing = () => ReadAll(new ProgramStream(new FailingStream(), "/bin/cat"));
        failing.Should().Throw<NotImplementedException>();
    }

    private static (Repacking? Repacking, byte[] Content) Describe(string path)
    {
        using var packed = File.OpenRead(path);
        using var content = new MemoryStream();
        return (new Repacker(1 << 20, 1L << 30).TryDescribe(packed, content), content.ToArray());
    }

    private static byte[] ReadAll(Stream stream)
    {
        using (stream)
        {
            var content = new MemoryStream();
            stream.CopyTo(content);
            return content.ToArray();
        }
    }

    private static byte[] Sample(int size)
    {
        var content = new byte[size];
        var random = new Random(size);
        for (var i = 0; i < size; i++)
            content[i] = (byte)(random.Next(10) == 0 ? random.Next(256) : i / 100);
        return content;
    }

    private sealed class FailingStream : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => throw new NotImplementedException();
    }

    private sealed class EndlessStream : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            Random.Shared.NextBytes(buffer);
            return buffer.Length;
        }
    }
}
