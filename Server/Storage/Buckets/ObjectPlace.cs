using System.Security.Cryptography;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>
/// Where a data directory's objects are: in <c>repo/objects</c>, or in the bucket that <c>server.conf</c> names. A directory that has lent its objects to a
/// bucket remembers which, so that a line lost from <c>server.conf</c> is said and not taken for damage.
/// </summary>
internal static class ObjectPlace
{
    private const int MaxMark = 4096;

    private static ReadOnlySpan<byte> Mark => "objects.bucket"u8;

    private static ReadOnlySpan<byte> Owner => "objects.owner"u8;

    /// <summary>The bucket in use; null for none.</summary>
    /// <exception cref="FormatException"><c>server.conf</c> names another one than the objects are in.</exception>
    public static ObjectBucket? Open(string dataPath)
    {
        var settings = ServerSettings.Load(dataPath);
        using var root = Posix.OpenDirectory(dataPath);
        var known = Read(root);
        if (known is not null && known != settings.Objects?.Name)
            throw new FormatException($"{dataPath}/{ServerSettings.FileName}: the objects are in {known}; say so by '{ServerSettings.ObjectsKey} = ...', or move them by 'ctree-server migrate --objects-to'");
        if (settings.Objects is not { } address)
            return null;
        var bucket = Connect(dataPath, settings, address);
        if (known is null)
        {
            Claim(bucket);
            Remember(dataPath, address);
        }
        return bucket;
    }

    /// <summary>Takes a bucket for the directory that it was opened for.</summary>
    /// <exception cref="DatabaseTakenException">It is another one's.</exception>
    public static void Claim(ObjectBucket bucket)
    {
        if (!Task.Run(() => bucket.TryClaimAsync(CancellationToken.None)).GetAwaiter().GetResult())
            throw new DatabaseTakenException($"{bucket.Name} has the objects of another directory, whose 'owner/' is there: name another prefix");
    }

    /// <summary>Opens a bucket, whether it is in use or not.</summary>
    public static ObjectBucket Connect(string dataPath, ServerSettings settings, BucketAddress address) =>
        new(new S3Bucket(address), settings.ObjectsCachePath ?? Path.Combine(dataPath, "cache", "objects"), settings.ObjectsCacheBytes, OwnerOf(dataPath));

    // A backup does not hold it: what is restored is another directory.
    private static string OwnerOf(string dataPath)
    {
        using var root = Posix.OpenDirectory(dataPath);
        if (DurableFiles.TryRead(root, Owner, MaxMark) is null)
            DurableFiles.TryCreate(root, Owner, Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(32, lowercase: true)));
        return Encoding.ASCII.GetString(DurableFiles.TryRead(root, Owner, MaxMark) ?? throw new IOException($"{dataPath}/objects.owner does not read back"));
    }

    /// <summary>From now on stand-ins may be in the directory.</summary>
    public static void Remember(string dataPath, BucketAddress address)
    {
        using var root = Posix.OpenDirectory(dataPath);
        DurableFiles.Replace(root, Mark, Encoding.UTF8.GetBytes(address.Name));
    }

    /// <summary>All objects are in the directory again.</summary>
    public static void Forget(string dataPath)
    {
        using var root = Posix.OpenDirectory(dataPath);
        if (Read(root) is null)
            return;
        Posix.UnlinkAt(root, Mark);
        Posix.Fsync(root, dataPath);
    }

    private static string? Read(Microsoft.Win32.SafeHandles.SafeFileHandle root) => DurableFiles.TryRead(root, Mark, MaxMark) is { } mark ? Encoding.UTF8.GetString(mark) : null;
}
