using ContentTree.BootSelector;
using ContentTree.Tests.EndToEnd;

namespace ContentTree.Tests.Boot;

/// <summary>Disks as the ordinary programs make them, found by what they were told.</summary>
public sealed class SuperblockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_ext4_disk_tells_its_uuid_and_label()
    {
        Make("mkfs.ext4", "-q", "-F", "-U", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "-L", "ctree-root");
        Superblock.Read(_directory["disk"]).Should().Be(new Superblock("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "ctree-root"));
    }

    [Theory]
    [InlineData(54, 39, 43, "FAT16   ")]
    [InlineData(82, 67, 71, "FAT32   ")]
    public void A_fat_disk_tells_its_serial_and_label(int kind, int serial, int label, string name)
    {
        var disk = new byte[Superblock.Size];
        new byte[] { 0x55, 0xAA }.CopyTo(disk, 510);
        System.Text.Encoding.ASCII.GetBytes(name).CopyTo(disk, kind);
        new byte[] { 0xEF, 0xBE, 0xAD, 0xDE }.CopyTo(disk, serial);
        "BOOT       "u8.CopyTo(disk.AsSpan(label));
        Superblock.Parse(disk).Should().Be(new Superblock("DEAD-BEEF", "BOOT"));
    }

    [Fact]
    public void A_disk_that_is_blank_small_or_not_there_is_nobody()
    {
        Superblock.Parse(new byte[Superblock.Size]).Should().BeNull();
        Superblock.Parse(new byte[100]).Should().BeNull();
        Superblock.Read(_directory["nowhere"]).Should().BeNull();
    }

    private void Make(string program, params string[] words)
    {
        using (var disk = File.Create(_directory["disk"]))
            disk.SetLength(8 << 20);
        Programs.Run(_directory.Path, program, [.. words, _directory["disk"]]);
    }
}
