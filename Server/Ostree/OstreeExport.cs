using System.Collections.Concurrent;
using System.IO.Compression;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text.Unicode;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Ostree;

/// <summary>
/// Writes trees of ours as OSTree's objects. What the target has of an earlier export is not coded again: of unchanged directories only the
/// names are looked at, of changed ones only the files that are new.
/// </summary>
internal sealed class OstreeExport(Repository repository, OstreeTarget target, OstreeMap map, CancellationToken cancellation) : IDisposable
{
    private static readonly byte[] EmptyDeflate = [3, 0];

    private readonly ConcurrentBag<StoredContent> _idle = [];
    private readonly Dictionary<ObjectId, (ObjectId Tree, ObjectId Metadata)> _done = [];
    private HashSet<ObjectId> _whole = [];

    public void Dispose()
    {
        foreach (var content in _idle)
            content.Dispose();
    }

    /// <summary>Writes a tree with everything below it.</summary>
    /// <exception cref="UnsupportedSourceException">OSTree cannot hold something there; the message names it, and nothing was written.</exception>
    public (ObjectId Tree, ObjectId Metadata) Write(ObjectId tree)
    {
        Check(tree, EntryPath.Root, []);
        return Write(tree, EntryPath.Root);
    }

    private void Check(ObjectId id, EntryPath path, HashSet<ObjectId> seen)
    {
        if (!seen.Add(id) || map.Find(OstreeFact.ExportedTree, id) is not null)
            return;
        foreach (var entry in repository.ReadTree(id).Entries)
        {
            var at = path.Append(entry.Name);
            if (!Utf8.IsValid(entry.Name.Bytes))
                throw new UnsupportedSourceException(at.ToString(), "has a name that is not UTF-8, which OSTree cannot hold");
            if (entry is TreeEntry.Symlink link && !Utf8.IsValid(link.Target))
                throw new UnsupportedSourceException(at.ToString(), "is a symbolic link whose target is not UTF-8, which OSTree cannot hold");
            if (entry is TreeEntry.Device or TreeEntry.Fifo)
                throw new UnsupportedSourceException(at.ToString(), $"is a {(entry is TreeEntry.Fifo ? "pipe" : "device node")}, which OSTree cannot hold");
            if (entry is TreeEntry.Directory directory)
                Check(directory.Id, at, seen);
        }
    }

