using System.CommandLine;
using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>A commit as people name it: its id, the start of the id of one that is here, or a deployment of it.</summary>
internal static class CommitArgument
{
    private const int ShortestPrefix = 8;

    public static Argument<string> Create(string name = "COMMIT", bool isOptional = false) => new(name)
    {
        Description = "a commit id, the first 8 or more digits of one that is known here, or a deployment's name",
        Arity = isOptional ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
    };

    /// <exception cref="StoppedException">No commit is meant by it, or several.</exception>
    public static ObjectId Resolve(Device device, string text) => TryResolve(device, text)
        ?? throw new StoppedException(ExitCode.NotFound, $"no commit '{text}' here; a whole id names any commit of the branch");

    /// <exception cref="StoppedException">Several commits are meant by it.</exception>
    public static ObjectId? TryResolve(Device device, string text)
    {
        if (ObjectId.TryParse(text, out var id))
            return id;
        if (DeploymentName.TryParse(text, out var name))
            return FinishedDeployment.Find(device.Layout, name)?.Commit;
        if (text.Length < ShortestPrefix || text.Any(c => !char.IsAsciiHexDigitLower(c)))
            return null;
        var matches = Known(device).Where(commit => commit.ToString().StartsWith(text, StringComparison.Ordinal)).ToArray();
        return matches.Length switch
        {
            0 => null,
            1 => matches[0],
            _ => throw new StoppedException(ExitCode.NotFound, $"'{text}' starts {matches.Length} commits; give more digits"),
        };
    }

    // Denied commits too: they can be allowed again long after they are gone from the store.
    private static IEnumerable<ObjectId> Known(Device device) => device.Store.Commits()
        .Concat(FinishedDeployment.Scan(device.Layout).Select(d => d.Commit))
        .Concat(device.Denials.List().Select(d => d.Commit))
        .Distinct();
}
