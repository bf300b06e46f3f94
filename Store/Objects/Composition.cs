using System.Globalization;

namespace ContentTree.Store.Objects;

/// <summary>
/// Which parts a commit is composed of, as its annotations say (docs/format/commit.md "Composed commits"). Its tree, and all that a device
/// decides by, follow from the parts, so that whoever composes can choose parts and nothing else.
/// </summary>
public sealed class Composition
{
    /// <summary>The most parts.</summary>
    public const int MaxInputs = 64;

    // An annotation's name begins with it; the path follows.
    private const string Prefix = "compose";

    private Composition(IReadOnlyList<CompositionInput> inputs) => Inputs = inputs;

    /// <summary>By path, those above others first: the first is the base.</summary>
    public IReadOnlyList<CompositionInput> Inputs { get; }

    /// <exception cref="FormatException">No base, a path twice, or too many.</exception>
    public static Composition Create(IEnumerable<CompositionInput> inputs)
    {
        var sorted = inputs.OrderBy(i => i.Path.Names.Count).ThenBy(i => i.Path.ToString(), StringComparer.Ordinal).ToArray();
        if (sorted is not [{ Path.Names.Count: 0 }, ..])
            throw new FormatException("a composition needs a base, at '/'");
        if (sorted.Length > MaxInputs)
            throw new FormatException($"a composition of more than {MaxInputs} parts");
        return sorted.DistinctBy(i => i.Path).Count() == sorted.Length ? new Composition(sorted) : throw new FormatException("a composition has two parts at one path");
    }

    /// <summary>What a commit says of itself; null when it is not composed.</summary>
    /// <exception cref="FormatException">It says so, but not of what.</exception>
    public static Composition? Of(Commit commit) => commit.Source.Kind != CommitSourceKind.Compose ? null
        : Create(commit.Annotations.Where(a => a.Key.StartsWith(Prefix + "/", StringComparison.Ordinal)).Select(a => Parse(a.Key[Prefix.Length..], a.Value)));

    /// <summary>The annotations that say all this.</summary>
    public IReadOnlyDictionary<string, string> Annotations =>
        Inputs.ToDictionary(i => $"{Prefix}{i.Path}", i => string.Create(CultureInfo.InvariantCulture, $"{i.Branch} {i.Sequence} {i.Commit}"), StringComparer.Ordinal);

    /// <summary>The composed commit as it follows from its parts; what it says to people is the caller's.</summary>
    /// <param name="commits">The commits of the parts.</param>
    /// <param name="read">Trees that <see cref="Visit"/> names.</param>
    /// <param name="write">Takes new trees; gives their ids.</param>
    /// <exception cref="FormatException">The parts do not fit together; says why.</exception>
    public Commit Compose(Func<ObjectId, Commit> commits, Func<ObjectId, Tree> read, Func<Tree, ObjectId> write)
    {
        var parts = Inputs.Select(i => commits(i.Commit)).ToArray();
        var graft = new TreeGraft(read, write, _ => Metadata.Plain(DirectoryMode));
        var tree = graft.Put(parts[0].Tree, [.. Inputs.Zip(parts).Skip(1).Select(p => (p.First.Path, (TreeEntry?)new TreeEntry.Directory(p.First.Path.Names[^1], p.Second.Tree)))]);
        if (Inputs.Zip(parts).Skip(1).FirstOrDefault(p => p.Second.Actions.Count + p.Second.Migrations.Count > 0) is { First: { } acting })
            throw new FormatException($"{acting.Branch}: its commit has actions or migrations, which only a base may have");
        return new Commit
        {
            Kind = parts.Any(p => p.Kind == CommitKind.Development) ? CommitKind.Development : CommitKind.Release,
            Tree = tree,
            Created = parts.Max(p => p.Created),
            Source = new CommitSource(CommitSourceKind.Compose),
            Architecture = Common(parts),
            Compatible = CompatibleWithAll(parts),
            Barrier = parts[0].Barrier,
            Actions = parts[0].Actions,
            Migrations = parts[0].Migrations,
            Annotations = Annotations,
        };
    }

    /// <summary>Whether a commit says of itself what follows from its parts, in everything that a device decides by.</summary>
    /// <param name="composed">The commit.</param>
    /// <param name="expected">What <see cref="Compose"/> made of its parts.</param>
    public static bool Follows(Commit composed, Commit expected) => composed.Equals(expected with
    {
        Parents = composed.Parents,
        Created = composed.Created,
        Version = composed.Version,
        Subject = composed.Subject,
        Body = composed.Body,
        Source = composed.Source,
        Bytes = composed.Bytes,
        Entries = composed.Entries,
        Annotations = composed.Annotations,
    });

    /// <summary>Goes through what proves the composition: the commits of all parts, and those of their trees in which others are put.</summary>
    /// <param name="visit">Is told each of them.</param>
    /// <param name="commit">Null for one that is not at hand; what it leads to is not visited then.</param>
    /// <param name="tree">The same for trees.</param>
    public void Visit(Action<ObjectName> visit, Func<ObjectId, Commit?> commit, Func<ObjectId, Tree?> tree)
    {
        foreach (var input in Inputs)
            visit(new ObjectName(ObjectKind.Commit, input.Commit));
        foreach (var input in Inputs.Skip(1))
        {
            var around = Inputs.Last(other => IsAbove(other.Path, input.Path));
            var at = commit(around.Commit)?.Tree;
            foreach (var name in input.Path.Names.Skip(around.Path.Names.Count))
            {
                if (at is not { } id)
                    break;
                visit(new ObjectName(ObjectKind.Tree, id));
                at = (tree(id)?.Find(name) as TreeEntry.Directory)?.Id;
            }
        }
    }

    // Directories that a base has not got are root's.
    private const int DirectoryMode = 0x1ed;

    private static bool IsAbove(EntryPath above, EntryPath path) => above.Names.Count < path.Names.Count && path.FirstNames(above.Names.Count).Equals(above);

    private static string Common(Commit[] parts) => parts.Select(p => p.Architecture).Where(a => a.Length > 0).Distinct().ToArray() switch
    {
        [] => "",
        [var one] => one,
        var several => throw new FormatException($"its parts are for different processors: {string.Join(", ", several)}"),
    };

    private static string[] CompatibleWithAll(Commit[] parts)
    {
        var limited = parts.Where(p => p.Compatible.Count > 0).Select(p => p.Compatible).ToArray();
        if (limited.Length == 0)
            return [];
        var all = limited.Aggregate(limited[0].AsEnumerable(), (left, right) => left.Intersect(right)).ToArray();
        return all.Length > 0 ? all : throw new FormatException("its parts are for different hardware");
    }

    private static CompositionInput Parse(string path, string value) => value.Split(' ') is [var branch, var sequence, var commit] &&
        BranchName.TryParse(branch, out var name) && long.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && ObjectId.TryParse(commit, out var id)
            ? new CompositionInput(EntryPath.Parse(path[1..]), name, number, id)
            : throw new FormatException($"annotation {Prefix}{path} is not 'BRANCH SEQUENCE COMMIT'");
}
