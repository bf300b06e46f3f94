using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Compositions;

/// <summary>
/// Makes of recipes what their parts come to now, and moves the composed branches there. For one round: no other runs beside it, so that none
/// takes a branch back to what it has seen before.
/// </summary>
internal sealed class Composer
{
    private const int NamedParts = 4;

    private readonly DataDirectory _data;
    private readonly Branches _branches;
    private readonly PartFinder _parts;
    private readonly TreeTotals _totals;
    private readonly IReadOnlySet<BranchName> _private;

    // Not to be read from the repository before they are complete there.
    private readonly Dictionary<ObjectId, Tree> _made = [];
    private RepositoryClosure _walk;

    private Composer(DataDirectory data, TimeProvider time)
    {
        _data = data;
        _branches = new Branches(data, time);
        _parts = new PartFinder(data, _branches);
        _totals = new TreeTotals(id => _made.GetValueOrDefault(id) ?? data.Repository.ReadTree(id));
        _private = new PrivateBranches(data).Read();
        _walk = CompleteClosure.Begin(data.Repository);
    }

    /// <summary>Brings all branches of all recipes to where their parts are. What they come to is made durable together, then each moves.</summary>
    /// <param name="goOn">Called between branches; throws where no other may follow.</param>
    public static IReadOnlyList<ComposedBranch> RunAll(DataDirectory data, TimeProvider time, IReadOnlyList<Recipe> recipes, Action goOn)
    {
        using var turn = Lock(data);
        // Before the first part is looked for: nothing of it is removed meanwhile.
        using var writer = data.Repository.BeginWriting();
        var composer = new Composer(data, time);
        var looked = composer.LookAt(recipes, writer, goOn);
        writer.Complete();
        return [.. looked.Select(branch => branch.Next is { } next ? composer.Move(next) : branch.Seen)];
    }

    /// <summary>Only looks where they are, and whether they should be elsewhere.</summary>
    public static IReadOnlyList<ComposedBranch> Look(DataDirectory data, TimeProvider time, IReadOnlyList<Recipe> recipes, Action goOn) =>
        [.. new Composer(data, time).LookAt(recipes, writer: null, goOn).Select(branch => branch.Seen)];

    private static IDisposable Lock(DataDirectory data)
    {
        using var root = Posix.OpenDirectory(data.Path);
        var file = Posix.OpenOrCreateAt(root, "composing.lock"u8, 0x180);
        Posix.TryLock(file, exclusive: true, wait: true, "lock of compositions");
        return file;
    }

    private List<(ComposedBranch Seen, Made? Next)> LookAt(IReadOnlyList<Recipe> recipes, ObjectWriter? writer, Action goOn)
    {
        var looked = new List<(ComposedBranch, Made?)>();
        foreach (var (recipe, instance) in recipes.SelectMany(recipe => Instances(recipe).Select(instance => (recipe, instance))))
        {
            goOn();
            looked.Add(LookAt(recipe, instance, writer));
        }
        return looked;
    }

    // The names for which the lines with '*' that may not be left out, or else those that may, have a branch. One that would make too long a
    // branch's name is passed over.
    private IReadOnlyList<string> Instances(Recipe recipe)
    {
        if (!recipe.IsPattern)
            return [""];
        var lines = recipe.Lines.Where(l => l.Branch.Contains(Recipe.Wildcard, StringComparison.Ordinal)).ToArray();
        var needed = lines.Where(l => !l.IsOptional).ToArray();
        var found = _branches.List().SelectMany(branch => (needed.Length > 0 ? needed : lines).Select(line => (Line: line, Name: Recipe.Instance(line.Branch, branch))))
            .Where(f => f.Name is not null).Distinct().GroupBy(f => f.Name!);
        return [.. found.Where(g => g.Count() >= needed.Length).Select(g => g.Key).Where(recipe.CanMake).Order(StringComparer.Ordinal)];
    }

    private (ComposedBranch Seen, Made? Next) LookAt(Recipe recipe, string instance, ObjectWriter? writer)
    {
        var branch = recipe.BranchOf(instance);
        try
        {
            var parts = _parts.Find(recipe, instance);
            RequireHidden(branch, parts);
            RequireMet(parts);
            var composition = Composition.Create(parts.Select(p => p.Input));
            var at = _branches.Read(branch);
            if (at.Head is { } head && IsAt(head.Commit, composition))
                return (new ComposedBranch(branch, head), null);
            var made = writer is null ? null : new Made(at, Publisher.WriteCommit(Describe(Compose(composition, parts, writer), recipe, parts, at.Head), writer));
            return (new ComposedBranch(branch, at.Head, IsBehind: true), made);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return (new ComposedBranch(branch, HeadOf(branch), Refusal: e.Message), null);
        }
    }

