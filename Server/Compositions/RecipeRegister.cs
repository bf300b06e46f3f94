using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Compositions;

/// <summary>Shows and changes the recipes, and has their branches made.</summary>
internal sealed class RecipeRegister(DataDirectory data, TimeProvider time)
{
    private readonly RecipeBook _book = new(data);

    /// <summary>All recipes, each with what has become of its branches after they were brought to where their parts are.</summary>
    public IReadOnlyList<RecipeInfo> List(CancellationToken cancellation)
    {
        var composer = new Composer(data, time);
        return [.. _book.Read().Select(entry => Describe(entry.Key, entry.Value, composer, cancellation))];
    }

    /// <summary>Writes a recipe and makes its branches.</summary>
    /// <exception cref="FormatException">It is none; nothing was changed.</exception>
    public RecipeInfo Set(string name, string text, CancellationToken cancellation)
    {
        _book.Set(name, text);
        return Describe(name, text, new Composer(data, time), cancellation);
    }

    /// <exception cref="NotFoundException">There is none.</exception>
    public void Remove(string name) => _book.Remove(name);

    private static RecipeInfo Describe(string name, string text, Composer composer, CancellationToken cancellation) => new(name, text,
        [.. composer.RunAll([Recipe.Parse(name, text)], cancellation).Select(b => new ComposedBranchInfo(b.Branch, b.Head?.Sequence ?? 0, b.Head?.Commit, b.Refusal))]);
}
