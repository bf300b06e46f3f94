using ContentTree.Server.Storage.Buckets;
using ContentTree.Server.Trust;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage;

/// <summary>
/// Everything a server owns, in one directory: <c>repo/</c> is the truth, <c>keys/</c> signs it, <c>online-keys/</c> vouches
/// for it from hour to hour, <c>server.db</c> knows devices
/// and tokens, <c>cache/</c> may be removed at any time.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    public const string DatabaseName = "server.db";

    private const int Private = 0x1c0;
    private const string Online = "online-keys";

    private readonly SafeFileHandle _cache;
    private readonly HeldLock? _serving;

    private DataDirectory(string path)
    {
        Path = path;
        _serving = LockServing(path, exclusive: false);
        Repository = Repository.Open(System.IO.Path.Combine(path, "repo"), ObjectPlace.Open(path));
        Trust = new TrustFiles(Repository.Path);
        KnownHeads = new KnownHeads(Repository);
        _cache = Posix.OpenDirectory(System.IO.Path.Combine(path, "cache"));
    }

    /// <summary>The file that stands in a directory while a backup is restored into it.</summary>
    public static ReadOnlySpan<byte> UnfinishedMark => "restore.unfinished"u8;

    /// <summary>The file that stands in a directory while its rows come from the database that it had before.</summary>
    public static ReadOnlySpan<byte> UnfinishedMove => "migrate-from.unfinished"u8;

    public string Path { get; }

    public Repository Repository { get; }

    public TrustFiles Trust { get; }

    public KnownHeads KnownHeads { get; }

    /// <summary>Where imports remember what they read.</summary>
    public SafeFileHandle Cache => _cache;

    /// <summary>For uploads on their way in; a crash leaves nothing that anybody reads.</summary>
    public string UploadPath => System.IO.Path.Combine(Path, "cache");

    public string DatabasePath => System.IO.Path.Combine(Path, DatabaseName);

    /// <exception cref="StoreNotFoundException">Nothing was initialised there.</exception>
    public static DataDirectory Open(string path)
    {
        RequireThere(path);
        return OpenUnfinished(path);
    }

    /// <exception cref="StoreNotFoundException">Nothing was initialised there, or a restore has not ended.</exception>
    public static void RequireThere(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, "repo", "trust", "root.json")))
            throw new StoreNotFoundException($"{path}: no server data here; 'ctree-server --data {path} init' makes it");
        RequireFinished(path);
    }

    /// <summary>Opens one that a backup is being restored into.</summary>
    public static DataDirectory OpenUnfinished(string path)
    {
        EnsureFolders(path);
        return new DataDirectory(path);
    }

    /// <summary>Makes what is missing; safe to repeat after a crash at any point.</summary>
    public static DataDirectory Create(string path, TimeProvider time)
    {
        Directory.CreateDirectory(path);
        RequireFinished(path);
        EnsureFolders(path);
        using (var repository = Repository.Create(System.IO.Path.Combine(path, "repo")))
        {
            var trust = new TrustFiles(repository.Path);
            if (!trust.Exists && !trust.TryRestore())
            {
                using var keys = Posix.OpenDirectory(System.IO.Path.Combine(path, "keys"));
                using var online = Posix.OpenDirectory(System.IO.Path.Combine(path, Online));
                trust.Found(SigningKeys.LoadOrGenerate(keys, "release.pem"), SigningKeys.LoadOrGenerate(online, "timestamp.pem"), SigningKeys.LoadOrGenerate(online, "fleet.pem"), time);
            }
        }
        return new DataDirectory(path);
    }

    /// <summary>Makes the folders that are for the server's user only.</summary>
    public static void EnsureFolders(string path)
    {
        using var root = Posix.OpenDirectory(path);
        DurableFiles.EnsureDirectory(root, "keys"u8, Private);
        DurableFiles.EnsureDirectory(root, "online-keys"u8, Private);
        DurableFiles.EnsureDirectory(root, "cache"u8, Private);
        DurableFiles.EnsureDirectory(root, "unnoted"u8, Private);
        Posix.Fsync(root, path);
    }

    /// <summary>The private keys that are kept here; none where all of them are kept elsewhere.</summary>
    public SigningKeys LoadKeys()
    {
        // A handle of its own: whoever reads a directory moves the place in it for everybody who shares the handle.
        using var keys = Posix.OpenDirectory(System.IO.Path.Combine(Path, "keys"));
        return SigningKeys.Load(keys);
    }

    /// <summary>The keys that a running server signs with by itself; none of them signs what devices install.</summary>
    public SigningKeys LoadOnlineKeys()
    {
        using var keys = Posix.OpenDirectory(System.IO.Path.Combine(Path, Online));
        return SigningKeys.Load(keys);
    }

    /// <summary>Makes a private key here.</summary>
    /// <param name="isOnline">Among those that a running server signs with by itself.</param>
    public PublicKey GenerateKey(bool isOnline = false)
    {
        using var keys = Posix.OpenDirectory(System.IO.Path.Combine(Path, isOnline ? Online : "keys"));
        return SigningKeys.Generate(keys);
    }

    /// <summary>Opens the database that <c>server.conf</c> names, or the file beside it.</summary>
    /// <exception cref="DatabaseTakenException">All that is known is in the file still, and the named one is empty.</exception>
    public Database OpenDatabase()
    {
        if (ServerSettings.Load(Path).Database is not { } address)
            return SqliteDatabase.Open(DatabasePath);
        var database = PostgresDatabase.Open(address);
        if (File.Exists(DatabasePath) && database.IsUntold && !SqliteDatabase.Open(DatabasePath).IsUntold)
            throw new DatabaseTakenException($"{ServerSettings.FileName} names {database.Name}, which is empty, and {DatabasePath} knows of devices, tokens or users: 'ctree-server migrate --from {DatabaseName}' brings them there; to begin without them, move that file away");
        return database;
    }

    /// <summary>Held by everybody who works on the data, and alone by whoever moves what they know; dispose of it to let go.</summary>
    /// <returns>Null where no lock can be made: there nothing can be moved either.</returns>
    /// <exception cref="DatabaseTakenException">Somebody works on it, or moves it.</exception>
    public static HeldLock? LockServing(string path, bool exclusive)
    {
        using var root = Posix.OpenDirectory(path);
        SafeFileHandle file;
        try
        {
            file = Posix.OpenOrCreateAt(root, "serve.lock"u8, 0x1a4);
        }
        catch (PosixException e) when (!exclusive && e.Errno == Posix.EACCES && Posix.StatAt(root, "serve.lock"u8) is not null)
        {
            // Another user made it: for a lock it is enough to read it.
            file = Posix.OpenForReadingAt(root, "serve.lock"u8);
        }
        catch (PosixException e) when (!exclusive && (e.IsOutOfSpace || e.Errno is Posix.EROFS or Posix.EACCES))
        {
            // Data of an earlier server on a full disk: what makes room there must work.
            return null;
        }
        if (Posix.TryLock(file, exclusive, wait: false, "serve.lock"))
            return new HeldLock(file);
        file.Dispose();
        throw new DatabaseTakenException(exclusive ? $"{path}: a server or another verb is at work on it; stop every server first" : $"{path}: 'migrate' is at work there; say it again when that has ended");
    }

    public void Dispose()
    {
        Repository.Dispose();
        _cache.Dispose();
        _serving?.Dispose();
    }

    private static void RequireFinished(string path)
    {
        using var root = Posix.OpenDirectory(path);
        if (Posix.StatAt(root, UnfinishedMark) is not null)
            throw new StoreNotFoundException($"{path}: a restore into it was not finished; say the same 'ctree-server restore' again");
        if (Posix.StatAt(root, UnfinishedMove) is not null)
            throw new StoreNotFoundException($"{path}: a move of its database was not finished; say the same 'ctree-server migrate --from' again");
    }
}