    private (ObjectId Tree, ObjectId Metadata) Write(ObjectId id, EntryPath path)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_done.TryGetValue(id, out var done))
            return done;
        done = Known(id) ?? Make(repository.ReadTree(id), path);
        _done.Add(id, done);
        map.Remember(OstreeFact.ExportedTree, Pair(done), id);
        return done;
    }

    // Somebody else may have taken objects away, so what the map says is looked up.
    private (ObjectId Tree, ObjectId Metadata)? Known(ObjectId id)
    {
        if (map.Find(OstreeFact.ExportedTree, id) is not { Length: 2 * ObjectId.Size } bytes)
            return null;
        var known = (Tree: new ObjectId(bytes.AsSpan(..ObjectId.Size)), Metadata: new ObjectId(bytes.AsSpan(ObjectId.Size..)));
        if (target.Contains(known.Metadata, "dirmeta") && IsWhole(known.Tree))
            return known;
        // What was reached on this walk is no proof any more.
        _whole = [];
        return null;
    }

    private bool IsWhole(ObjectId tree)
    {
        if (_whole.Contains(tree))
            return true;
        if (!target.Contains(tree, "dirtree"))
            return false;
        var directory = target.Repository.ReadDirectory(tree);
        var isWhole = directory.Files.All(f => target.Contains(f.Checksum, "filez")) &&
            directory.Directories.All(d => target.Contains(d.Metadata, "dirmeta") && IsWhole(d.Tree));
        if (isWhole)
            _whole.Add(tree);
        return isWhole;
    }

    private (ObjectId Tree, ObjectId Metadata) Make(Tree tree, EntryPath path)
    {
        var files = tree.Entries.Where(e => e is not TreeEntry.Directory).ToArray();
        var checksums = new ObjectId[files.Length];
        try
        {
            Parallel.For(0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation },
                i => checksums[i] = files[i] is TreeEntry.File file ? WriteFile(file) : WriteSymlink((TreeEntry.Symlink)files[i]));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
        var directories = tree.Entries.OfType<TreeEntry.Directory>().Select(d => (d.Name, Made: Write(d.Id, path.Append(d.Name))));
        var directory = new OstreeDirectory([.. files.Select((f, i) => (f.Name, checksums[i]))], [.. directories.Select(d => (d.Name, d.Made.Tree, d.Made.Metadata))]);
        return (Put("dirtree", directory.Encode()), Put("dirmeta", OstreeHeader.OfDirectory(tree.Metadata).EncodeMetadata()));
    }

    /// <summary>Writes an object that is named by the hash of its bytes.</summary>
    public ObjectId Put(string suffix, byte[] bytes)
    {
        var checksum = ObjectId.Of(bytes);
        target.Put(checksum, suffix, bytes);
        return checksum;
    }

    private ObjectId WriteSymlink(TreeEntry.Symlink link)
    {
        var header = OstreeHeader.OfSymlink(link);
        var checksum = ObjectId.Of(OstreeHeader.Framed(header.Encode()));
        target.Put(checksum, "filez", OstreeHeader.Framed(header.EncodeArchived(0)));
        return checksum;
    }

    private ObjectId WriteFile(TreeEntry.File file)
    {
        var metadata = ObjectId.Of(file.Metadata.Encode());
        if (map.Find(OstreeFact.ExportedFile, file.Id, metadata) is { Length: ObjectId.Size } bytes && new ObjectId(bytes) is var known && target.Contains(known, "filez"))
            return known;
        cancellation.ThrowIfCancellationRequested();
        var (staged, name) = target.Create();
        using (staged)
        {
            var checksum = Code(file, staged);
            if (target.Contains(checksum, "filez"))
                target.Drop(name);
            else
                target.Keep(name, Posix.Stat(staged, file.Name.ToString()).Size, checksum, "filez");
            var value = new byte[ObjectId.Size];
            checksum.CopyTo(value);
            map.Remember(OstreeFact.ExportedFile, value, file.Id, metadata);
            return checksum;
        }
    }

    private ObjectId Code(TreeEntry.File file, SafeFileHandle target)
    {
        var header = OstreeHeader.OfFile(file.Metadata);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(OstreeHeader.Framed(header.Encode()));
        Posix.Write(target, OstreeHeader.Framed(header.EncodeArchived(file.Size)), file.Name.ToString());
        // Of nothing the stream writes nothing, which is no end.
        if (file.Size == 0)
            Posix.Write(target, EmptyDeflate, file.Name.ToString());
        else
            Pack(file, target, hash);
        return new ObjectId(hash.GetHashAndReset());
    }

    private void Pack(TreeEntry.File file, SafeFileHandle target, IncrementalHash hash)
    {
        using var output = new FileStream(new SafeFileHandle(target.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, bufferSize: 0);
        using var packed = new DeflateStream(output, CompressionLevel.Optimal);
        var content = _idle.TryTake(out var idle) ? idle : new StoredContent(repository);
        content.Read(new ObjectName(ObjectKind.File, file.Id), file.Size, bytes =>
        {
            hash.AppendData(bytes);
            packed.Write(bytes);
        });
        _idle.Add(content);
    }

    private static byte[] Pair((ObjectId Tree, ObjectId Metadata) made)
    {
        var bytes = new byte[2 * ObjectId.Size];
        made.Tree.CopyTo(bytes);
        made.Metadata.CopyTo(bytes.AsSpan(ObjectId.Size));
        return bytes;
    }
}
