using ContentTree.Store.Objects;

namespace ContentTree.Server.Compositions;

/// <summary>One line of a recipe: a branch's tree goes to a path.</summary>
/// <param name="Path">Where; the root for the base.</param>
/// <param name="Branch">The branch, or a pattern with one '*' for the name of an instance.</param>
/// <param name="Version">The version that is wanted; null takes the newest one for the fleet.</param>
/// <param name="IsOptional">Left out where there is no such branch.</param>
internal sealed record RecipeLine(EntryPath Path, string Branch, string? Version, bool IsOptional)
{
    /// <summary>The branch of one instance.</summary>
    public BranchName BranchOf(string instance) => BranchName.Parse(Branch.Replace(Recipe.Wildcard, instance, StringComparison.Ordinal));
}

/// <summary>
/// What composed branches are made of: "/ = os/stable", "/opt/scope = software/scope@1.4", "/etc/fec ?= config/*" (docs/operations.md
/// "Composition"). A name with '*' makes a branch for each name that the lines with '*' find.
/// </summary>
internal sealed class Recipe
{
    public const string Wildcard = "*";
    public const int MaxTextLength = 64 * 1024;

    // Stands for any instance where a pattern is checked.
    private const string AnyInstance = "x";

    private Recipe(string name, IReadOnlyList<RecipeLine> lines) => (Name, Lines) = (name, lines);

    /// <summary>The composed branch, or a pattern of such with one '*' as a whole segment.</summary>
    public string Name { get; }

    public IReadOnlyList<RecipeLine> Lines { get; }

    public bool IsPattern => Name.Contains(Wildcard, StringComparison.Ordinal);

    /// <exception cref="FormatException">A line cannot be used; the message names it.</exception>
    public static Recipe Parse(string name, string text)
    {
        if (!IsBranchPattern(name))
            throw new FormatException($"'{name}' is no branch name, and none with one '*' as a segment");
        if (text.Length > MaxTextLength)
            throw new FormatException($"a recipe of more than {MaxTextLength} characters");
        var lines = new List<RecipeLine>();
        foreach (var (line, number) in text.Split('\n').Select((line, i) => (Uncommented(line), i + 1)).Where(l => l.Item1.Length > 0))
        {
            try
            {
                lines.Add(ParseLine(line));
            }
            catch (FormatException e)
            {
                throw new FormatException($"line {number} of the recipe: {e.Message}", e);
            }
        }
        return Checked(new Recipe(name, lines));
    }

    /// <summary>The branch that it makes for a name; without a '*' the only name is the empty one.</summary>
    public BranchName BranchOf(string instance) => BranchName.Parse(Name.Replace(Wildcard, instance, StringComparison.Ordinal));

    /// <summary>Whether all branches that a name stands for have names that branches may have.</summary>
    public bool CanMake(string instance) => Lines.Select(line => line.Branch).Append(Name)
        .All(pattern => BranchName.TryParse(pattern.Replace(Wildcard, instance, StringComparison.Ordinal), out BranchName _));

    /// <summary>The name that stands for '*' in a branch; null where the pattern does not fit.</summary>
    public static string? Instance(string pattern, BranchName branch)
    {
        var text = branch.ToString();
        var star = pattern.IndexOf(Wildcard, StringComparison.Ordinal);
        if (star < 0)
            return text == pattern ? "" : null;
        var (before, after) = (pattern[..star], pattern[(star + 1)..]);
        var fits = text.Length > before.Length + after.Length && text.StartsWith(before, StringComparison.Ordinal) && text.EndsWith(after, StringComparison.Ordinal);
        return fits && text[before.Length..^after.Length] is var name && !name.Contains('/') ? name : null;
    }

    /// <summary>Composed branches are no parts of others: else two could make each other anew for ever.</summary>
    /// <exception cref="FormatException">One is; names it.</exception>
    public static void RequireApart(IReadOnlyCollection<Recipe> recipes)
    {
        foreach (var (recipe, line) in recipes.SelectMany(recipe => recipe.Lines.Select(line => (recipe, line))))
        {
            if (recipes.FirstOrDefault(other => Overlap(line.Branch, other.Name)) is { } made)
                throw new FormatException($"recipe {recipe.Name}: '{line.Branch}' is, or may be, a branch that recipe {made.Name} composes, and composed branches are no parts of others");
        }
    }

    private static bool Overlap(string left, string right)
    {
        var (a, b) = (left.Split('/'), right.Split('/'));
        return a.Length == b.Length && a.Zip(b).All(pair => pair.First == pair.Second || pair.First == Wildcard || pair.Second == Wildcard);
    }

    // A '#' within a word is one of its characters.
    private static string Uncommented(string line)
    {
        for (var at = line.IndexOf('#'); at >= 0; at = line.IndexOf('#', at + 1))
        {
            if (at == 0 || char.IsWhiteSpace(line[at - 1]))
                return line[..at].Trim();
        }
        return line.Trim();
    }

    private static RecipeLine ParseLine(string line)
    {
        var parts = line.Split('=', 2, StringSplitOptions.TrimEntries);
        if (parts is not [[.. var place] and not [], { Length: > 0 } source])
            throw new FormatException("it is not PATH = BRANCH, PATH = BRANCH@VERSION or PATH ?= BRANCH");
        var isOptional = place.EndsWith('?');
        var path = (isOptional ? place[..^1] : place).Trim();
        if (!path.StartsWith('/'))
            throw new FormatException($"'{path}' does not begin with '/'");
        var at = source.IndexOf('@');
        var (branch, version) = at < 0 ? (source, null) : (source[..at], source[(at + 1)..]);
        if (!IsBranchPattern(branch))
            throw new FormatException($"'{branch}' is no branch name");
        if (version is { Length: 0 })
            throw new FormatException("there is no version behind '@'");
        return new RecipeLine(EntryPath.Parse(path[1..]), branch, version, isOptional);
    }

    private static Recipe Checked(Recipe recipe)
    {
        if (recipe.Lines.FirstOrDefault(l => l.Path.Names.Count == 0) is not { IsOptional: false })
            throw new FormatException("the recipe has no base: a line '/ = BRANCH'");
        if (recipe.Lines.Count > Composition.MaxInputs)
            throw new FormatException($"the recipe has more than {Composition.MaxInputs} lines");
        if (recipe.Lines.GroupBy(l => l.Path).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new FormatException($"{twice.Key} stands there twice");
        if (recipe.IsPattern != recipe.Lines.Any(l => l.Branch.Contains(Wildcard, StringComparison.Ordinal)))
            throw new FormatException("'*' stands either in the name and in a line, or in neither: it is the same name in both");
        RequireApart([recipe]);
        return recipe;
    }

    private static bool IsBranchPattern(string text) => text.Count(c => c == '*') <= 1 && text.Split('/').All(s => !s.Contains('*') || s == Wildcard) &&
        BranchName.TryParse(text.Replace(Wildcard, AnyInstance, StringComparison.Ordinal), out _);
}
