using System.Text;
using ContentTree.Store;

namespace ContentTree.Server.Backups;

/// <summary>Copies a file so that its name appears when all of it is synced.</summary>
internal static class FileCopy
{
    public static void Durably(string source, string target)
    {
        using var content = File.OpenRead(source);
        Durably(content, target, 0x1a4);
    }

    /// <param name="permissions">Those of the new file.</param>
    public static void Durably(Stream content, string target, int permissions)
    {
        var temporary = Encoding.ASCII.GetBytes($".new-{Guid.NewGuid():N}");
        using var folder = Posix.OpenDirectory(Path.GetDirectoryName(Path.GetFullPath(target)) ?? "/");
        try
        {
            using (var file = new FileStream(Posix.CreateAt(folder, temporary, permissions), FileAccess.Write))
            {
                content.CopyTo(file);
                file.Flush(flushToDisk: true);
            }
            Posix.RenameAt(folder, temporary, folder, Encoding.UTF8.GetBytes(Path.GetFileName(target)));
            Posix.Fsync(folder, target);
        }
        catch
        {
            // After a full disk its half is in the way of the next try.
            if (Posix.StatAt(folder, temporary) is not null)
                Posix.UnlinkAt(folder, temporary);
            throw;
        }
    }
}
