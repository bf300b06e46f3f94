using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Removes objects while publishers look at them. An object leaves its place for <c>trash/</c> first, then its age is read: whoever renewed
/// it did so before it left, and it goes back; whoever comes later finds none and writes it. What a killed collection left there goes back.
/// Where a bucket has the bytes, they are removed there while the name is in <c>trash/</c>, and whoever writes the object waits for that.
/// </summary>
internal sealed class SetAside : IDisposable
{
    // Requests to a bucket that are under way together.
    private const int RemovedTogether = 512;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Repository _repository;
    private readonly SafeFileHandle _trash;
    private readonly List<ObjectName> _leaving = [];

    private SetAside(Repository repository, SafeFileHandle trash)
    {
        _repository = repository;
        _trash = trash;
    }

    private static ReadOnlySpan<byte> Folder => "trash"u8;

    public static SetAside Open(Repository repository)
    {
        Prepare(repository);
        var aside = new SetAside(repository, Posix.OpenDirectoryAt(repository.Root, Folder));
        aside.PutBack();
        return aside;
    }

    /// <summary>Makes the directory for it: before the first collection, so that nobody on another machine remembers that there is none.</summary>
    public static void Prepare(Repository repository)
    {
        DurableFiles.EnsureDirectory(repository.Root, Folder, 0x1c0);
        // One that root made must not keep out the server's own user, who has to see what is on its way out.
        if (Posix.IsRoot && Posix.StatAt(repository.Root, Folder) is { } made && Posix.Stat(repository.Root, repository.Path) is var owner && (made.Uid, made.Gid) != (owner.Uid, owner.Gid))
            Posix.SetOwnerAt(repository.Root, Folder, owner.Uid, owner.Gid);
    }

    /// <summary>Puts back what a killed collection had set aside. While one runs it does that itself, and none begins meanwhile.</summary>
    public static void Recover(Repository repository)
    {
        if (Posix.StatAt(repository.Root, Folder) is null || RepositoryLock.TryShare(repository.Root) is not { } guard)
            return;
        using (guard)
        {
            try
            {
                using var aside = new SetAside(repository, Posix.OpenDirectoryAt(repository.Root, Folder));
                aside.PutBack();
            }
            catch (PosixException e) when (e.Errno is Posix.EACCES or Posix.EPERM)
            {
                // Another user's: his next collection puts it back, and until then it is not here.
            }
        }
    }

    /// <summary>Removes an object unless somebody has renewed it since.</summary>
    /// <param name="cutoff">What is as young as this stays; nanoseconds since 1970.</param>
    public bool TryRemove(ObjectName name, long cutoff)
    {
        var aside = Encoding.ASCII.GetBytes(name.ToString());
        Posix.RenameAt(_repository.Fanout(name.Id), Repository.FileName(name), _trash, aside);
        if (Posix.StatAt(_trash, aside) is not { } stat)
            return false;
        if (stat.ModifiedNanoseconds >= cutoff)
        {
            Return(name, aside);
            return false;
        }
        if (_repository.Bucket is null)
            return TryUnlink(aside);
        _leaving.Add(name);
        if (_leaving.Count == RemovedTogether)
            Complete();
        return true;
    }

    /// <summary>Ends the removals that were begun.</summary>
    public void Complete()
    {
        if (_leaving.Count == 0)
            return;
        if (_repository.Bucket is { } bucket)
        {
            // What leaves the bucket must not have its place again after a power cut.
            Posix.SyncFilesystem(_repository.Root, _repository.Path);
            bucket.Delete(_leaving);
        }
        foreach (var name in _leaving)
            TryUnlink(Encoding.ASCII.GetBytes(name.ToString()));
        _leaving.Clear();
    }

    /// <summary>
    /// Removes from the bucket what has no place here: a publisher was killed between the two. While a publish is under way nothing is, for it
    /// may be about to give such an object its place.
    /// </summary>
    /// <param name="names">At most some hundreds.</param>
    public long RemoveStray(IReadOnlyList<ObjectName> names)
    {
        // Whoever begins after these marks are there waits for them; whoever began before is seen.
        foreach (var name in names)
            Posix.OpenOrCreateAt(_trash, Encoding.ASCII.GetBytes(name.ToString()), 0x180).Dispose();
        if (PublishLeases.SparedAfter(_repository.Root) == long.MaxValue)
            _leaving.AddRange(names.Where(name => !_repository.Contains(name)));
        var removed = _leaving.Count;
        Complete();
        foreach (var name in names)
            TryUnlink(Encoding.ASCII.GetBytes(name.ToString()));
        return removed;
    }

    /// <summary>Waits while a collection removes the object from the bucket: what is put there after that stays.</summary>
    /// <exception cref="StoreLockedException">It does not end, or another user's was killed.</exception>
    public static void AwaitRemoval(Repository repository, ObjectName name)
    {
        var aside = Encoding.ASCII.GetBytes(name.ToString());
        for (var since = Environment.TickCount64; IsAside(repository, aside); Thread.Sleep(Pause))
        {
            if (Environment.TickCount64 - since > Patience.TotalMilliseconds)
                throw new StoreLockedException($"{name} is being removed by a gc; try again, or run 'ctree-server gc' as the user who began it");
            Recover(repository);
        }
    }

    public void Dispose() => _trash.Dispose();

    // NFS remembers for seconds that a name is not there, but looks at a directory anew when somebody opens it.
    private static bool IsAside(Repository repository, byte[] aside)
    {
        if (Posix.StatAt(repository.Root, Folder) is null)
            return false;
        using var trash = Posix.OpenDirectoryAt(repository.Root, Folder);
        return Posix.StatAt(trash, aside) is not null;
    }

    private void PutBack()
    {
        foreach (var (aside, _) in Posix.ReadDirectory(_trash, "trash"))
        {
            if (!ObjectName.TryParse(Encoding.UTF8.GetString(aside), out var name))
                continue;
            if (IsWhole(name, aside))
            {
                // As if it had been written now: somebody may be writing it, and would find it removed by the next collection.
                TryTouch(aside);
                Return(name, aside);
            }
            else
                TryUnlink(aside);
        }
    }

    // The bucket may have lost it already, or it never had a place here.
    private bool IsWhole(ObjectName name, byte[] aside) => Posix.StatAt(_trash, aside) switch
    {
        null or { Size: 0 } => false,
        { } stat when StandIn.Is(stat) => _repository.Bucket?.Contains(name) == true,
        // Of a file whose bytes are here the bucket need not know.
        _ => name.Kind == ObjectKind.File || _repository.Bucket?.Contains(name) != false,
    };

    private void TryTouch(byte[] aside)
    {
        try
        {
            Posix.TouchAt(_trash, aside);
        }
        catch (PosixException e) when (e.Errno is Posix.EPERM or Posix.EACCES)
        {
            // Another user's: it keeps its age.
        }
    }

    private void Return(ObjectName name, byte[] aside)
    {
        try
        {
            if (!Posix.TryRenameNoReplaceAt(_trash, aside, _repository.Fanout(name.Id), Repository.FileName(name)))
                TryUnlink(aside);
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            // Somebody else has put it back.
        }
    }

    private bool TryUnlink(byte[] aside)
    {
        try
        {
            Posix.UnlinkAt(_trash, aside);
            return true;
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            return false;
        }
    }
}