    private ComposedBranch Move(Made made)
    {
        var branch = made.At.Branch;
        try
        {
            return new ComposedBranch(branch, _branches.Advance(made.At, CompleteClosure.Check(_data.Repository, made.Commit, _walk), BranchMove.Here(BranchMove.Compose)), IsNew: true);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            // What one branch lacks the next may lack too, and is to be told so.
            _walk = CompleteClosure.Begin(_data.Repository);
            return new ComposedBranch(branch, HeadOf(branch), Refusal: e.Message);
        }
    }

    private static bool IsRefusal(Exception e) => e is FormatException or NotFoundException or BranchMovedException or BranchProtectedException or IncompleteCommitException or CorruptObjectException
        or ObjectNotFoundException or VerificationException;

    // A head that nobody known has signed is fsck's to tell of.
    private VerifiedHead? HeadOf(BranchName branch)
    {
        try
        {
            return _branches.Read(branch).Head;
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private void RequireHidden(BranchName branch, IReadOnlyList<Part> parts)
    {
        if (!_private.Contains(branch) && parts.FirstOrDefault(p => _private.Contains(p.Branch)) is { } secret)
            throw new FormatException($"{secret.Branch} is private and {branch} is not: 'ctree-server branch create {branch} --private' first");
    }

    private static void RequireMet(IReadOnlyList<Part> parts)
    {
        foreach (var (part, wanted) in parts.SelectMany(p => Requirement.Of(p.Commit).Select(r => (p, r))))
        {
            var beside = parts.Where(p => p.Branch == wanted.Branch).ToArray();
            if (beside.Length == 0)
                throw new FormatException($"{part.Branch} requires {wanted}, and no line has {wanted.Branch}");
            if (beside.FirstOrDefault(p => !wanted.IsMetBy(p.Commit.Version)) is { } other)
                throw new FormatException($"{part.Branch} requires {wanted}, and it is {other.Commit.Version}");
        }
    }

    // Which head named a part matters to nobody, as long as that one still proves it.
    private bool IsAt(ObjectId commit, Composition composition) => CompositionOf(commit) is { } present &&
        present.Inputs.Select(i => (i.Path, i.Branch, i.Commit)).SequenceEqual(composition.Inputs.Select(i => (i.Path, i.Branch, i.Commit))) && present.Inputs.All(_parts.IsProved);

    private Composition? CompositionOf(ObjectId commit) =>
        _data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit)) ? Composition.Of(_data.Repository.ReadCommit(commit)) : null;

    private Commit Compose(Composition composition, IReadOnlyList<Part> parts, ObjectWriter writer)
    {
        using var encoder = new Lz4Encoder();
        var commits = parts.DistinctBy(p => p.Id).ToDictionary(p => p.Id, p => p.Commit);
        var composed = composition.Compose(id => commits[id], _data.Repository.ReadTree, tree =>
        {
            var id = writer.Write(tree, encoder);
            _made[id] = tree;
            return id;
        });
        var (entries, bytes, _) = _totals.Of(composed.Tree);
        return composed with { Entries = entries, Bytes = bytes };
    }

    private Commit Describe(Commit composed, Recipe recipe, IReadOnlyList<Part> parts, VerifiedHead? head) => composed with
    {
        Parents = head is null ? [] : [head.Commit],
        Version = parts[0].Commit.Version,
        Subject = Changes(parts, head),
        Source = new CommitSource(CommitSourceKind.Compose, recipe.Name),
    };

    private string Changes(IReadOnlyList<Part> parts, VerifiedHead? head)
    {
        var before = head is null ? null : CompositionOf(head.Commit)?.Inputs.ToLookup(i => i.Branch, i => i.Commit);
        var changed = parts.Where(p => before?[p.Branch].Contains(p.Id) != true).Select(p => $"{p.Branch} {(p.Commit.Version.Length > 0 ? p.Commit.Version : p.Id.ToString()[..12])}").ToArray();
        return changed.Length == 0 ? "other parts" : changed.Length > NamedParts ? $"{changed[0]} and {changed.Length - 1} more" : string.Join(", ", changed);
    }

    private sealed record Made(BranchPosition At, ObjectId Commit);
}
