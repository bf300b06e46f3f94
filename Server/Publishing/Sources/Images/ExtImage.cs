using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>
/// An ext2, ext3 or ext4 filesystem in a file, read without the kernel. Any number in it may lie: each is checked where it is used, and no more
/// blocks are read than the filesystem has.
/// </summary>
internal sealed class ExtImage : IDisposable
{
    private const int RootNumber = 2;

    // A file's blocks are one file's; the rules of a source are read a second time.
    private const int Readings = 2;

    // What holes may come to: as much as any packed archive of this size may unpack to.
    private const int Packing = 1000;

    private readonly SafeFileHandle _file;
    private readonly ExtSuperblock _superblock;
    private long _blocksLeft;
    private long _contentLeft;

    /// <exception cref="FormatException">It is none that can be read; the message says why.</exception>
    public ExtImage(string path)
    {
        _file = File.OpenHandle(path);
        try
        {
            var bytes = new byte[1024];
            Read(bytes, ExtSuperblock.At);
            _superblock = ExtSuperblock.Decode(bytes);
            if (RandomAccess.GetLength(_file) / _superblock.BlockSize < _superblock.Blocks)
                throw new FormatException("is shorter than its filesystem");
            // Many inodes may share a block of attributes.
            _blocksLeft = Readings * (_superblock.Blocks + _superblock.Inodes);
            _contentLeft = Packing * _superblock.Blocks * BlockSize;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public int BlockSize => _superblock.BlockSize;

    public ExtInode Root => ReadInode(RootNumber);

    public void Dispose() => _file.Dispose();

    /// <exception cref="FormatException">There is no such inode.</exception>
    public ExtInode ReadInode(uint number)
    {
        if (number == 0 || number > _superblock.Inodes)
            throw new FormatException($"has the inode {number}, which is none");
        var (group, index) = Math.DivRem(number - 1, _superblock.InodesPerGroup);
        Span<byte> entry = stackalloc byte[64];
        entry = entry[..Math.Min(entry.Length, _superblock.GroupSize)];
        Read(entry, _superblock.Groups + (long)group * _superblock.GroupSize);
        var table = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) | (entry.Length == 64 ? (long)BinaryPrimitives.ReadUInt32LittleEndian(entry[40..]) << 32 : 0);
        var at = CheckedBlock(table, 1) * BlockSize + (long)index * _superblock.InodeSize;
        var bytes = new byte[_superblock.InodeSize];
        Read(bytes, at);
        return new ExtInode(number, bytes);
    }

    /// <exception cref="FormatException">There is no such block.</exception>
    public byte[] ReadBlock(long block)
    {
        Spend(1);
        var bytes = new byte[BlockSize];
        Read(bytes, CheckedBlock(block, 1) * BlockSize);
        return bytes;
    }

    /// <summary>Reads from a run of a file's blocks.</summary>
    /// <exception cref="FormatException">There are no such blocks.</exception>
    public void Read(Span<byte> buffer, in ExtRun run, long offset) => Read(buffer, CheckedBlock(run.Physical, run.Count) * BlockSize + offset);

    /// <summary>Counts blocks that are about to be read.</summary>
    /// <exception cref="FormatException">They are more than there are: some are named again and again.</exception>
    public void Spend(long blocks)
    {
        if ((_blocksLeft -= blocks) < 0)
            throw new FormatException("names more blocks than it has");
    }

    /// <summary>Counts bytes of contents, with their holes.</summary>
    /// <exception cref="FormatException">They are out of all proportion.</exception>
    public void SpendContent(long bytes)
    {
        if ((_contentLeft -= bytes) < 0)
            throw new FormatException("with it the files have more than a thousand times as many bytes as their filesystem: it has holes that nobody can mean");
    }

    private long CheckedBlock(long block, long count) =>
        block > 0 && block <= _superblock.Blocks - count ? block : throw new FormatException($"has the block {block}, which is none");

    private void Read(Span<byte> buffer, long at)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = RandomAccess.Read(_file, buffer[done..], at + done);
            done += count > 0 ? count : throw new FormatException("ends too early");
        }
    }
}
