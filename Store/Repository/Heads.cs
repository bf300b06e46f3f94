using System.Globalization;
using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The branches of a repository as files: <c>heads/(branch).json</c> is the newest head, <c>history/(branch)/(sequence).json</c>
/// keeps every one. A head here is the signed statement's exact bytes; who signed it is not this class's business.
/// </summary>
public sealed class Heads
{
    /// <summary>Largest head file read: a statement and sixteen signatures fit ten times.</summary>
    public const int MaxHeadBytes = 64 * 1024;

    private readonly SafeFileHandle _root;

    internal Heads(SafeFileHandle root) => _root = root;

    /// <summary>All branches, by name.</summary>
    public IReadOnlyList<BranchName> List()
    {
        var branches = new List<BranchName>();
        using var heads = Posix.OpenDirectoryAt(_root, "heads"u8);
        Collect(heads, "", branches);
        branches.Sort((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));
        return branches;
    }

    /// <summary>All branches that ever had a head, also deleted ones, by name.</summary>
    public IReadOnlyList<BranchName> ListArchived()
    {
        var branches = new List<BranchName>();
        using var history = Posix.OpenDirectoryAt(_root, "history"u8);
        CollectDirectories(history, "", branches);
        branches.Sort((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));
        return branches;
    }

    /// <summary>The newest head's bytes, or null when there is no such branch.</summary>
    public byte[]? ReadNewest(BranchName branch)
    {
        using var directory = TryOpen("heads/" + ParentOf(branch));
        return directory is null ? null : DurableFiles.TryRead(directory, FileOf(branch), MaxHeadBytes);
    }

    /// <summary>An archived head's bytes, or null.</summary>
    public byte[]? ReadArchived(BranchName branch, long sequence)
    {
        using var directory = TryOpen($"history/{branch}");
        return directory is null ? null : DurableFiles.TryRead(directory, ArchiveName(sequence), MaxHeadBytes);
    }

