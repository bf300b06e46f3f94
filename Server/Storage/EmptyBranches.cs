using ContentTree.Store.Objects;

namespace ContentTree.Server.Storage;

/// <summary>Branches that were made before their first publish. Once published, a branch is its head file and nothing else.</summary>
internal sealed class EmptyBranches(Database database)
{
    public IReadOnlyList<BranchName> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT name FROM empty_branches ORDER BY name", row => BranchName.Parse(row.GetString(0)));
    }

    public bool Contains(BranchName branch)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT 1 FROM empty_branches WHERE name = $name", _ => 1, ("$name", branch)).Count > 0;
    }

    public void Add(BranchName branch)
    {
        using var connection = database.Connect();
        connection.Execute("INSERT INTO empty_branches (name) VALUES ($name) ON CONFLICT DO NOTHING", ("$name", branch));
    }

    public bool Remove(BranchName branch)
    {
        using var connection = database.Connect();
        return connection.Execute("DELETE FROM empty_branches WHERE name = $name", ("$name", branch)) > 0;
    }
}
