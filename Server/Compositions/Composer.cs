using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Compositions;

/// <summary>What became of one composed branch.</summary>
/// <param name="Branch">The branch.</param>
/// <param name="Head">Where it is now; null when it never was anywhere.</param>
/// <param name="IsNew">It has just moved.</param>
/// <param name="Refusal">Why it stays where it is though its parts have moved; null when it does not.</param>
internal sealed record ComposedBranch(BranchName Branch, VerifiedHead? Head, bool IsNew, string? Refusal);

/// <summary>Makes of recipes what their parts come to now, and moves the composed branches there. One round sees every branch at one place.</summary>
internal sealed class Composer
{
    private readonly DataDirectory _data;
    private readonly Branches _branches;
    private readonly TreeTotals _totals;

    // Not to be read from the repository before they are complete there.
    private readonly Dictionary<ObjectId, Tree> _made = [];
    private readonly IReadOnlySet<BranchName> _private;
    private readonly Dictionary<(BranchName, string?), Part?> _parts = [];

    public Composer(DataDirectory data, TimeProvider time)
    {
        _data = data;
        _branches = new Branches(data, time);
        _totals = new TreeTotals(id => _made.GetValueOrDefault(id) ?? data.Repository.ReadTree(id));
        _private = new PrivateBranches(data).Read();
    }

    private sealed record Made(BranchPosition Seen, Composition Composition, ObjectId Commit);

    private sealed record Part(BranchName Branch, long Sequence, ObjectId Id, Commit Commit);

    /// <summary>All branches of all recipes. What they come to is made durable together, then each moves.</summary>
    public IReadOnlyList<ComposedBranch> RunAll(IReadOnlyList<Recipe> recipes, CancellationToken cancellation)
    {
        // Nothing that is composed of is removed meanwhile.
        using var writer = _data.Repository.BeginWriting();
        var made = new List<(ComposedBranch Branch, Made? Next)>();
        foreach (var (recipe, instance) in recipes.SelectMany(recipe => Instances(recipe).Select(instance => (recipe, instance))))
        {
            cancellation.ThrowIfCancellationRequested();
            made.Add(Make(recipe, instance, writer));
        }
        writer.Complete();
        return [.. made.Select(m => m.Next is { } next ? Move(next, writer) : m.Branch)];
    }

    // The names for which the lines with '*' that may not be left out, or else those that may, have a branch.
    private IReadOnlyList<string> Instances(Recipe recipe)
    {
        if (!recipe.IsPattern)
            return [""];
        var lines = recipe.Lines.Where(l => l.Branch.Contains(Recipe.Wildcard, StringComparison.Ordinal)).ToArray();
        var needed = lines.Where(l => !l.IsOptional).ToArray();
        var found = _branches.List().Where(branch => recipe.InstanceOf(branch) is null)
            .SelectMany(branch => (needed.Length > 0 ? needed : lines).Select(line => (Line: line, Name: Recipe.Instance(line.Branch, branch))))
            .Where(f => f.Name is not null).Distinct().GroupBy(f => f.Name!);
        return [.. found.Where(g => g.Count() >= needed.Length).Select(g => g.Key).Order(StringComparer.Ordinal)];
    }

    private (ComposedBranch Branch, Made? Next) Make(Recipe recipe, string instance, ObjectWriter writer)
    {
        var branch = BranchName.Parse(recipe.Name.Replace(Recipe.Wildcard, instance, StringComparison.Ordinal));
        try
        {
            var (composition, parts) = Resolve(recipe, instance);
            RequireHidden(branch, parts);
            RequireMet(parts);
            var seen = _branches.Read(branch);
            if (seen.Head is { } head && IsAt(head.Commit, composition))
                return (new ComposedBranch(branch, head, false, null), null);
            var commit = Describe(Compose(composition, parts, writer), recipe, parts, seen.Head);
            return (new ComposedBranch(branch, seen.Head, false, null), new Made(seen, composition, Publisher.WriteCommit(commit, writer)));
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return (new ComposedBranch(branch, HeadOf(branch), false, e.Message), null);
        }
    }

    private ComposedBranch Move(Made made, ObjectWriter writer)
    {
        var branch = made.Seen.Branch;
        try
        {
            return new ComposedBranch(branch, _branches.Advance(made.Seen, CompleteClosure.Check(_data.Repository, made.Commit, writer)), true, null);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            // Another server or verb may have composed the same meanwhile.
            var head = HeadOf(branch);
            return new ComposedBranch(branch, head, false, head is not null && IsAt(head.Commit, made.Composition) ? null : e.Message);
        }
    }

    private static bool IsRefusal(Exception e) =>
        e is FormatException or NotFoundException or BranchMovedException or CorruptObjectException or ObjectNotFoundException or VerificationException;

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

    private (Composition Composition, IReadOnlyList<Part> Parts) Resolve(Recipe recipe, string instance)
    {
        var found = new List<(EntryPath Path, Part Part)>();
        foreach (var line in recipe.Lines)
        {
            var branch = line.BranchOf(instance);
            if (Find(branch, line.Version) is { } part)
                found.Add((line.Path, part));
            else if (!line.IsOptional)
                throw new NotFoundException(line.Version is { } version ? $"no version {version} of {branch}" : $"nothing for the fleet on branch {branch}");
        }
        var composition = Composition.Create(found.Select(f => new CompositionInput(f.Path, f.Part.Branch, f.Part.Sequence, f.Part.Id)));
        return (composition, [.. found.Select(f => f.Part)]);
    }

    // A version is what its newest position says; what is for development is taken only by that name.
    private Part? Find(BranchName branch, string? version)
    {
        if (_parts.TryGetValue((branch, version), out var known))
            return known;
        Part? found = null;
        if (_branches.Read(branch).Head is { } newest)
        {
            found = _data.Repository.Heads.ArchivedSequences(branch).Where(s => s <= newest.Sequence).Reverse()
                .Select(sequence => Read(branch, sequence)).FirstOrDefault(part => part is not null && (version is null ? part.Commit.Kind == CommitKind.Release : part.Commit.Version == version));
        }
        _parts.Add((branch, version), found);
        return found;
    }

    // What garbage collection has taken is no version any more; composed branches are no parts of others.
    private Part? Read(BranchName branch, long sequence) =>
        _branches.ReadArchived(branch, sequence) is { } head && _data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)) && head.IsReleased
            ? new Part(branch, head.Sequence, head.Commit, _data.Repository.ReadCommit(head.Commit))
            : null;

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

    // Which head named a part matters to nobody as long as it is the same part.
    private bool IsAt(ObjectId commit, Composition composition)
    {
        var name = new ObjectName(ObjectKind.Commit, commit);
        return _data.Repository.Contains(name) && Composition.Of(_data.Repository.ReadCommit(commit)) is { } present &&
            present.Inputs.Select(i => (i.Path, i.Branch, i.Commit)).SequenceEqual(composition.Inputs.Select(i => (i.Path, i.Branch, i.Commit)));
    }

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
        var before = head is not null && _data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit))
            ? Composition.Of(_data.Repository.ReadCommit(head.Commit))?.Inputs.ToLookup(i => i.Branch, i => i.Commit)
            : null;
        var changed = parts.Where(p => before?[p.Branch].Contains(p.Id) != true).Select(p => $"{p.Branch} {(p.Commit.Version.Length > 0 ? p.Commit.Version : p.Id.ToString()[..12])}").ToArray();
        return changed is [var one] ? one : changed.Length is 0 ? "other parts" : changed.Length > 4 ? $"{changed[0]} and {changed.Length - 1} more" : string.Join(", ", changed);
    }
}
