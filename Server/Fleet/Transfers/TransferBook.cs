using System.Data.Common;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Transfers;

/// <summary>
/// How devices are to fetch content, by whom it was said of. Of each limit the most specific scope that names it decides: device, groups by rank, branch, fleet.
/// A device takes the stricter of this and of its own configuration.
/// </summary>
internal sealed class TransferBook(Database database, TimeProvider time)
{
    private const long LeastRate = 1000;
    private const long LeastBudget = 1_000_000;
    private const string Utc = " UTC";

    public IReadOnlyList<TransferInfo> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM transfers ORDER BY scope", Read);
    }

    /// <summary>Says something of a scope, in the place of what was said of it before.</summary>
    /// <param name="expected">Looks at what is said of it now, or null.</param>
    /// <exception cref="FormatException">A limit is none.</exception>
    /// <exception cref="NotFoundException">There is no such group or device.</exception>
    public TransferInfo Set(string scope, TransferPolicy policy, string by, Action<TransferInfo?>? expected = null)
    {
        Require(policy);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        RequireThere(connection, scope);
        expected?.Invoke(Find(connection, scope));
        connection.Execute("""
            INSERT INTO transfers (scope, max_rate, daily_budget, quiet_hours, author, created) VALUES ($scope, $rate, $budget, $quiet, $by, $now)
            ON CONFLICT (scope) DO UPDATE SET max_rate = $rate, daily_budget = $budget, quiet_hours = $quiet, author = $by, created = $now
            """, ("$scope", scope), ("$rate", policy.MaxRate), ("$budget", policy.DailyBudget), ("$quiet", policy.QuietHours), ("$by", by), ("$now", time.GetUtcNow()));
        transaction.Commit();
        return Find(connection, scope) ?? throw new System.Diagnostics.UnreachableException();
    }

    /// <exception cref="NotFoundException">Nothing was said of it.</exception>
    public void Remove(string scope, Action<TransferInfo?>? expected = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        expected?.Invoke(Find(connection, scope));
        if (connection.Execute("DELETE FROM transfers WHERE scope = $scope", ("$scope", scope)) == 0)
            throw new NotFoundException($"nothing was said of {scope}; 'transfer list' shows all");
        transaction.Commit();
    }

    /// <summary>What a device is asked for; null when nothing.</summary>
    public TransferPolicy? Of(KeyId device, BranchName branch)
    {
        using var connection = database.Connect();
        var said = connection.Query("""
            SELECT t.*, 0 AS level, 0 AS rank FROM transfers t WHERE t.scope = $device
            UNION ALL SELECT t.*, 1 AS level, g.rank AS rank FROM group_members m JOIN groups g ON g.name = m.group_name JOIN transfers t ON t.scope = 'group:' || g.name WHERE m.device = $id
            UNION ALL SELECT t.*, 2 AS level, 0 AS rank FROM transfers t WHERE t.scope = $branch
            UNION ALL SELECT t.*, 3 AS level, 0 AS rank FROM transfers t WHERE t.scope = $fleet
            ORDER BY level, rank, scope
            """, row => Read(row).Policy, ("$device", $"device:{device}"), ("$id", device), ("$branch", $"branch:{branch}"), ("$fleet", TransferScope.Fleet));
        var rate = said.Select(s => s.MaxRate).FirstOrDefault(r => r is not null);
        var budget = said.Select(s => s.DailyBudget).FirstOrDefault(b => b is not null);
        var quiet = said.Select(s => s.QuietHours).FirstOrDefault(q => q is not null);
        return rate is > 0 || budget is > 0 || quiet is { Length: > 0 }
            ? new TransferPolicy(rate is > 0 ? rate : null, budget is > 0 ? budget : null, quiet is { Length: > 0 } ? quiet : null)
            : null;
    }

    private static TransferInfo? Find(DbConnection connection, string scope) => connection.Query("SELECT * FROM transfers WHERE scope = $scope", Read, ("$scope", scope)) is [var found] ? found : null;

    private static TransferInfo Read(DbDataReader row) => new(
        row.Text("scope"), new TransferPolicy(row.NumberOrNull("max_rate"), row.NumberOrNull("daily_budget"), row.TextOrNull("quiet_hours")), row.Text("author"), row.Time("created"));

    private static void Require(TransferPolicy policy)
    {
        if (policy is { MaxRate: null, DailyBudget: null, QuietHours: null })
            throw new FormatException("say a rate, a budget or quiet hours");
        // With less no update ever comes to its end, and a device could hardly be reached to be told otherwise.
        if (policy.MaxRate is not (null or 0 or >= LeastRate))
            throw new FormatException($"a rate is at least {LeastRate} bytes a second, or 0 for no limit");
        if (policy.DailyBudget is not (null or 0 or >= LeastBudget))
            throw new FormatException($"a day's budget is at least {LeastBudget} bytes, or 0 for no limit");
        if (policy.QuietHours is { Length: > 0 } quiet)
            MaintenanceWindow.Parse(quiet.EndsWith(Utc, StringComparison.Ordinal) ? quiet[..^Utc.Length] : quiet);
    }

    private static void RequireThere(DbConnection connection, string scope)
    {
        var isThere = scope.Split(':', 2) switch
        {
            ["group", var name] => connection.Query("SELECT 1 FROM groups WHERE name = $name", _ => 1, ("$name", name)).Count > 0,
            ["device", var id] => connection.Query("SELECT 1 FROM devices WHERE id = $id", _ => 1, ("$id", id)).Count > 0,
            _ => true,
        };
        if (!isThere)
            throw new NotFoundException($"there is no {scope.Replace(':', ' ')}");
    }
}
