using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using Microsoft.Data.Sqlite;

namespace ContentTree.Server.Ostree;

/// <summary>
/// Remembers which of our objects is which of OSTree's, so that nothing is read or coded twice. What it says holds for ever, since both
/// names follow from the content; whether the object is there, the user asks. Safe to lose: a database that cannot be used is left
/// alone, and everything is read again. For several threads.
/// </summary>
internal sealed class OstreeMap : IDisposable
{
    public const string FileName = "ostree.db";

    private const int Pending = 4096;
    private const string Schema = "CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";

    private readonly Dictionary<string, byte[]> _pending = [];
    private readonly SqliteConnection? _connection;
    private readonly SqliteCommand? _find;
    private bool _isBroken;

    /// <param name="directory">Where the database is kept.</param>
    public OstreeMap(string directory)
    {
        try
        {
            _connection = SqliteDatabase.OpenIndex(Path.Combine(directory, FileName), Schema).ConnectHastily();
            _find = _connection.CreateCommand();
            _find.CommandText = "SELECT value FROM facts WHERE key = $key";
            _find.Parameters.Add("$key", SqliteType.Blob);
        }
        catch (SqliteException)
        {
            _isBroken = true;
        }
    }

    /// <param name="of">The ids that are asked about.</param>
    public byte[]? Find(OstreeFact fact, params ReadOnlySpan<ObjectId> of) => Find(Key(fact, of));

    public void Remember(OstreeFact fact, byte[] value, params ReadOnlySpan<ObjectId> of) => Remember(Key(fact, of), value);

    public void Dispose()
    {
        Flush();
        _find?.Dispose();
        _connection?.Dispose();
    }

    private byte[]? Find(byte[] key)
    {
        lock (_pending)
        {
            if (_pending.TryGetValue(Convert.ToHexString(key), out var value) || _isBroken || _find is null)
                return value;
            try
            {
                _find.Parameters[0].Value = key;
                return _find.ExecuteScalar() as byte[];
            }
            catch (SqliteException)
            {
                _isBroken = true;
                return null;
            }
        }
    }

    private void Remember(byte[] key, byte[] value)
    {
        lock (_pending)
        {
            _pending[Convert.ToHexString(key)] = value;
            if (_pending.Count >= Pending)
                Flush();
        }
    }

    // Not held open for long: another import may write too.
    private void Flush()
    {
        try
        {
            if (!_isBroken && _connection is not null)
                Write(_connection);
        }
        catch (SqliteException)
        {
            _isBroken = true;
        }
        _pending.Clear();
    }

    private void Write(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT OR REPLACE INTO facts (key, value) VALUES ($key, $value)";
        command.Parameters.Add("$key", SqliteType.Blob);
        command.Parameters.Add("$value", SqliteType.Blob);
        foreach (var (key, value) in _pending)
        {
            command.Parameters[0].Value = Convert.FromHexString(key);
            command.Parameters[1].Value = value;
            command.ExecuteNonQuery();
        }
        transaction.Commit();
    }

    private static byte[] Key(OstreeFact fact, ReadOnlySpan<ObjectId> ids)
    {
        var key = new byte[1 + ids.Length * ObjectId.Size];
        key[0] = (byte)fact;
        for (var i = 0; i < ids.Length; i++)
            ids[i].CopyTo(key.AsSpan(1 + i * ObjectId.Size));
        return key;
    }
}
