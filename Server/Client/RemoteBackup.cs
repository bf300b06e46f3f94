using ContentTree.Server.Backups;
using ContentTree.Server.Commands;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Client;

/// <summary>Takes a backup of a running server from elsewhere. It never holds private keys.</summary>
internal static class RemoteBackup
{
    /// <param name="target">A new file.</param>
    /// <exception cref="DamagedBackupException">What came is none, or not whole.</exception>
    public static async Task<WrittenBackup> TakeAsync(ServerClient server, string target, CancellationToken cancellation)
    {
        if (!target.EndsWith(".tar", StringComparison.Ordinal))
            throw new UsageException("of a running server a backup is one file, whose name ends in .tar");
        if (File.Exists(target))
            throw new UsageException($"{target} exists: a backup overwrites no other");
        using var file = new NewFile(target);
        await server.DownloadAsync(Routes.Backup, long.MaxValue, async (body, limited) =>
        {
            file.Stream.SetLength(0);
            await body.CopyToAsync(file.Stream, limited);
        }, cancellation);
        await file.Stream.FlushAsync(cancellation);
        var summary = ArchiveReader.Verify(file.Path, () => null);
        file.Complete();
        return new WrittenBackup(target, file.Stream.Length, summary, (summary.Objects, file.Stream.Length), default, summary.LeftOut);
    }
}
