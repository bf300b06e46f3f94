using System.Globalization;
using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.State;

/// <summary>
/// Room for the device's memory on a disk that something else has filled: a confirmation, a rollback or a fallback has to be written down also where no block
/// and no inode is left. <c>state/spare</c> holds a few files; one of them is overwritten in place and takes the name of what it replaces.
/// </summary>
internal static class SpareFiles
{
    private const int Count = 4;
    private const int Size = 64 << 10;
    private const int OwnerOnly = 0x180;
    private const int Everybody = 0x1ed;

    private static ReadOnlySpan<byte> Folder => "spare"u8;

    /// <summary>Makes those that are missing, as far as there is room. The caller holds the device's lock.</summary>
    public static void Refill(string stateDirectory)
    {
        try
        {
            using var state = Posix.OpenDirectory(stateDirectory);
            DurableFiles.EnsureDirectory(state, Folder, Everybody);
            DurableFiles.RemoveTemporaries(Path.Combine(stateDirectory, Encoding.ASCII.GetString(Folder)));
            using var folder = Posix.OpenDirectoryAt(state, Folder);
            for (var number = 0; number < Count; number++)
            {
                if (!Holds(folder, Name(number), Size))
                    DurableFiles.Replace(folder, Name(number), new byte[Size], OwnerOnly);
            }
        }
        catch (PosixException)
        {
            // No room now, or something is wrong that the command itself will meet: what is only kept in reserve stops nothing.
        }
    }

    /// <summary>As <see cref="DurableFiles.Replace"/>, and into a spare file where there is no room for another.</summary>
    public static void Replace(SafeFileHandle state, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, int permissions = 0x1a4)
    {
        try
        {
            DurableFiles.Replace(state, name, content, permissions);
        }
        catch (PosixException e) when (e.IsOutOfSpace)
        {
            if (!TryUse(state, name, content, permissions))
                throw;
        }
    }

    private static bool TryUse(SafeFileHandle state, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, int permissions)
    {
        if (Posix.StatAt(state, Folder) is not { Type: FileType.Directory })
            return false;
        using var folder = Posix.OpenDirectoryAt(state, Folder);
        for (var number = 0; number < Count; number++)
        {
            if (!Holds(folder, Name(number), content.Length))
                continue;
            var subject = Posix.Display(name);
            using (var file = Posix.OpenOrCreateAt(folder, Name(number), OwnerOnly))
            {
                Posix.WriteAt(file, 0, content, subject);
                Posix.SetLength(file, content.Length, subject);
                Posix.SetPermissions(file, permissions, subject);
                Posix.Fsync(file, subject);
            }
            Posix.RenameAt(folder, Name(number), state, name);
            Posix.Fsync(state, subject);
            return true;
        }
        return false;
    }

    private static bool Holds(SafeFileHandle folder, ReadOnlySpan<byte> name, int bytes) => Posix.StatAt(folder, name) is { Type: FileType.Regular } stat && stat.Size >= bytes;

    private static byte[] Name(int number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
