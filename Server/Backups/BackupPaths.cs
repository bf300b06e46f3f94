using ContentTree.Server.Auditing;
using ContentTree.Server.Compositions;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Backups;

/// <summary>What a backup may hold, by name. All else is refused, so no archive writes beside the directory it is restored into.</summary>
internal static class BackupPaths
{
    /// <summary>Before the path that a file has below the server's directory.</summary>
    public const string Data = "data/";

    public const string Deltas = "deltas/";

    public const string Keys = "keys/";
    public const string OnlineKeys = "online-keys/";

    private const string Heads = "repo/heads/";
    private const string History = "repo/history/";
    private const string Moves = "repo/moves/";
    private const string Trust = "repo/trust/";

    public static bool IsFile(string name) => name.StartsWith(Data, StringComparison.Ordinal) && IsKnown(name[Data.Length..]);

    public static bool TryObject(string name, out ObjectName found)
    {
        found = default;
        return name.Split('/') is ["objects", { Length: 2 } first, var rest] && ObjectName.TryParse(first + rest, out found);
    }

    public static bool IsDelta(string name) => name.StartsWith(Deltas, StringComparison.Ordinal) && DeltaName.TryParse(name.AsSpan(Deltas.Length), out _);

    private static bool IsKnown(string path) => path switch
    {
        "server.db" or "server.conf" or RecipeBook.Name or AuditHeadFile.Name or "repo/private.json" or "repo/protected.json" => true,
        _ when path.StartsWith(Keys, StringComparison.Ordinal) => IsPlain(path[Keys.Length..], ".pem"),
        _ when path.StartsWith(OnlineKeys, StringComparison.Ordinal) => IsPlain(path[OnlineKeys.Length..], ".pem"),
        _ when path.StartsWith(Trust, StringComparison.Ordinal) => IsPlain(path[Trust.Length..], "root.json"),
        _ when path.StartsWith(Heads, StringComparison.Ordinal) => IsHead(path[Heads.Length..]),
        _ when path.StartsWith(History, StringComparison.Ordinal) => IsPosition(path[History.Length..]),
        _ when path.StartsWith(Moves, StringComparison.Ordinal) => IsPosition(path[Moves.Length..]),
        _ => false,
    };

    private static bool IsPosition(string path) => path.LastIndexOf('/') is > 0 and var slash && IsPlain(path[(slash + 1)..], ".json") && BranchName.TryParse(path[..slash], out _);

    private static bool IsHead(string path) => path.EndsWith(".json", StringComparison.Ordinal) && BranchName.TryParse(path[..^5], out _);

    private static bool IsPlain(string name, string suffix) =>
        name.EndsWith(suffix, StringComparison.Ordinal) && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
