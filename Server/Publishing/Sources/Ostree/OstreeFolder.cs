using System.Text;
using ContentTree.Store;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A repository that is a directory of this machine. No symlink in it is followed.</summary>
internal sealed class OstreeFolder : IOstreeFiles
{
    private const int MaxRefDepth = 32;
    private const int MaxRefs = 100_000;

    private readonly SafeFileHandle _root;

    /// <exception cref="SourceUnreachableException">There is no such directory.</exception>
    public OstreeFolder(string path)
    {
        Shown = path;
        try
        {
            _root = Posix.OpenDirectory(path);
        }
        catch (PosixException e)
        {
            throw new SourceUnreachableException($"{e.Message}; nothing was changed");
        }
    }

    public string Shown { get; }

    public int Readers => Environment.ProcessorCount;

    public void Dispose() => _root.Dispose();

    public Stream? TryOpen(string path)
    {
        using var folder = TryOpenFolder(path);
        if (folder is null)
            return null;
        SafeFileHandle file;
        try
        {
            file = Posix.OpenForReadingAt(folder, NameOf(path));
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            return null;
        }
        catch (PosixException e)
        {
            throw new DamagedSourceException($"{Shown}/{path}", $"cannot be read: {e.Message}");
        }
        if (Posix.Stat(file, path).Type == FileType.Regular)
            return new FileStream(file, FileAccess.Read, bufferSize: 1 << 16);
        file.Dispose();
        throw new DamagedSourceException($"{Shown}/{path}", "is no regular file");
    }

    /// <summary>The directory that has a file, or null.</summary>
    public SafeFileHandle? TryOpenFolder(string path)
    {
        var at = Posix.OpenDirectoryAt(_root, "."u8);
        foreach (var segment in path.Split('/')[..^1])
        {
            using var parent = at;
            try
            {
                at = Posix.OpenDirectoryAt(parent, Encoding.UTF8.GetBytes(segment));
            }
            catch (PosixException e) when (e.Errno == Posix.ENOENT)
            {
                return null;
            }
            catch (PosixException e)
            {
                throw new DamagedSourceException($"{Shown}/{path}", $"cannot be read: {e.Message}");
            }
        }
        return at;
    }

    /// <summary>The last part of a path.</summary>
    public static byte[] NameOf(string path) => Encoding.UTF8.GetBytes(path[(path.LastIndexOf('/') + 1)..]);

    public IReadOnlyList<string>? ListRefs()
    {
        using var heads = TryOpenFolder("refs/heads/x");
        var found = new List<string>();
        if (heads is not null)
            ListRefs(heads, "", 0, found);
        return found;
    }

    private static void ListRefs(SafeFileHandle folder, string before, int depth, List<string> found)
    {
        foreach (var (name, type) in Posix.ReadDirectory(folder, before))
        {
            var path = before + Encoding.UTF8.GetString(name);
            if (!OstreeAddress.IsRevision(path) || found.Count == MaxRefs)
                continue;
            if (type == FileType.Regular)
                found.Add(path);
            if (type != FileType.Directory || depth == MaxRefDepth)
                continue;
            using var inner = Posix.OpenDirectoryAt(folder, name);
            ListRefs(inner, path + "/", depth + 1, found);
        }
    }
}
