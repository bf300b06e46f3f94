using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary>What people write for a commit: a branch (its newest commit), an id, or the first digits of one.</summary>
internal static class CommitReference
{
    private const int MinPrefix = 6;

    public const string Help = "a branch, a commit id, or its first digits";

    /// <exception cref="NotFoundException">No such branch or commit, or several commits start like this.</exception>
    public static ObjectId Resolve(DataDirectory data, TimeProvider time, string text)
    {
        if (ObjectId.TryParse(text, out var id))
        {
            return data.Repository.Contains(new ObjectName(ObjectKind.Commit, id)) ? id : throw new NotFoundException($"no commit {text}");
        }
        if (BranchName.TryParse(text, out var branch) && new Branches(data, time).Read(branch).Head is { } head)
            return head.Commit;
        var found = text.Length >= MinPrefix && text.All(char.IsAsciiHexDigitLower) ? FindByPrefix(data.Repository.Path, text) : [];
        return found switch
        {
            [var one] => one,
            [] => throw new NotFoundException($"no branch or commit '{text}'"),
            _ => throw new NotFoundException($"'{text}' is the start of {found.Count} commits; write more digits"),
        };
    }

    private static List<ObjectId> FindByPrefix(string repository, string prefix) =>
        Directory.EnumerateFiles(Path.Combine(repository, "objects", prefix[..2]), prefix[2..] + "*.commit")
            .Select(file => ObjectName.TryParse(prefix[..2] + Path.GetFileName(file), out var name) ? name.Id : (ObjectId?)null)
            .OfType<ObjectId>().ToList();
}