    /// <summary>The sequence numbers that were ever used on the branch, rising; also those of heads that never became newest.</summary>
    public IReadOnlyList<long> ArchivedSequences(BranchName branch)
    {
        using var directory = TryOpen($"history/{branch}");
        if (directory is null)
            return [];
        var sequences = new List<long>();
        foreach (var (name, _) in Posix.ReadDirectory(directory, branch.ToString()))
        {
            var text = Encoding.ASCII.GetString(name);
            if (text.EndsWith(".json", StringComparison.Ordinal) && long.TryParse(text[..^5], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
                sequences.Add(sequence);
        }
        sequences.Sort();
        return sequences;
    }

    /// <summary>
    /// Moves a branch in one durable step: archive first, newest last. Under the heads' lock the present head is compared
    /// with the one the publisher saw, so two publishers never lose each other's commit.
    /// </summary>
    /// <param name="expected">The newest head's bytes as the caller read them; null for a branch that must not exist yet.</param>
    /// <exception cref="BranchMovedException">The branch has another head by now, or the sequence was used before.</exception>
    public void Advance(BranchName branch, byte[]? expected, long sequence, ReadOnlySpan<byte> head)
    {
        using var guard = Lock();
        var present = ReadNewest(branch);
        if (!(present ?? []).AsSpan().SequenceEqual(expected ?? []))
            throw new BranchMovedException($"branch {branch} moved while this was published; nothing was changed, publish again");
        using var archive = Open($"history/{branch}");
        if (!DurableFiles.TryCreate(archive, ArchiveName(sequence), head))
            throw new BranchMovedException($"sequence {sequence} of branch {branch} was used before; publish again");
        using var directory = Open("heads/" + ParentOf(branch));
        DurableFiles.Replace(directory, FileOf(branch), head);
    }

    /// <summary>Notes a head that was the branch's once and is not known here, so that its sequence is not used again; the branch stays where it is.</summary>
    /// <returns>False when that sequence has a head already.</returns>
    public bool Archive(BranchName branch, long sequence, ReadOnlySpan<byte> head)
    {
        using var guard = Lock();
        using var archive = Open($"history/{branch}");
        return DurableFiles.TryCreate(archive, ArchiveName(sequence), head);
    }

    /// <summary>
    /// Replaces the newest head by one that says the same with other signatures, also in the archive; the branch does not move.
    /// </summary>
    /// <exception cref="BranchMovedException">The branch has another head by now.</exception>
    public void Renew(BranchName branch, byte[] expected, long sequence, ReadOnlySpan<byte> head)
    {
        using var guard = Lock();
        if (ReadNewest(branch)?.AsSpan().SequenceEqual(expected) != true)
            throw new BranchMovedException($"branch {branch} moved meanwhile; nothing was changed, say it again");
        using var archive = Open($"history/{branch}");
        DurableFiles.Replace(archive, ArchiveName(sequence), head);
        using var directory = Open("heads/" + ParentOf(branch));
        DurableFiles.Replace(directory, FileOf(branch), head);
    }

    /// <summary>Removes a branch's newest head; the archive stays, so its sequence numbers are never used again.</summary>
    /// <exception cref="NotFoundException">There is no such branch.</exception>
    public void Delete(BranchName branch)
    {
        using var guard = Lock();
        if (ReadNewest(branch) is null)
            throw new NotFoundException($"no branch {branch}");
        using var directory = Open("heads/" + ParentOf(branch));
        Posix.UnlinkAt(directory, FileOf(branch));
        Posix.Fsync(directory, branch.ToString());
    }

    private SafeFileHandle Lock()
    {
        var file = Posix.OpenOrCreateAt(_root, "heads.lock"u8, 0x1a4);
        Posix.TryLock(file, exclusive: true, wait: true, "heads lock");
        return file;
    }

    private static void Collect(SafeFileHandle directory, string prefix, List<BranchName> branches)
    {
        foreach (var (bytes, type) in Posix.ReadDirectory(directory, "heads"))
        {
            var name = prefix + Encoding.UTF8.GetString(bytes);
            if (type == FileType.Directory)
            {
                using var below = Posix.OpenDirectoryAt(directory, bytes);
                Collect(below, name + "/", branches);
            }
            else if (name.EndsWith(".json", StringComparison.Ordinal) && BranchName.TryParse(name[..^5], out var branch))
            {
                branches.Add(branch);
            }
        }
    }

    private static void CollectDirectories(SafeFileHandle directory, string prefix, List<BranchName> branches)
    {
        foreach (var (bytes, _) in Posix.ReadDirectory(directory, "history").Where(entry => entry.Type == FileType.Directory))
        {
            var name = prefix + Encoding.UTF8.GetString(bytes);
            if (BranchName.TryParse(name, out var branch))
                branches.Add(branch);
            using var below = Posix.OpenDirectoryAt(directory, bytes);
            CollectDirectories(below, name + "/", branches);
        }
    }

    private SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return Walk(path, create: false);
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.ENOTDIR)
        {
            return null;
        }
    }

    private SafeFileHandle Open(string path) => Walk(path, create: true);

    private SafeFileHandle Walk(string path, bool create)
    {
        var directory = _root;
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = Encoding.ASCII.GetBytes(segment);
            if (create && Posix.StatAt(directory, name) is null)
            {
                DurableFiles.EnsureDirectory(directory, name, 0x1ed);
                Posix.Fsync(directory, path);
            }
            var next = Posix.OpenDirectoryAt(directory, name);
            if (!ReferenceEquals(directory, _root))
                directory.Dispose();
            directory = next;
        }
        return directory;
    }

    private static string ParentOf(BranchName branch)
    {
        var text = branch.ToString();
        var slash = text.LastIndexOf('/');
        return slash < 0 ? "" : text[..slash];
    }

    private static byte[] FileOf(BranchName branch) => Encoding.ASCII.GetBytes(branch.ToString().Split('/')[^1] + ".json");

    private static byte[] ArchiveName(long sequence) => Encoding.ASCII.GetBytes(sequence.ToString(CultureInfo.InvariantCulture) + ".json");
}
