using System.Collections.Concurrent;
using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Local;

/// <summary>Hashes everything in a device's store. Deployments link the same inodes, so this checks their contents too.</summary>
public static class LocalStoreCheck
{
    internal static ReadOnlySpan<byte> QuarantineName => "quarantine"u8;

    /// <returns>Objects and bytes read; the damage; and which files and trees or commits have it.</returns>
    public static (long Objects, long Bytes, IReadOnlyList<Damage> Damage) Run(LocalStore store, CancellationToken cancellation = default)
    {
        var damage = new ConcurrentBag<Damage>();
        long objects = 0, bytes = 0;
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, 256, options, index => CheckFanout(store, (byte)index, damage, size =>
        {
            Interlocked.Increment(ref objects);
            Interlocked.Add(ref bytes, size);
        }, cancellation));
        return (objects, bytes, damage.OrderBy(d => d.What, StringComparer.Ordinal).ToArray());
    }

    /// <summary>Hashes what is in one of the 256 directories of objects, one after the other; files that are right and not sealed yet are sealed.</summary>
    public static IReadOnlyList<Damage> RunSlice(LocalStore store, byte index, CancellationToken cancellation)
    {
        var damage = new ConcurrentBag<Damage>();
        CheckFanout(store, index, damage, _ => { }, cancellation, seals: true);
        return [.. damage.OrderBy(d => d.What, StringComparer.Ordinal)];
    }

    /// <summary>
    /// Takes a damaged file out of the store without losing it, so that nothing links it again before it was fetched anew. Collecting garbage
    /// removes it. Trees and commits stay: whoever reads one hashes it.
    /// </summary>
    public static void Quarantine(LocalStore store, string name)
    {
        if (!StoredFile.TryParse(Encoding.UTF8.GetBytes(name), out var file))
            return;
        DurableFiles.EnsureDirectory(store.Root, QuarantineName, 0x1c0);
        using var quarantine = Posix.OpenDirectoryAt(store.Root, QuarantineName);
        Posix.RenameAt(store.Fanout(file.Content), file.FanoutName, quarantine, file.FlatName);
        store.ForgetListing();
    }

    private static void CheckFanout(LocalStore store, byte index, ConcurrentBag<Damage> damage, Action<long> onObject, CancellationToken cancellation, bool seals = false)
    {
        var prefix = Encoding.ASCII.GetBytes(index.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
        foreach (var (name, _) in Posix.ReadDirectory(store.Fanout(index), store.Path))
        {
            // What a kill left is no object and does no harm; collecting garbage removes it.
            if (DurableFiles.IsTemporary(name))
                continue;
            cancellation.ThrowIfCancellationRequested();
            onObject(CheckOne(store, index, [.. prefix, .. name], damage, seals));
        }
    }

    /// <summary>Whether one stored file still has the content its name promises.</summary>
    public static bool IsIntact(LocalStore store, StoredFile file)
    {
        try
        {
            using var handle = store.OpenFile(file);
            return ContentHash.Of(handle, file.ToString()) == file.Content;
        }
        catch (ObjectNotFoundException)
        {
            return false;
        }
        // A block of the disk that cannot be read, or a sealed file that has changed.
        catch (PosixException e) when (e.Errno == Posix.EIO)
        {
            return false;
        }
    }

    /// <summary>Removes a damaged file from the store, so that it is fetched again. Deployments keep the old inode until relinked.</summary>
    public static void Discard(LocalStore store, StoredFile file)
    {
        Posix.UnlinkAt(store.Fanout(file.Content), file.FanoutName);
        store.ForgetListing();
    }

    /// <summary>Removes a damaged tree or commit from the store, so that it is fetched again.</summary>
    public static void Discard(LocalStore store, ObjectName name) => Posix.UnlinkAt(store.Fanout(name.Id), LocalStore.FanoutName(name));

    private static long CheckOne(LocalStore store, byte index, byte[] flat, ConcurrentBag<Damage> damage, bool seals)
    {
        var text = Posix.Display(flat);
        ObjectId expected;
        ObjectName raw = default;
        if (StoredFile.TryParse(flat, out var file))
            (expected, raw) = (file.Content, new ObjectName(ObjectKind.File, file.Content));
        else if (ObjectName.TryParse(text, out raw) && raw.Kind != ObjectKind.File)
            expected = raw.Id;
        else
        {
            damage.Add(new Damage(text, "is no object's name"));
            return 0;
        }
        try
        {
            using var handle = Posix.OpenForReadingAt(store.Fanout(index), flat.AsSpan(2));
            var stat = Posix.Stat(handle, text);
            if (stat.Type != FileType.Regular)
                damage.Add(new Damage(text, "is not a regular file"));
            else if (ContentHash.Of(handle, text) != expected)
                damage.Add(new Damage(text, "its content has another hash"));
            else
                Decode(store, raw);
            if (seals && raw.Kind == ObjectKind.File && !stat.IsSealed && damage.All(d => d.What != text))
                store.TrySeal(handle);
            return stat.Size;
        }
        catch (CorruptObjectException e)
        {
            damage.Add(new Damage(text, e.Message));
            return 0;
        }
        catch (PosixException e)
        {
            damage.Add(new Damage(text, e.Message));
            return 0;
        }
    }

    // Its hash may be right and what it says a lie all the same: names that lead out, attributes that nobody may set.
    private static void Decode(LocalStore store, ObjectName raw)
    {
        if (raw.Kind == ObjectKind.Tree)
            store.ReadTree(raw.Id);
        else if (raw.Kind == ObjectKind.Commit)
            store.ReadCommit(raw.Id);
    }
}
