using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Removes objects while publishers look at them. An object leaves its place for <c>trash/</c> first, then its age is read: whoever renewed
/// it did so before it left, and it goes back; whoever comes later finds none and writes it. What a killed collection left there goes back.
/// </summary>
internal sealed class SetAside : IDisposable
{
    private readonly Repository _repository;
    private readonly SafeFileHandle _trash;

    private SetAside(Repository repository, SafeFileHandle trash)
    {
        _repository = repository;
        _trash = trash;
    }

    private static ReadOnlySpan<byte> Folder => "trash"u8;

    public static SetAside Open(Repository repository)
    {
        DurableFiles.EnsureDirectory(repository.Root, Folder, 0x1c0);
        var aside = new SetAside(repository, Posix.OpenDirectoryAt(repository.Root, Folder));
        aside.PutBack();
        return aside;
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
        return TryUnlink(aside);
    }

    public void Dispose() => _trash.Dispose();

    private void PutBack()
    {
        foreach (var (aside, _) in Posix.ReadDirectory(_trash, "trash"))
        {
            if (ObjectName.TryParse(Encoding.UTF8.GetString(aside), out var name))
                Return(name, aside);
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
