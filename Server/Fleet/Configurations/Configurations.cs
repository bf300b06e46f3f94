using System.Data.Common;
using System.Globalization;
using System.Text;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>
/// What devices' configurations are, and the one place that signs them. A statement is made when a device asks that has another one, and is
/// kept nowhere: secrets are in it.
/// </summary>
internal sealed class Configurations(DataDirectory data, Database database, TimeProvider time, ILogger log)
{
    private const int Years = 10;

    private readonly SecretBox _box = new(data);
    private readonly Lock _lock = new();
    private (FleetStamps Stamps, ConfigurationRules Rules)? _known;

    /// <summary>A device's configuration as people are shown it.</summary>
    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceConfiguration Show(KeyId device)
    {
        using var connection = database.Connect();
        if (connection.Query("SELECT configuration_applied AS applied, configuration_applied_at AS applied_at FROM devices WHERE id = $id", row => (row.Number("applied"), row.TimeOrNull("applied_at")), ("$id", device))
            is not [var (applied, appliedAt)])
            throw new NotFoundException($"no device {device}; 'device list' shows all");
        var values = Effective(connection, device, GroupsOf(connection, device), Rules(connection));
        var told = Told.Find(connection, device);
        var isCurrent = told is null ? values.Count == 0 : told.Digest == Digest(values) && told.Counter == applied;
        return new DeviceConfiguration([.. values.Select(v => v.Describe(withOrigin: true))], told?.Counter ?? 0, applied, !isCurrent, applied > 0 ? appliedAt : null);
    }

    /// <summary>What an accepted device that asks is to hear: nothing when it has it, or when there never was anything.</summary>
    /// <param name="groups">Those it is in.</param>
    /// <param name="known">The counter that it has: a later one than is known here was lost with a database, and is answered by a later one yet.</param>
    public RawJson? Newest(DbConnection connection, KeyId device, IReadOnlyList<GroupName> groups, long? known)
    {
        var rules = Rules(connection);
        if (known is null && rules is { HasOwn: false, Shared.Count: 0 })
            return null;
        var values = Effective(connection, device, groups, rules);
        var told = Told.Find(connection, device);
        if (told is null && known is null && values.Count == 0)
            return null;
        var (now, digest) = (time.GetUtcNow(), Digest(values));
        // A number that no server of these keys can have come to is somebody else's, and not to be gone past.
        var isLost = known > (told?.Counter ?? 0) && known < now.AddYears(1).ToUnixTimeSeconds();
        if (told is null || isLost || told.Digest != digest || told.Expires < now.AddYears(1))
        {
            // Above what a lost database may have signed.
            var counter = Math.Max(Math.Max(told?.Counter ?? 0, isLost ? known ?? 0 : 0) + 1, now.ToUnixTimeSeconds());
            told = new Told(counter, now, now.AddYears(Years), digest);
            // Somebody else was quicker: what that one says the device hears next time.
            if (!told.TryWrite(connection, device))
                return null;
        }
        return known >= told.Counter ? null : TrySign(device, told, values);
    }

    // A device that cannot be told keeps what it has: it is not to go without heads as well.
    private RawJson? TrySign(KeyId device, Told told, IReadOnlyList<StoredValue> values)
    {
        try
        {
            var root = data.Trust.Load();
            var statement = new ConfigurationStatement
            {
                Device = device,
                Counter = told.Counter,
                Created = told.Created,
                Expires = told.Expires,
                Values = values.ToDictionary(v => v.Key.Name, v => v.Open(_box)),
            };
            var signed = data.LoadOnlineKeys().Sign(Envelope.Create(statement.Encode(), []), root, Role.Fleet);
            root.VerifyConfiguration(signed.Bytes.Span);
            return new RawJson(signed.Bytes);
        }
        catch (Exception e) when (e is FormatException or VerificationException)
        {
            Log.NotTold(log, device, "its configuration", e.Message);
            return null;
        }
    }

    private ConfigurationRules Rules(DbConnection connection)
    {
        lock (_lock)
        {
            // The numbers first: what changes in between is looked at again.
            var stamps = FleetStamp.ReadAll(connection);
            if (_known is { } known && known.Stamps == stamps)
                return known.Rules;
            var rules = ConfigurationBook.Rules(connection);
            _known = (stamps, rules);
            return rules;
        }
    }

    private static IReadOnlyList<StoredValue> Effective(DbConnection connection, KeyId device, IReadOnlyList<GroupName> groups, ConfigurationRules rules) =>
        rules.Effective(groups, rules.HasOwn ? ConfigurationBook.Of(connection, new ConfigurationScope.Device(device)) : []);

    private static List<GroupName> GroupsOf(DbConnection connection, KeyId device) =>
        connection.Query("SELECT group_name FROM group_members WHERE device = $device", row => GroupName.Parse(row.GetString(0)), ("$device", device));

    // Of secrets what is stored, which is another each time they are set: nothing has to be opened to see that nothing is new.
    private static string Digest(IReadOnlyList<StoredValue> values)
    {
        var text = new StringBuilder();
        foreach (var value in values)
            text.Append(CultureInfo.InvariantCulture, $"{value.Key.Name} {value.Key.Type} {value.Key.IsSecret} {value.Stored.Length} {value.Stored}\n");
        return ObjectId.Of(Encoding.UTF8.GetBytes(text.ToString())).ToString();
    }

    private sealed record Told(long Counter, DateTimeOffset Created, DateTimeOffset Expires, string Digest)
    {
        public static Told? Find(DbConnection connection, KeyId device) =>
            connection.Query("SELECT * FROM configurations WHERE device = $device",
                row => new Told(row.Number("counter"), row.Time("created"), row.Time("expires"), row.Text("digest")), ("$device", device)) is [var told] ? told : null;

        public bool TryWrite(DbConnection connection, KeyId device) => connection.Execute("""
            INSERT INTO configurations (device, counter, created, expires, digest) VALUES ($device, $counter, $created, $expires, $digest)
            ON CONFLICT (device) DO UPDATE SET counter = $counter, created = $created, expires = $expires, digest = $digest WHERE configurations.counter < $counter
            """, ("$device", device), ("$counter", Counter), ("$created", Created), ("$expires", Expires), ("$digest", Digest)) > 0;
    }
}
