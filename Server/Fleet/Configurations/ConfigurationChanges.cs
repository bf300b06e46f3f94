using System.Data.Common;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>What people say of the configuration: checked, written down with its history. Devices hear of it at their next poll.</summary>
internal sealed class ConfigurationChanges(DataDirectory data, Database database, TimeProvider time)
{
    /// <summary>What a device's values may take together. Of each key the longest counts: which of them meet on a device may change.</summary>
    public const int MaxTotal = 56 << 10;

    private const int MaxDescription = 200;

    private readonly Assignments _assignments = new(data, database, time);
    private readonly SecretBox _box = new(data);

    public IReadOnlyList<ConfigurationKeyInfo> Keys()
    {
        using var connection = database.Connect();
        return ConfigurationBook.Describe(connection);
    }

    /// <summary>Makes a key, or describes it anew.</summary>
    /// <exception cref="FormatException">It makes no sense.</exception>
    /// <exception cref="FleetConflictException">Values that it has would be of another kind.</exception>
    public ConfigurationKeyInfo Define(ConfigurationKey name, ConfigurationKeyRequest request)
    {
        var key = new KeyDefinition(name, ConfigurationValue.TypeOf(request.Type), request.Secret, Description(request.Description));
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        if (ConfigurationBook.FindKey(connection, name) is { } present)
        {
            if ((present.Type != key.Type || present.IsSecret != key.IsSecret) && HasValues(connection, name))
                throw new FleetConflictException($"{name} has values, which are {(present.IsSecret ? "secret " : "")}{ConfigurationValue.Word(present.Type)}; take them away with 'config unset' first");
        }
        else if (ConfigurationBook.Keys(connection).Count >= ConfigurationStatement.MaxValues)
            throw new FormatException($"there are {ConfigurationStatement.MaxValues} keys already");
        ConfigurationBook.SetKey(connection, key);
        transaction.Commit();
        return ConfigurationBook.Describe(connection, name)[0];
    }

