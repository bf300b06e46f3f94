using System.Diagnostics;
using ContentTree.Server.Publishing.Initramfs;
using ContentTree.Server.Storage;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>publish says when the initramfs of a tree was made with another selector than the tree has.</summary>
public sealed class SelectorCheckTests : IDisposable
{
    private const string Forgotten = "holds another ctree-select than usr/lib/ctree/ctree-select";

    private readonly TemporaryDirectory _temporary = new();

    public SelectorCheckTests()
    {
        foreach (var directory in new[] { "boot", "usr/lib/ctree" })
            Directory.CreateDirectory(Path.Combine(Source, directory));
        using var data = DataDirectory.Create(_temporary["data"], TimeProvider.System);
    }

    private string Source => _temporary["source"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("gzip -c")]
    [InlineData("zstd -qc")]
    [InlineData("xz -c --check=crc32")]
    [InlineData("lz4 -lqc")]
    public async Task An_initramfs_with_another_selector_is_told_however_it_is_packed(string packer)
    {
        Write("usr/lib/ctree/ctree-select", "new"u8.ToArray());
        Write("boot/initrd.img-6.1", [.. Microcode(), .. Packed(packer, Archive("old"u8.ToArray()))]);
        (await PublishAsync()).Should().Contain($"warning: boot/initrd.img-6.1 {Forgotten}");

        Write("boot/initrd.img-6.1", [.. Microcode(), .. Packed(packer, Archive("new"u8.ToArray()))]);
        (await PublishAsync()).Should().NotContain("warning");
    }

    [Fact]
    public async Task A_stripped_copy_of_the_same_build_is_no_other()
    {
        var program = File.ReadAllBytes("/bin/true");
        Write("usr/lib/ctree/ctree-select", program);
        Write("boot/initrd.img", Archive([.. program, 1, 2, 3]));
        (await PublishAsync()).Should().NotContain("warning");

        Write("boot/initrd.img", Archive(File.ReadAllBytes("/bin/false")));
        (await PublishAsync()).Should().Contain(Forgotten);
    }

    [Fact]
    public async Task A_selector_that_is_init_itself_is_looked_at_too()
    {
        var program = File.ReadAllBytes(BuiltProgram.Find("ctree-select", "BootSelector"));
        Write("usr/lib/ctree/ctree-select", program);
        Write("boot/initrd.img", ArchiveOfInit(program));
        (await PublishAsync()).Should().NotContain("warning");

        var other = (byte[])program.Clone();
        // Another build has another build id: 20 bytes after the head of its note.
        ReadOnlySpan<byte> head = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, .. "GNU\0"u8];
        other[other.AsSpan().IndexOf(head) + head.Length] ^= 1;
        Write("boot/initrd.img", ArchiveOfInit(other));
        (await PublishAsync()).Should().Contain(Forgotten);
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_and_published_all_the_same()
    {
        Write("usr/lib/ctree/ctree-select", "new"u8.ToArray());
        Write("boot/initrd.img", "no initramfs"u8.ToArray());
        var said = await PublishAsync();
        said.Should().Contain("warning: boot/initrd.img was not looked into for its ctree-select: neither a cpio archive");
    }

    [Fact]
    public async Task A_tree_without_a_selector_is_not_looked_into()
    {
        Write("boot/initrd.img", "no initramfs"u8.ToArray());
        (await PublishAsync()).Should().NotContain("warning");
    }

    [Fact]
    public void Every_cut_and_thousands_of_mutations_are_read_or_refused()
    {
        byte[] whole = [.. Microcode(), .. Archive(File.ReadAllBytes("/bin/true")[..4096])];
        for (var length = 0; length < whole.Length; length += 7)
            Read(whole[..length]);
        var random = new Random(20261121);
        for (var i = 0; i < 3000; i++)
        {
            var mutated = (byte[])whole.Clone();
            for (var j = random.Next(1, 6); j > 0; j--)
                mutated[random.Next(mutated.Length)] = random.Next(3) == 0 ? (byte)'F' : (byte)random.Next(256);
            Read(mutated);
        }
    }

    private static void Read(byte[] initramfs)
    {
        try
        {
            if (new InitramfsReader(new BufferedStream(new MemoryStream(initramfs))).Find(["sbin/ctree-select"]) is { } program)
                BuildIdentity.Of(program).Should().NotBeEmpty();
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    }

    private async Task<string> PublishAsync()
    {
        var published = await ServerCommand.DoAsync("--data", _temporary["data"], "publish", "--branch", "main", Source);
        return published.Error;
    }

    private void Write(string path, byte[] content) => File.WriteAllBytes(Path.Combine(Source, path), content);

    /// <summary>What comes before an initramfs: an archive of its own, never compressed, padded to a block.</summary>
    private static byte[] Microcode()
    {
        using var bytes = new MemoryStream();
        var archive = new CpioArchive(bytes);
        archive.File("kernel/x86/microcode/GenuineIntel.bin", new byte[1000]);
        archive.End();
        bytes.SetLength((bytes.Length + 511) / 512 * 512);
        return bytes.ToArray();
    }

    private static byte[] Archive(byte[] selector)
    {
        using var bytes = new MemoryStream();
        var archive = new CpioArchive(bytes);
        archive.Directory("sbin");
        archive.File("init", "#!/bin/sh\n"u8.ToArray(), executable: true);
        archive.File("sbin/ctree-select", selector, executable: true);
        archive.End();
        return bytes.ToArray();
    }

    private static byte[] ArchiveOfInit(byte[] init)
    {
        using var bytes = new MemoryStream();
        var archive = new CpioArchive(bytes);
        archive.File("init", init, executable: true);
        archive.End();
        return bytes.ToArray();
    }

    private static byte[] Packed(string packer, byte[] content)
    {
        if (packer.Length == 0)
            return content;
        var words = packer.Split(' ');
        using var process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        process.StandardInput.BaseStream.Write(content);
        process.StandardInput.Close();
        using var packed = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(packed);
        process.WaitForExit();
        return packed.ToArray();
    }
}
