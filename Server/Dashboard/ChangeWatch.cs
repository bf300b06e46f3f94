using System.Data.Common;
using System.Security.Cryptography;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard;

/// <summary>Whether anything has changed that a page may show: a word that is another one after each change. Looking is cheap, and done at most once a second for all.</summary>
internal sealed class ChangeWatch(DataDirectory data, Database database, TimeProvider time) : IDisposable
{
    private const long Away = -1;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    // Another process counts for itself.
    private readonly string _process = RandomNumberGenerator.GetHexString(8, lowercase: true);
    private readonly Lock _lock = new();
    private DbConnection? _connection;
    private DateTimeOffset? _looked;
    private (long Database, long Heads) _seen;
    private long _version;
    private bool _isEnded;

    public string Look()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (!_isEnded && !(now - _looked < Step))
            {
                _looked = now;
                var seen = (DatabaseVersion(), HeadsVersion());
                if (seen != _seen)
                    (_seen, _version) = (seen, _version + 1);
            }
            return $"{_process}{_version}";
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isEnded = true;
            _connection?.Dispose();
        }
    }

    private long DatabaseVersion()
    {
        try
        {
            // Only a connection that stays open hears of what others have written.
            _connection ??= database.Connect();
            return database.Changes(_connection);
        }
        catch (Exception e) when (e is DbException or InvalidOperationException)
        {
            // A connection that has broken once never works again. That the database is away, and that it is back, are changes as well.
            _connection?.Dispose();
            _connection = null;
            return Away;
        }
    }

    private long HeadsVersion()
    {
        long version = 0;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(data.Repository.Path, "heads"), "*", SearchOption.AllDirectories))
                version = HashCode.Combine(version, file, File.GetLastWriteTimeUtc(file).Ticks);
        }
        catch (IOException)
        {
            // A branch that goes away while it is looked at is a change as well.
            version = _version + 1;
        }
        return version;
    }
}
