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

/// <summary>The kernels on the boot partition: <c>ctree/NAME/</c>, each whole or not there.</summary>
internal sealed class AssetsDirectory(LocalStore store, string bootDirectory)
{
    /// <summary>Below the boot directory.</summary>
    public const string Place = "ctree";

    private const int BufferSize = 1 << 18;
    // Entries, directories and the loader's own few files.
    private const long Spare = 64 * 1024;

    private readonly BootFiles _files = new(bootDirectory);

    /// <summary>Names of those that are here, whole or not.</summary>
    public IEnumerable<string> Names() => _files.List(Place).Where(BootAssets.IsName);

    /// <summary>Every file is here with the tree's bytes: a damaged kernel must not be taken for a good one.</summary>
    public bool IsWhole(BootAssets assets) =>
        _files.List($"{Place}/{assets.Name}").Count == assets.Files.Count &&
        assets.Files.All(f => HashOf(_files.PathOf($"{Place}/{assets.Name}/{f.Name}"), f.File.Size) == f.File.Id);

    /// <summary>Bytes that one takes on the partition; 0 when it is there.</summary>
    public long Needs(BootAssets assets) =>
        IsWhole(assets) ? 0 : assets.Files.Aggregate(SpaceNeeds.None, (sum, f) => sum.PlusFile(f.File.Size)).Bytes + Spare;

    /// <summary>Bytes that one takes that is there, whole or not.</summary>
    public long SizeOf(string name) => _files.List($"{Place}/{name}").Sum(file => new FileInfo(_files.PathOf($"{Place}/{name}/{file}")).Length);

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

    /// <summary>Copies what is missing; durable when it returns.</summary>
    public void Bring(BootAssets assets)
    {
        if (IsWhole(assets))
            return;
        var place = _files.MakeDirectory(Place);
        var (name, temporary) = (Encoding.ASCII.GetBytes(assets.Name), Encoding.ASCII.GetBytes($".new-{assets.Name}"));
        using var parent = Posix.OpenDirectory(place);
        TreeCheckout.Remove(parent, temporary);
        Posix.MakeDirectoryAt(parent, temporary, 0x1ed);
        using (var directory = Posix.OpenDirectoryAt(parent, temporary))
        {
            foreach (var (file, entry) in assets.Files)
                Copy(entry, directory, file);
            Posix.Fsync(directory, place);
        }
        TreeCheckout.Remove(parent, name);
        Posix.RenameAt(parent, temporary, parent, name);
        Posix.SyncFilesystem(parent, place);
    }

    public void Remove(string name) => _files.Remove($"{Place}/{name}");

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

    private void Copy(TreeEntry.File entry, SafeFileHandle directory, string name)
    {
        using var source = store.OpenFile(new StoredFile(entry.Id, entry.Metadata.Digest()));
        using var target = Posix.CreateAt(directory, Encoding.ASCII.GetBytes(name), 0x1a4);
        if (Pass(source, bytes => Posix.Write(target, bytes, name)) != entry.Id)
            throw new CorruptObjectException($"{entry.Id}", "its content has another hash");
        Posix.Fsync(target, name);
    }

    private static ObjectId? HashOf(string path, long size)
    {
        if (!File.Exists(path))
            return null;
        using var file = Posix.OpenForReading(path);
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
