using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>The groups that a token or a user is limited to, as the database keeps them: none for no limit, an empty text where all of them are gone.</summary>
internal static class OnlyGroups
{
    private const int MaxGroups = 100;
    private const string Column = "only_groups";

    /// <summary>Of whom not everything concerns the whole fleet, or nobody's group.</summary>
    private static readonly string[] Limitable = [TokenRole.Viewer, TokenRole.Operator, TokenRole.Approver];

    /// <summary>As it is kept.</summary>
    /// <exception cref="FormatException">No such limit for this role.</exception>
    public static string? Text(string role, IReadOnlyList<string>? groups)
    {
        if (groups is not null && (groups.Count is 0 or > MaxGroups || !Limitable.Contains(role)))
            throw new FormatException($"1 to {MaxGroups} groups limit a {string.Join(", ", Limitable)}");
        return groups is null ? null : string.Join(',', groups.Select(g => GroupName.Parse(g).ToString()).Distinct());
    }

    /// <summary>Null for no limit.</summary>
    public static IReadOnlyList<string>? Read(DbDataReader row) => row.TextOrNull(Column)?.Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A group is gone: whoever was limited to it sees one device less, and never all. Inside the caller's transaction.</summary>
    public static void Forget(DbConnection connection, GroupName group)
    {
        foreach (var (table, key) in new[] { ("tokens", "id"), ("users", "name") })
        {
            foreach (var (id, groups) in connection.Query($"SELECT {key} AS name, {Column} FROM {table} WHERE {Column} IS NOT NULL", row => (Id: row.Text("name"), Groups: Read(row) ?? [])))
            {
                if (groups.Contains(group.ToString()))
                    connection.Execute($"UPDATE {table} SET {Column} = $groups WHERE {key} = $id", ("$id", id), ("$groups", string.Join(',', groups.Where(g => g != group.ToString()))));
            }
        }
    }
}
