using ContentTree.Server.Storage;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing;

/// <summary>A tree gives paths privileges that they had not, and the settings refuse that (exit code 12).</summary>
internal sealed class PrivilegeRefusedException(PrivilegeDiff diff) : Exception(Describe(diff))
{
    private const int Named = 3;

    private static string Describe(PrivilegeDiff diff)
    {
        var some = diff.Changes.Where(c => c.After.Length > 0).Take(Named).Select(c => $"{c.Path} ({c.After})");
        return $"{diff.Gained} paths gain privileges, for instance {string.Join("; ", some)}; {ServerSettings.FileName} refuses that: " +
            "publish on the server's data with --allow-privileged if it is meant";
    }
}
