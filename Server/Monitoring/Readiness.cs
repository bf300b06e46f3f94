using ContentTree.Server.Storage;
using ContentTree.Store;

namespace ContentTree.Server.Monitoring;

/// <summary>Whether this server can do its work now: what a load balancer and an operator want to know.</summary>
internal sealed class Readiness(DataDirectory data, Database database)
{
    /// <summary>With less free space nothing is published and nothing recorded for long.</summary>
    public const long LeastBytes = 64 << 20;

    private const long LeastInodes = 1000;

    /// <summary>What is in the way, in one word and for people; nothing when all is well.</summary>
    public IEnumerable<(string What, string Why)> Look()
    {
        if (Try(LookAtDatabase) is { } broken)
            yield return ("database", broken);
        if (Try(() => data.Trust.Load()) is { } unreadable)
            yield return ("repository", unreadable);
        if (Try(LookAtBucket) is { } away)
            yield return ("bucket", away);
        var (bytes, inodes) = Free();
        if (bytes < LeastBytes || inodes < LeastInodes)
            yield return ("disk", $"{bytes} bytes and {inodes} inodes are free");
    }

    public (long Bytes, long Inodes) Free()
    {
        using var directory = Posix.OpenDirectory(data.Path);
        return Posix.FreeSpace(directory, data.Path);
    }

    private void LookAtDatabase()
    {
        using var connection = database.Connect();
        connection.Query("SELECT count(*) FROM tokens", row => row.GetInt64(0));
    }

    private void LookAtBucket() => data.Repository.Bucket?.Look();

    private static string? Try(Action look)
    {
        try
        {
            look();
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }
}
