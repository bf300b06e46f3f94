using System.Data.Common;
using System.Text.Json;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>The policies: one for each scope, the newest.</summary>
internal sealed class PolicyBook(Database database)
{
    public IReadOnlyList<Policy> List()
    {
        using var connection = database.Connect();
        return List(connection);
    }

    /// <summary>What stands for groups and branches.</summary>
    public static IReadOnlyList<Policy> Shared(DbConnection connection) => connection.Query("SELECT * FROM policies WHERE scope NOT LIKE 'device:%' ORDER BY scope", Read);

    /// <summary>What was said of single devices.</summary>
    public static IReadOnlyList<Policy> OfDevices(DbConnection connection, string first, string last) =>
        connection.Query("SELECT * FROM policies WHERE scope BETWEEN $first AND $last", Read, ("$first", $"device:{first}"), ("$last", $"device:{last}"));

    public static Policy? Find(DbConnection connection, PolicyScope scope) =>
        connection.Query("SELECT * FROM policies WHERE scope = $scope", Read, ("$scope", scope)) is [var policy] ? policy : null;

    public Policy? Find(PolicyScope scope)
    {
        using var connection = database.Connect();
        return Find(connection, scope);
    }

    /// <summary>Writes one down in the place of that of the same scope; a plan that stands there stays.</summary>
    public static void Set(DbConnection connection, Policy policy)
    {
        connection.Execute("""
            INSERT INTO policies (scope, action, commit_id, reason, author, created, expires, plan) VALUES ($scope, $action, $commit, $reason, $by, $created, $expires, $plan)
            ON CONFLICT (scope) DO UPDATE SET action = $action, commit_id = $commit, reason = $reason, author = $by, created = $created, expires = $expires, plan = coalesce($plan, policies.plan)
            """,
            ("$scope", policy.Scope), ("$action", Policy.Word(policy.Action)), ("$commit", policy.Commit), ("$reason", policy.Reason), ("$by", policy.By),
            ("$created", policy.Created), ("$expires", policy.Expires), ("$plan", policy.Plan is { } plan ? JsonSerializer.Serialize(plan, ProtocolJson.Default.RolloutPlan) : null));
        RaiseFor(connection, policy.Scope);
    }

    /// <summary>Whether there was one.</summary>
    public static bool Remove(DbConnection connection, PolicyScope scope)
    {
        RaiseFor(connection, scope);
        return connection.Execute("DELETE FROM policies WHERE scope = $scope", ("$scope", scope)) > 0;
    }

    /// <exception cref="NotFoundException">Nothing was said of it.</exception>
    public static void RemovePlan(DbConnection connection, PolicyScope scope)
    {
        if (connection.Execute("UPDATE policies SET plan = NULL WHERE scope = $scope AND plan IS NOT NULL", ("$scope", scope)) == 0)
            throw new NotFoundException($"{scope.Words} has no plan");
        FleetStamp.Raise(connection);
    }

    // What is said of one device changes nothing for the others.
    private static void RaiseFor(DbConnection connection, PolicyScope scope)
    {
        if (scope is not PolicyScope.Device)
            FleetStamp.Raise(connection);
    }

    private static IReadOnlyList<Policy> List(DbConnection connection) => connection.Query("SELECT * FROM policies ORDER BY scope", Read);

    private static Policy Read(DbDataReader row) => new(
        PolicyScope.Parse(row.Text("scope")), Policy.ActionOf(row.Text("action")), row.TextOrNull("commit_id") is { } commit ? ObjectId.Parse(commit) : null,
        row.Text("reason"), row.Text("author"), row.Time("created"), row.TimeOrNull("expires"),
        row.TextOrNull("plan") is { } plan ? JsonSerializer.Deserialize(plan, ProtocolJson.Default.RolloutPlan) : null);
}
