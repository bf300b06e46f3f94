using System.Data.Common;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

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
        using var transaction = connection.BeginWriting();
        // Whoever asked for yet another one meanwhile has that one waiting still.
        if (connection.Execute("UPDATE devices SET public_key = $key, next_key = NULL, key_changed = $now WHERE id = $id AND next_key = $key",
                ("$id", device), ("$key", key.Pem), ("$now", time.GetUtcNow())) > 0)
        {
            connection.Execute("DELETE FROM device_keys WHERE device = $id AND key_id <> $key", ("$id", device), ("$key", key.Id));
            Remember(connection, device);
        }
        transaction.Commit();
    }

    /// <summary>What keys that a device shows mean beside what is known of it.</summary>
    public static KeyChange Judge(DbConnection connection, KeyId device, IReadOnlyList<PublicKey> keys)
    {
        var newest = keys[^1];
        if (connection.Query("SELECT 1 FROM device_keys WHERE key_id = $key AND device <> $id UNION ALL SELECT 1 FROM devices WHERE id = $key AND id <> $id",
                _ => 1, ("$key", newest.Id), ("$id", device)).Count > 0)
            return KeyChange.Refused;
        if (connection.Query("SELECT public_key FROM devices WHERE id = $id AND public_key IS NOT NULL", row => row.GetString(0), ("$id", device)) is not [var known])
            return MayCome(connection, device, keys) ? KeyChange.None : KeyChange.Refused;
        if (known == newest.Pem)
            return KeyChange.None;
        return keys.Any(key => key.Pem == known) ? KeyChange.Next : KeyChange.Refused;
    }

    /// <summary>Whether keys that do not lead on from a device's present one begin with its first: only who had that can have made them.</summary>
    public static bool WasOf(DbConnection connection, KeyId device, IReadOnlyList<PublicKey> keys) =>
        keys[0].Id == device && Present(connection, device) is { } present && keys.All(key => key.Pem != present.Pem);

    /// <summary>Writes down the newest key of a device that has a row.</summary>
    /// <returns>Whether it waits to follow on the present one and did not before.</returns>
    public static bool Take(DbConnection connection, KeyId device, PublicKey newest, KeyChange change)
    {
        var isNew = change == KeyChange.Next && connection.Execute("UPDATE devices SET next_key = $key WHERE id = $id AND coalesce(next_key, '') <> $key", ("$id", device), ("$key", newest.Pem)) > 0;
        // The one that waited until now is nobody's: a device has two rows at most, however often it asks.
        if (isNew && Present(connection, device) is { } present)
            connection.Execute("DELETE FROM device_keys WHERE device = $id AND key_id <> $key", ("$id", device), ("$key", present.Id));
        if (newest.Id != device)
            connection.Execute("INSERT INTO device_keys (key_id, device) VALUES ($key, $id) ON CONFLICT (key_id) DO NOTHING", ("$key", newest.Id), ("$id", device));
        return isNew;
    }

    /// <summary>Keeps the id of the key that a device has now, also for after its removal. Only of accepted ones: anybody can make others, in any device's name that is not known.</summary>
    public static void Remember(DbConnection connection, KeyId device)
    {
        if (Present(connection, device) is not { } present || present.Id == device)
            return;
        connection.Execute("""
            INSERT INTO newest_keys (device, key_id) SELECT id, $key FROM devices WHERE id = $id AND state = 'accepted'
            ON CONFLICT (device) DO UPDATE SET key_id = excluded.key_id
            """, ("$id", device), ("$key", present.Id));
    }

    /// <summary>The key that a device has now; null before it has enrolled.</summary>
    public static PublicKey? Present(DbConnection connection, KeyId device) =>
        connection.Query("SELECT public_key FROM devices WHERE id = $id AND public_key IS NOT NULL", row => PublicKey.Parse(row.GetString(0)), ("$id", device)) is [var key] ? key : null;

    // Of one that was removed, the newest key of then has to be among them: its earlier ones, and what only they signed for, are nobody's.
    private static bool MayCome(DbConnection connection, KeyId device, IReadOnlyList<PublicKey> keys) =>
        connection.Query("SELECT key_id FROM newest_keys WHERE device = $id", row => KeyId.Parse(row.GetString(0)), ("$id", device)) is [var newest]
            ? keys.Any(key => key.Id == newest)
            : keys[0].Id == device;

    private static DeviceSigner? Match(DbDataReader row, KeyId key)
    {
        foreach (var (column, isNext) in new[] { ("public_key", false), ("next_key", true) })
        {
            if (row.TextOrNull(column) is { } pem && PublicKey.Parse(pem) is var found && found.Id == key)
                return new DeviceSigner(KeyId.Parse(row.Text("id")), found, Devices.StateOf(row.Text("state")), isNext);
        }
        return null;
    }
}
