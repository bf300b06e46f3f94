using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard;

/// <summary>A list of devices that somebody looks at often.</summary>
/// <param name="Name">How its owner calls it.</param>
/// <param name="Query">The part of an address that makes it: <see cref="DeviceWish.Address"/>.</param>
internal sealed record SavedFilter(string Name, string Query);

/// <summary>What people keep of the list of devices, each for himself.</summary>
internal sealed class SavedFilters(Database database)
{
    private const int MaxName = 60;
    private const int MaxOfOne = 50;

    /// <summary>Those of one user, by their names.</summary>
    public IReadOnlyList<SavedFilter> Of(string owner)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT name, query FROM saved_filters WHERE owner = $owner ORDER BY name", row => new SavedFilter(row.Text("name"), row.Text("query")), ("$owner", owner));
    }

    /// <summary>Keeps one; what had its name before goes.</summary>
    /// <exception cref="FormatException">It has no name that can be one, or there are too many.</exception>
    public void Keep(string owner, SavedFilter filter)
    {
        if (filter.Name.Length is 0 or > MaxName || filter.Name.Any(char.IsControl))
            throw new FormatException($"a filter's name has 1 to {MaxName} characters");
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("""
            INSERT INTO saved_filters (owner, name, query) VALUES ($owner, $name, $query)
            ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query
            """, ("$owner", owner), ("$name", filter.Name), ("$query", filter.Query));
        if (connection.Query("SELECT 1 FROM saved_filters WHERE owner = $owner", _ => 1, ("$owner", owner)).Count > MaxOfOne)
            throw new FormatException($"more than {MaxOfOne} filters are too many: remove one first");
        transaction.Commit();
    }

    /// <summary>Forgets one; one that is not there is forgotten already.</summary>
    public void Forget(string owner, string name)
    {
        using var connection = database.Connect();
        connection.Execute("DELETE FROM saved_filters WHERE owner = $owner AND name = $name", ("$owner", owner), ("$name", name));
    }
}
