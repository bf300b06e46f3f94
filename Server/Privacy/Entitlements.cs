using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Privacy;

/// <summary>Which device may have which private branch. Only operators write here: what a device says that it follows is no proof.</summary>
internal sealed class Entitlements(Database database)
{
    public IReadOnlySet<BranchName> Of(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT branch FROM entitlements WHERE device = $device ORDER BY branch", row => BranchName.Parse(row.GetString(0)), ("$device", device)).ToHashSet();
    }

    /// <exception cref="NotFoundException">There is no such device.</exception>
    public void Allow(KeyId device, BranchName branch)
    {
        using var connection = database.Connect();
        if (connection.Query("SELECT 1 FROM devices WHERE id = $device", _ => 1, ("$device", device)).Count == 0)
            throw new NotFoundException($"no device {device}; 'device list' shows all");
        connection.Execute("INSERT INTO entitlements (device, branch) VALUES ($device, $branch) ON CONFLICT DO NOTHING", ("$device", device), ("$branch", branch));
    }

    /// <exception cref="NotFoundException">It was not allowed.</exception>
    public void Forbid(KeyId device, BranchName branch)
    {
        using var connection = database.Connect();
        if (connection.Execute("DELETE FROM entitlements WHERE device = $device AND branch = $branch", ("$device", device), ("$branch", branch)) == 0)
            throw new NotFoundException($"device {device} was not allowed {branch}");
    }
}
