using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The file that keeps an object's place in <c>objects/</c> when a bucket has its bytes. It is as long as the object and takes no block; nobody
/// has any permission on it, so that no web server sends its zeros.
/// </summary>
internal static class StandIn
{
    public static bool Is(in FileStat stat) => stat is { Type: FileType.Regular, Permissions: 0 };

    /// <summary>Makes an empty file of the owner's one.</summary>
    public static void Make(SafeFileHandle file, long size, string subject)
    {
        Posix.SetLength(file, size, subject);
        Posix.SetPermissions(file, 0, subject);
    }
}
