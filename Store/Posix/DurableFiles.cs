using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <summary>The recipes by which anything visible appears: write, fsync, rename or link, fsync the directory.</summary>
public static class DurableFiles
{
    /// <summary>How the name starts that a file has while it is written.</summary>
    internal static ReadOnlySpan<byte> TemporaryPrefix => ".new-"u8;

    /// <summary>Makes the directory unless it is there. The caller flushes the parent.</summary>
    public static void EnsureDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name, int permissions)
    {
        try
        {
            Posix.MakeDirectoryAt(parent, name, permissions);
        }
        catch (PosixException e) when (e.Errno == Posix.EEXIST)
        {
        }
    }

    /// <summary>Puts content under a name so that after a power cut either the old or the new content is there, whole.</summary>
    public static void Replace(SafeFileHandle dir, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, int permissions = 0x1a4)
    {
        var temporary = WriteTemporary(dir, name, content, permissions);
        Posix.RenameAt(dir, temporary, dir, name);
        Posix.Fsync(dir, Posix.Display(name));
    }

    /// <summary>As <see cref="Replace"/>, but false when the name is taken.</summary>
    public static bool TryCreate(SafeFileHandle dir, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, int permissions = 0x1a4)
    {
        var temporary = WriteTemporary(dir, name, content, permissions);
        if (!Posix.TryRenameNoReplaceAt(dir, temporary, dir, name))
        {
            Posix.UnlinkAt(dir, temporary);
            return false;
        }
        Posix.Fsync(dir, Posix.Display(name));
        return true;
    }

    /// <summary>The file's content, or null when there is no such file.</summary>
    /// <exception cref="FormatException">The file is larger than <paramref name="maxSize"/> or no regular file.</exception>
    public static byte[]? TryRead(SafeFileHandle dir, ReadOnlySpan<byte> name, int maxSize) =>
        TryRead(dir, name, maxSize, content => content.ToArray());

    /// <summary>The same for what is only looked at: large trees would leave megabytes to the collector.</summary>
    public static unsafe T? TryRead<T>(SafeFileHandle dir, ReadOnlySpan<byte> name, int maxSize, Func<ReadOnlySpan<byte>, T> look) where T : class
    {
        SafeFileHandle file;
        try
        {
            file = Posix.OpenForReadingAt(dir, name);
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.ENOTDIR)
        {
            return null;
        }
        using (file)
        {
            var subject = Posix.Display(name);
            var stat = Posix.Stat(file, subject);
            if (stat.Type != FileType.Regular || stat.Size > maxSize)
                throw new FormatException($"{subject}: not a regular file of at most {maxSize} bytes");
            var memory = NativeMemory.Alloc((nuint)stat.Size);
            try
            {
                var content = new Span<byte>(memory, (int)stat.Size);
                return look(content[..Posix.ReadFull(file, content, subject)]);
            }
            finally
            {
                NativeMemory.Free(memory);
            }
        }
    }

    /// <summary>Removes what a kill left of files that were being written. Nobody else may be writing here.</summary>
    public static void RemoveTemporaries(string directory)
    {
        using var handle = Posix.OpenDirectory(directory);
        foreach (var (name, _) in Posix.ReadDirectory(handle, directory))
        {
            if (IsTemporary(name))
                Posix.UnlinkAt(handle, name);
        }
    }

    /// <summary>Whether a file of this name was never finished.</summary>
    public static bool IsTemporary(ReadOnlySpan<byte> name) => name.StartsWith(TemporaryPrefix);

    /// <summary>A name for a file while it is written.</summary>
    public static byte[] TemporaryName() => [.. TemporaryPrefix, .. System.Text.Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}")];

    private static byte[] WriteTemporary(SafeFileHandle dir, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, int permissions)
    {
        var temporary = TemporaryName();
        var subject = Posix.Display(name);
        using var file = Posix.CreateAt(dir, temporary, permissions);
        try
        {
            Posix.SetPermissions(file, permissions, subject);
            Posix.Write(file, content, subject);
            Posix.Fsync(file, subject);
        }
        catch (PosixException)
        {
            Posix.UnlinkAt(dir, temporary);
            throw;
        }
        return temporary;
    }
}
