using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// The kernels on the boot partition: <c>ctree/NAME-vmlinuz</c> and what else belongs to it. No directory of its own for each: one that a power cut
/// left half made on FAT makes the whole partition read-only.
/// </summary>
internal sealed class AssetsDirectory(LocalStore store, string bootDirectory)
{
    /// <summary>Below the boot directory.</summary>
    public const string Place = "ctree";

    private const int BufferSize = 1 << 18;
    // Entries, directories and the loader's own few files.
    private const long Spare = 64 * 1024;

    private readonly BootFiles _files = new(bootDirectory);

    /// <summary>The file of a kernel below the boot directory.</summary>
    public static string PathOf(string assets, string file) => $"{Place}/{assets}-{file}";

    /// <summary>Names of those that are here, whole or not.</summary>
    public IEnumerable<string> Names() => _files.List(Place).Select(file => file.Split('-')[0]).Where(BootAssets.IsName).Distinct();

    /// <summary>Every file is here with the tree's bytes: a damaged kernel must not be taken for a good one.</summary>
    public bool IsWhole(BootAssets assets) => assets.Files.All(f => IsWhole(assets, f));

    /// <summary>Bytes that one takes on the partition; 0 when it is there.</summary>
    public long Needs(BootAssets assets) =>
        IsWhole(assets) ? 0 : assets.Files.Aggregate(SpaceNeeds.None, (sum, f) => sum.PlusFile(f.File.Size)).Bytes + Spare;

    /// <summary>Bytes that one takes that is there, whole or not.</summary>
    public long SizeOf(string name) => FilesOf(name).Select(_files.PathOf)
        .SelectMany(path => Directory.Exists(path) ? Directory.GetFiles(path) : [path]).Sum(path => new FileInfo(path).Length);

    /// <summary>Bytes that are missing on the partition; 0 or less when they fit.</summary>
    public long Shortage(BootAssets assets) => Needs(assets) is > 0 and var needs ? needs - Free() : 0;

    /// <exception cref="StoppedException">They do not fit.</exception>
    public void RequireRoom(BootAssets assets)
    {
        if (Shortage(assets) is > 0 and var missing)
        {
            throw new StoppedException(ExitCode.NoSpace,
                $"the kernel of this commit does not fit into {bootDirectory}: {Sizes.Text(missing)} more are needed, {Sizes.Text(Free())} are free; " +
                "what runs and what it falls back to keep their kernels");
        }
    }

    /// <summary>Copies what is missing; durable when it returns, and read from the disk once more.</summary>
    public void Bring(BootAssets assets)
    {
        if (IsWhole(assets))
            return;
        var place = _files.MakeDirectory(Place);
        using (var directory = Posix.OpenDirectory(place))
        {
            foreach (var f in assets.Files.Where(f => !IsWhole(assets, f)))
            {
                // Nothing starts it yet, or it does not start: what is not as it should be makes room first.
                var name = Encoding.ASCII.GetBytes(Path.GetFileName(PathOf(assets.Name, f.Name)));
                FatFiles.Remove(directory, name);
                FatFiles.Create(directory, name, f.File.Size, target => Copy(f.File, target, f.Name));
            }
            Posix.SyncFilesystem(directory, place);
            Posix.Fsync(directory, place);
        }
        if (!IsWhole(assets))
            throw new IOException($"{place}: kernel {assets.Name} does not read back as written");
    }

    public void Remove(string name)
    {
        foreach (var file in FilesOf(name).ToArray())
            _files.Remove(file);
    }

    /// <summary>Removes what broken-off copies left.</summary>
    public void RemoveLeftovers()
    {
        foreach (var name in _files.List(Place).Where(name => name.StartsWith(".new-", StringComparison.Ordinal)))
            _files.Remove($"{Place}/{name}");
    }

    /// <summary>Bytes that are free on the partition.</summary>
    public long Free()
    {
        using var directory = Posix.OpenDirectory(bootDirectory);
        return Posix.FreeSpace(directory, bootDirectory).FreeBytes;
    }

    // Agents before this one kept a directory for each.
    private IEnumerable<string> FilesOf(string name) =>
        _files.List(Place).Where(file => file == name || file.StartsWith($"{name}-", StringComparison.Ordinal)).Select(file => $"{Place}/{file}");

    private bool IsWhole(BootAssets assets, (string Name, TreeEntry.File File) f) =>
        HashOf(_files.PathOf(PathOf(assets.Name, f.Name)), f.File.Size) == f.File.Id;

    private void Copy(TreeEntry.File entry, SafeFileHandle target, string name)
    {
        using var source = store.OpenFile(new StoredFile(entry.Id, entry.Metadata.Digest()));
        if (Pass(source, bytes => Posix.Write(target, bytes, name)) != entry.Id)
            throw new CorruptObjectException($"{entry.Id}", "its content has another hash");
    }

    private static ObjectId? HashOf(string path, long size)
    {
        if (!File.Exists(path))
            return null;
        using var file = Posix.OpenForReading(path);
        // What was not flushed stays in memory, and is read from there.
        Posix.DropCached(file);
        return Posix.Stat(file, path).Size == size ? Pass(file, _ => { }) : null;
    }

    private static ObjectId Pass(SafeFileHandle file, Action<ReadOnlySpan<byte>> take)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (int count; (count = Posix.Read(file, buffer, "kernel")) > 0;)
            {
                hash.AppendData(buffer, 0, count);
                take(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return new ObjectId(hash.GetHashAndReset());
    }
}