    /// <exception cref="NotFoundException">There is no such key.</exception>
    /// <exception cref="FleetConflictException">It has values.</exception>
    public void Remove(ConfigurationKey name)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        if (HasValues(connection, name))
            throw new FleetConflictException($"{name} has values; take them away with 'config unset' first");
        if (!ConfigurationBook.RemoveKey(connection, name))
            throw Unknown(name);
        transaction.Commit();
    }

    /// <summary>The values of a scope.</summary>
    /// <exception cref="NotFoundException">There is no such group or device.</exception>
    public ConfigurationInfo Show(ConfigurationScope scope)
    {
        using var connection = database.Connect();
        RequireExists(connection, scope);
        return Describe(connection, scope);
    }

    /// <summary>Changes values of a scope, all or none; a value that is there already is no change.</summary>
    /// <param name="by">Who says so.</param>
    /// <param name="require">Hears the tag text of what is there, null before the first change, and throws when somebody has seen another.</param>
    public ConfigurationOutcome Set(ConfigurationScope scope, ConfigurationRequest request, string by, Action<string?>? require = null)
    {
        var (values, reason) = (Read(request), BranchMove.Checked(request.Reason));
        return Change(scope, by, reason, require, (connection, present) => [.. values.Select(v => (Require(connection, v.Key), v.Value))
            .Where(v => v.Value is null ? present.ContainsKey(v.Item1.Name) : v.Item1.IsSecret || present.GetValueOrDefault(v.Item1.Name)?.Stored != v.Value)]);
    }

    /// <summary>Brings values back to what they were after a change. Of secrets only that they were set is known: those that are set stay, the others are named.</summary>
    /// <exception cref="NotFoundException">There was no such change.</exception>
    public ConfigurationOutcome Revert(ConfigurationScope scope, ConfigurationRevertRequest request, string by, Action<string?>? require = null)
    {
        var reason = BranchMove.Checked(request.Reason ?? $"back to revision {request.Revision}");
        string[] lost = [];
        var after = Change(scope, by, reason, require, (connection, present) =>
        {
            if (request.Revision < 0 || request.Revision > ConfigurationBook.Revision(connection, scope))
                throw new NotFoundException($"{scope.Words} has no revision {request.Revision}; 'config history' shows all");
            // Newest first, so that the oldest one of each key is written last.
            var then = new SortedDictionary<ConfigurationKey, ConfigurationChangeInfo>(ConfigurationKey.Order);
            foreach (var change in ConfigurationBook.Changes(connection, scope, request.Revision, long.MaxValue, int.MaxValue))
                then[change.Key] = change;
            lost = [.. then.Values.Where(c => c.WasSet && !IsKnown(connection, c, present)).Select(c => c.Key.ToString())];
            return [.. then.Values.Select(c => Back(connection, c, present)).OfType<(KeyDefinition, string?)>()];
        });
        return after with { After = after.After with { Lost = lost.Length > 0 ? lost : null } };
    }

    /// <summary>Whom a change would reach; nothing is changed.</summary>
    public ConfigurationOutlook Preview(ConfigurationScope scope, ConfigurationRequest request)
    {
        var values = Read(request);
        using var connection = database.Connect();
        RequireExists(connection, scope);
        foreach (var name in values.Keys)
            Require(connection, name);
        return new ConfigurationReach(connection).Count(scope, values);
    }

    public ConfigurationHistory History(ConfigurationScope scope, int limit, long? below = null)
    {
        using var connection = database.Connect();
        // Whole changes only: one more than fits tells whether there are others.
        var found = ConfigurationBook.Changes(connection, scope, 0, below ?? long.MaxValue, limit + ConfigurationStatement.MaxValues + 1);
        if (found.Count <= limit)
            return new ConfigurationHistory(found);
        var last = found[limit - 1].Revision;
        var page = found.TakeWhile(c => c.Revision >= last).ToArray();
        return new ConfigurationHistory(page, page.Length < found.Count ? $"{last}" : null);
    }

    /// <summary>What whoever edits a scope has seen of it; null before its first change.</summary>
    public static string? Tag(string scope, long revision) => revision == 0 ? null : $"{scope} {revision}";

    private ConfigurationOutcome Change(
        ConfigurationScope scope, string by, string reason, Action<string?>? require,
        Func<DbConnection, IReadOnlyDictionary<ConfigurationKey, StoredValue>, IReadOnlyList<(KeyDefinition Key, string? Text)>> decide)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        _assignments.RequireKey();
        RequireExists(connection, scope);
        var revision = ConfigurationBook.Revision(connection, scope);
        require?.Invoke(Tag($"{scope}", revision));
        var present = ConfigurationBook.Of(connection, scope).ToDictionary(v => v.Key.Name);
        var changes = decide(connection, present);
        RequireRoom(connection, scope, changes);
        var written = changes.Select(c => Describe(c.Key, c.Text, present.GetValueOrDefault(c.Key.Name), revision + 1, by, reason)).ToArray();
        foreach (var ((key, text), change) in changes.Zip(written))
            Write(connection, scope, key, text, change);
        var after = new ConfigurationOutcome(Describe(connection, scope), written);
        transaction.Commit();
        return after;
    }

    private ConfigurationChangeInfo Describe(KeyDefinition key, string? text, StoredValue? present, long revision, string by, string reason) => new(
        revision, key.Name, key.IsSecret, present is not null, text is not null, by, time.GetUtcNow(), key.IsSecret ? null : present?.Stored, key.IsSecret ? null : text, reason.Length > 0 ? reason : null);

    private void Write(DbConnection connection, ConfigurationScope scope, KeyDefinition key, string? text, ConfigurationChangeInfo change)
    {
        if (text is null)
            ConfigurationBook.Unset(connection, scope, key.Name);
        else
        {
            var stored = key.IsSecret ? _box.Close(text, scope, key.Name) : text;
            ConfigurationBook.Set(connection, new StoredValue(scope, key, stored, change.By, change.Reason ?? "", change.Time), StoredValue.Cost(key.Name, text));
        }
        ConfigurationBook.Note(connection, scope, change);
    }

    // The same key as it was then: of another kind, what it said then would make no sense.
    private static (KeyDefinition, string?)? Back(DbConnection connection, ConfigurationChangeInfo change, IReadOnlyDictionary<ConfigurationKey, StoredValue> present)
    {
        if (ConfigurationBook.FindKey(connection, change.Key) is not { } key)
            return null;
        var now = present.GetValueOrDefault(change.Key);
        if (!change.WasSet)
            return now is null ? null : (key, null);
        return change.Secret || key.IsSecret || now?.Stored == change.Before || !Fits(key, change.Before) ? null : (key, change.Before);
    }

    private static bool IsKnown(DbConnection connection, ConfigurationChangeInfo change, IReadOnlyDictionary<ConfigurationKey, StoredValue> present) =>
        ConfigurationBook.FindKey(connection, change.Key) is { } key && (change.Secret || key.IsSecret ? present.ContainsKey(change.Key) && change.Secret == key.IsSecret : Fits(key, change.Before));

    private static bool Fits(KeyDefinition key, string? text)
    {
        try
        {
            return new ConfigurationValue(key.Type, text ?? "", key.IsSecret).Text == text;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static Dictionary<ConfigurationKey, string?> Read(ConfigurationRequest request)
    {
        if (request.Values.Count is 0 or > ConfigurationRequest.MaxValues)
            throw new FormatException($"a change has 1 to {ConfigurationRequest.MaxValues} values");
        return request.Values.ToDictionary(v => ConfigurationKey.Parse(v.Key), v => v.Value);
    }

    private static void RequireRoom(DbConnection connection, ConfigurationScope scope, IReadOnlyList<(KeyDefinition Key, string? Text)> changes)
    {
        var own = ConfigurationBook.CostsOf(connection, scope).ToDictionary();
        foreach (var (key, text) in changes)
        {
            own.Remove(key.Name);
            if (text is null)
                continue;
            try
            {
                own[key.Name] = StoredValue.Cost(key.Name, new ConfigurationValue(key.Type, text, key.IsSecret).Text);
            }
            catch (FormatException e)
            {
                throw new FormatException($"{key.Name}: {e.Message}", e);
            }
        }
        var costs = ConfigurationBook.Costs(connection, scope).ToDictionary();
        foreach (var (name, cost) in own)
            costs[name] = Math.Max(costs.GetValueOrDefault(name), cost);
        if (changes.Any(c => c.Text is not null) && costs.Values.Sum() is > MaxTotal and var total)
            throw new FormatException($"all values of a device could come to {total} bytes, more than {MaxTotal}: a configuration is for settings, and files belong into the tree");
    }

    private static void RequireExists(DbConnection connection, ConfigurationScope scope)
    {
        var isThere = scope switch
        {
            ConfigurationScope.Group group => connection.Query("SELECT 1 FROM groups WHERE name = $name", _ => 1, ("$name", group.Name)).Count > 0,
            ConfigurationScope.Device device => connection.Query("SELECT 1 FROM devices WHERE id = $id", _ => 1, ("$id", device.Id)).Count > 0,
            _ => true,
        };
        if (!isThere)
            throw new NotFoundException($"there is no {scope.Words}");
    }

    private static KeyDefinition Require(DbConnection connection, ConfigurationKey name) => ConfigurationBook.FindKey(connection, name) ?? throw Unknown(name);

    private static bool HasValues(DbConnection connection, ConfigurationKey name) =>
        connection.Query("SELECT 1 FROM config_values WHERE name = $name LIMIT 1", _ => 1, ("$name", name)).Count > 0;

    private static ConfigurationInfo Describe(DbConnection connection, ConfigurationScope scope) =>
        new($"{scope}", ConfigurationBook.Revision(connection, scope), [.. ConfigurationBook.Of(connection, scope).Select(v => v.Describe())]);

    private static string Description(string? text) => text is null || (text.Length <= MaxDescription && !text.Any(char.IsControl))
        ? text ?? ""
        : throw new FormatException($"a description is one line of at most {MaxDescription} characters");

    private static NotFoundException Unknown(ConfigurationKey name) => new($"no configuration key {name}; 'config keys' shows all, 'config keys define' makes one");
}
