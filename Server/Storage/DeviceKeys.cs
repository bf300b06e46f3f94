using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.Data.Sqlite;

namespace ContentTree.Server.Storage;

/// <summary>
/// The keys that devices sign with. One that is to follow on another counts beside it until it has signed a request: whose answer was lost, or
/// whose power failed, goes on with the key it has.
/// </summary>
internal sealed class DeviceKeys(Database database, TimeProvider time)
{
    /// <summary>The device that a key speaks for; null for one that never enrolled or was replaced.</summary>
    public DeviceSigner? Find(KeyId key)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT id, public_key, next_key, state FROM devices WHERE id = $key OR id = (SELECT device FROM device_keys WHERE key_id = $key)",
            row => Match(row, key), ("$key", key)).Find(signer => signer is not null);
    }

    /// <summary>The keys of a device that count now: one, or two while one follows on the other.</summary>
    public IReadOnlyList<PublicKey> Of(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT public_key, next_key FROM devices WHERE id = $id", row => new[] { row.TextOrNull("public_key"), row.TextOrNull("next_key") }, ("$id", device))
            .SelectMany(pair => pair).OfType<string>().Select(PublicKey.Parse).ToArray();
    }

    /// <summary>The next key has signed a request: from now on it is the only one.</summary>
    public void Promote(KeyId device, PublicKey key)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginTransaction();
        // Whoever asked for yet another one meanwhile has that one waiting still.
        if (connection.Execute("UPDATE devices SET public_key = $key, next_key = NULL, key_changed = $now WHERE id = $id AND next_key = $key",
                ("$id", device), ("$key", key.Pem), ("$now", time.GetUtcNow())) > 0)
            connection.Execute("DELETE FROM device_keys WHERE device = $id AND key_id <> $key", ("$id", device), ("$key", key.Id));
        transaction.Commit();
    }

    /// <summary>What keys that a device shows mean beside what is known of it.</summary>
    public static KeyChange Judge(SqliteConnection connection, KeyId device, IReadOnlyList<PublicKey> keys)
    {
        var newest = keys[^1];
        if (connection.Query("SELECT 1 FROM device_keys WHERE key_id = $key AND device <> $id UNION ALL SELECT 1 FROM devices WHERE id = $key AND id <> $id",
                _ => 1, ("$key", newest.Id), ("$id", device)).Count > 0)
            return KeyChange.Refused;
        if (connection.Query("SELECT public_key FROM devices WHERE id = $id AND public_key IS NOT NULL", row => row.GetString(0), ("$id", device)) is not [var known])
            return keys[0].Id == device ? KeyChange.None : KeyChange.Refused;
        if (known == newest.Pem)
            return KeyChange.None;
        return keys.Any(key => key.Pem == known) ? KeyChange.Next : KeyChange.Refused;
    }

    /// <summary>Writes down the newest key of a device that has a row.</summary>
    public static void Take(SqliteConnection connection, KeyId device, PublicKey newest, KeyChange change)
    {
        if (change == KeyChange.Next)
            connection.Execute("UPDATE devices SET next_key = $key WHERE id = $id", ("$id", device), ("$key", newest.Pem));
        if (newest.Id != device)
            connection.Execute("INSERT INTO device_keys (key_id, device) VALUES ($key, $id) ON CONFLICT (key_id) DO NOTHING", ("$key", newest.Id), ("$id", device));
    }

    private static DeviceSigner? Match(SqliteDataReader row, KeyId key)
    {
        foreach (var (column, isNext) in new[] { ("public_key", false), ("next_key", true) })
        {
            if (row.TextOrNull(column) is { } pem && PublicKey.Parse(pem) is var found && found.Id == key)
                return new DeviceSigner(KeyId.Parse(row.Text("id")), found, Devices.StateOf(row.Text("state")), isNext);
        }
        return null;
    }
}
