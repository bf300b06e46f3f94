using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Compositions;

/// <summary>Shows and changes the recipes, and has their branches made.</summary>
internal sealed class RecipeRegister(DataDirectory data, TimeProvider time)
{
    private readonly RecipeBook _book = new(data);

    /// <summary>All recipes, and where their branches are.</summary>
    public IReadOnlyList<RecipeInfo> List(CancellationToken cancellation) => Describe((recipes, stop) => Composer.Look(data, time, recipes, stop), cancellation);

    /// <summary>Brings all branches to where their parts are.</summary>
    public IReadOnlyList<RecipeInfo> Update(CancellationToken cancellation) => Describe((recipes, stop) => Composer.RunAll(data, time, recipes, stop), cancellation);

    /// <summary>Writes a recipe and makes its branches.</summary>
    /// <exception cref="FormatException">It is none; nothing was changed.</exception>
    public RecipeInfo Set(string name, string text, CancellationToken cancellation, Action<string?>? check = null)
    {
        _book.Set(name, text, check);
        return Describe(name, text, Composer.RunAll(data, time, [Recipe.Parse(name, text)], cancellation.ThrowIfCancellationRequested));
    }

    /// <exception cref="NotFoundException">There is none.</exception>
    public void Remove(string name, Action<string?>? check = null) => _book.Remove(name, check);

    private RecipeInfo[] Describe(Func<IReadOnlyList<Recipe>, Action, IReadOnlyList<ComposedBranch>> look, CancellationToken cancellation)
    {
        var texts = _book.Read();
        var recipes = _book.Load();
        var branches = look(recipes, cancellation.ThrowIfCancellationRequested).ToLookup(b => recipes.First(r => Recipe.Instance(r.Name, b.Branch) is not null).Name);
        return [.. recipes.Select(r => Describe(r.Name, texts[r.Name], branches[r.Name]))];
    }

    private static RecipeInfo Describe(string name, string text, IEnumerable<ComposedBranch> branches) => new(name, text,
        [.. branches.Select(b => new ComposedBranchInfo(b.Branch, b.Head?.Sequence ?? 0, b.Head?.Commit, b.Refusal, b.IsBehind ? true : null))]);
}
