using System.Data.Common;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Groups;

/// <summary>A group as it is kept.</summary>
/// <param name="SilentPolls">Polls that its devices may miss; 0 for any number, null for as many as the server says.</param>
internal sealed record Group(GroupName Name, long Rank, string? Filter, long Devices, long? SilentPolls = null);

/// <summary>The groups and who is in them, and the labels that filters ask for. A member is listed by a person, or found by the group's filter.</summary>
internal sealed class Groups(Database database, TimeProvider time)
{
    public const long UsualRank = 100;

    /// <summary>Polls that a group may have its devices miss.</summary>
    public const int MostPolls = 10_000;

    private const int MaxGroups = 1000;
    private const int MaxLabels = 64;
    private const int MaxLabelText = 200;

    public IReadOnlyList<Group> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT g.*, (SELECT count(*) FROM group_members m WHERE m.group_name = g.name) AS devices FROM groups g ORDER BY g.rank, g.name", Read);
    }

    /// <exception cref="NotFoundException">There is no such group.</exception>
    public Group Find(GroupName name)
    {
        using var connection = database.Connect();
        return TryFind(connection, name) ?? throw Unknown(name);
    }

    private static Group? TryFind(DbConnection connection, GroupName name) =>
        connection.Query("SELECT g.*, (SELECT count(*) FROM group_members m WHERE m.group_name = g.name) AS devices FROM groups g WHERE g.name = $name", Read, ("$name", name)) is [var group] ? group : null;

    /// <summary>Makes or changes a group; what is null stays as it is.</summary>
    /// <exception cref="FormatException">The filter is none.</exception>
    /// <param name="silentPolls">Polls that its devices may miss: 0 for any number, -1 for as many as the server says.</param>
    /// <param name="seen">Looks at what is there before it is changed.</param>
    public Group Set(GroupName name, long? rank, string? filter, long? silentPolls = null, Action<Group?>? seen = null)
    {
        if (silentPolls is < -1 or > MostPolls)
            throw new FormatException($"a group's devices may miss 0 (any number) to {MostPolls} polls, or -1 for what the server says");
        var checkedFilter = filter is { Length: > 0 } ? FleetFilter.ParseForGroup(filter) : null;
        using var connection = database.Connect();
        using (var transaction = connection.BeginWriting())
        {
            seen?.Invoke(TryFind(connection, name));
            if (connection.Query("SELECT count(*) FROM groups WHERE name <> $name", row => row.GetInt64(0), ("$name", name))[0] >= MaxGroups)
                throw new FormatException($"there are {MaxGroups} groups already");
            connection.Execute("""
                INSERT INTO groups (name, rank, filter, created, silent_polls) VALUES ($name, coalesce($rank, $usual), $filter, $now, $polls)
                ON CONFLICT (name) DO UPDATE SET rank = coalesce($rank, groups.rank), filter = CASE WHEN $keep <> 0 THEN groups.filter ELSE $filter END,
                  silent_polls = CASE WHEN $same = 1 THEN groups.silent_polls ELSE $polls END
                """, ("$name", name), ("$rank", rank), ("$usual", UsualRank), ("$filter", checkedFilter?.Text), ("$now", time.GetUtcNow()), ("$keep", filter is null), ("$polls", silentPolls is -1 ? null : silentPolls), ("$same", silentPolls is null ? 1 : 0));
            if (filter is not null)
                Fill(connection, name, checkedFilter, null);
            FleetStamp.Raise(connection);
            transaction.Commit();
        }
        return Find(name);
    }

    /// <summary>Whom a group would hold by a filter, with those that people have added; nothing is changed.</summary>
    /// <exception cref="FormatException">The filter is none.</exception>
    public GroupOutlook Preview(GroupName name, string text)
    {
        // Nobody is found by no filter.
        var filter = text.Length > 0 ? FleetFilter.ParseForGroup(text) : new FleetFilter("", "1 = 0", []);
        using var connection = database.Connect();
        var now = connection.Query("SELECT count(*) FROM group_members WHERE group_name = $name", row => row.GetInt64(0), ("$name", name))[0];
        var (then, stay) = connection.Query($"""
            SELECT count(*), count(m.device) FROM devices d LEFT JOIN group_members m ON m.group_name = $name AND m.device = d.id WHERE m.listed = 1 OR ({filter.Sql})
            """, row => (row.GetInt64(0), row.GetInt64(1)), [("$name", name), .. filter.Parameters])[0];
        return new GroupOutlook(then, then - stay, now - stay);
    }

    /// <summary>Those of some members that a person has added.</summary>
    public IReadOnlySet<KeyId> Listed(GroupName name, KeyId first, KeyId last)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT device FROM group_members WHERE group_name = $name AND listed = 1 AND device BETWEEN $first AND $last", row => KeyId.Parse(row.GetString(0)),
            ("$name", name), ("$first", first), ("$last", last)).ToHashSet();
    }

    /// <exception cref="NotFoundException">There is no such group.</exception>
    /// <exception cref="FleetConflictException">A rollout is at work on it.</exception>
    public void Remove(GroupName name, Action<Group?>? seen = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        seen?.Invoke(TryFind(connection, name));
        if (connection.Query("SELECT id FROM rollouts WHERE scope = $scope AND state IN ('waiting', 'running', 'paused')", row => row.GetInt64(0), ("$scope", $"group:{name}")) is [var active, ..])
            throw new FleetConflictException($"rollout {active} is at work on group {name}; 'rollout abort {active}' ends it");
        // A later group of that name is another one.
        OnlyGroups.Forget(connection, name);
        connection.Execute("DELETE FROM rollouts WHERE scope = $scope", ("$scope", $"group:{name}"));
        connection.Execute("DELETE FROM policies WHERE scope = $scope", ("$scope", $"group:{name}"));
        connection.Execute("DELETE FROM transfers WHERE scope = $scope", ("$scope", $"group:{name}"));
        ConfigurationBook.Forget(connection, new ConfigurationScope.Group(name), time.GetUtcNow());
        if (connection.Execute("DELETE FROM groups WHERE name = $name", ("$name", name)) == 0)
            throw Unknown(name);
        FleetStamp.Raise(connection);
        transaction.Commit();
    }

    /// <summary>Puts a device into a group, or takes it out; whom the filter finds stays.</summary>
    /// <exception cref="NotFoundException">There is no such group or device.</exception>
    public void List(GroupName name, KeyId device, bool isListed)
    {
        var group = Find(name);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        if (connection.Query("SELECT 1 FROM devices WHERE id = $id", _ => 1, ("$id", device)).Count == 0)
            throw new NotFoundException($"no device {device}; 'device list' shows all");
        connection.Execute("DELETE FROM group_members WHERE group_name = $name AND device = $device", ("$name", name), ("$device", device));
        if (isListed)
            connection.Execute("INSERT INTO group_members (group_name, device, listed) VALUES ($name, $device, 1)", ("$name", name), ("$device", device));
        else if (group.Filter is { } filter)
            Fill(connection, name, FleetFilter.ParseForGroup(filter), device);
        transaction.Commit();
    }

    /// <summary>Changes labels of a device; a null value takes one away.</summary>
    /// <exception cref="FormatException">A label is none, or there are too many.</exception>
    /// <exception cref="NotFoundException">There is no such device.</exception>
    public void Label(KeyId device, IReadOnlyDictionary<string, string?> labels)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        if (connection.Query("SELECT 1 FROM devices WHERE id = $id", _ => 1, ("$id", device)).Count == 0)
            throw new NotFoundException($"no device {device}; 'device list' shows all");
        foreach (var (name, value) in labels)
        {
            if (!GroupName.TryParse(name, out _) || value?.Length > MaxLabelText || value?.Any(char.IsControl) == true)
                throw new FormatException($"label '{name}': a name of letters, digits, '.', '_' and '-', and at most {MaxLabelText} characters without control characters");
            connection.Execute("DELETE FROM labels WHERE device = $device AND name = $name", ("$device", device), ("$name", name));
            if (value is not null)
                connection.Execute("INSERT INTO labels (device, name, value) VALUES ($device, $name, $value)", ("$device", device), ("$name", name), ("$value", value));
        }
        if (connection.Query("SELECT count(*) FROM labels WHERE device = $device", row => row.GetInt64(0), ("$device", device))[0] > MaxLabels)
            throw new FormatException($"a device has at most {MaxLabels} labels");
        Refill(connection, device);
        transaction.Commit();
    }

    public IReadOnlyDictionary<string, string> Labels(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT name, value FROM labels WHERE device = $device ORDER BY name", row => KeyValuePair.Create(row.GetString(0), row.GetString(1)), ("$device", device))
            .ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>Puts a device that has changed into the groups whose filters find it now, and out of the others; inside the caller's transaction, so that nobody sees it out of all.</summary>
    public static void Refill(DbConnection connection, KeyId device)
    {
        foreach (var (name, filter) in connection.Query("SELECT name, filter FROM groups WHERE filter IS NOT NULL", row => (GroupName.Parse(row.GetString(0)), row.GetString(1))))
            Fill(connection, name, FleetFilter.ParseForGroup(filter), device);
    }

    private static void Fill(DbConnection connection, GroupName name, FleetFilter? filter, KeyId? only)
    {
        (string, object?)[] scope = [("$name", name), ("$only", only?.ToString())];
        connection.Execute("DELETE FROM group_members WHERE group_name = $name AND listed = 0 AND (coalesce($only, '') = '' OR device = $only)", scope);
        if (filter is null)
            return;
        connection.Execute($"""
            INSERT INTO group_members (group_name, device, listed) SELECT $name, d.id, 0 FROM devices d WHERE (coalesce($only, '') = '' OR d.id = $only) AND {filter.Sql}
            ON CONFLICT (group_name, device) DO NOTHING
            """, [.. scope, .. filter.Parameters]);
    }

    private static NotFoundException Unknown(GroupName name) => new($"no group {name}; 'group list' shows all");

    private static Group Read(DbDataReader row) => new(GroupName.Parse(row.Text("name")), row.Number("rank"), row.TextOrNull("filter"), row.Number("devices"), row.NumberOrNull("silent_polls"));
}
