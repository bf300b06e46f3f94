using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>What a device that has one tree complete needs to store and deploy another.</summary>
internal sealed class DeviceDisk
{
    private const long Block = 4096;

    private readonly Func<ObjectId, Tree> _read;
    private readonly HashSet<(ObjectId, Metadata)> _files = [];
    private readonly Dictionary<ObjectId, (long Bytes, long Inodes)> _deployed = [];
    private readonly HashSet<ObjectId> _trees = [];

    private DeviceDisk(Func<ObjectId, Tree> read) => _read = read;

    /// <summary>Bytes in whole blocks, and inodes: those of new objects and of the deployment's directories and links.</summary>
    public static (long Bytes, long Inodes) Of(Func<ObjectId, Tree> read, ObjectId? old, ObjectId tree)
    {
        var disk = new DeviceDisk(read);
        if (old is { } present)
            disk.Store(present);
        // The commit is an object too.
        var stored = disk.Store(tree);
        var deployed = disk.Deploy(tree);
        return (stored.Bytes + deployed.Bytes + Block, stored.Inodes + deployed.Inodes + 1);
    }

    // What is stored already counts nothing the second time.
    private (long Bytes, long Inodes) Store(ObjectId root)
    {
        var (bytes, inodes) = (0L, 0L);
        var open = new Stack<ObjectId>([root]);
        while (open.TryPop(out var id))
        {
            if (!_trees.Add(id))
                continue;
            (bytes, inodes) = (bytes + Block, inodes + 1);
            foreach (var entry in _read(id).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push(directory.Id);
                else if (entry is TreeEntry.File { Size: > 0 } file && _files.Add((file.Id, file.Metadata)))
                    (bytes, inodes) = (bytes + ((file.Size + Block - 1) / Block * Block), inodes + 1);
            }
        }
        return (bytes, inodes);
    }

    // Files are links to objects; only empty ones, and all that is no file, are made anew.
    private (long Bytes, long Inodes) Deploy(ObjectId id)
    {
        if (_deployed.TryGetValue(id, out var known))
            return known;
        var (bytes, inodes) = (Block, 1L);
        foreach (var entry in _read(id).Entries)
        {
            if (entry is TreeEntry.Directory directory)
            {
                var below = Deploy(directory.Id);
                (bytes, inodes) = (bytes + below.Bytes, inodes + below.Inodes);
            }
            else if (entry is not TreeEntry.File { Size: > 0 })
            {
                inodes++;
            }
        }
        return _deployed[id] = (bytes, inodes);
    }
}
