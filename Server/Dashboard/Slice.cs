using System.Globalization;

namespace ContentTree.Server.Dashboard;

/// <summary>Which part of a list a page shows, where the whole would be more than a browser should be sent.</summary>
/// <param name="From">How many are on earlier pages.</param>
/// <param name="Count">How many this page has.</param>
/// <param name="All">How many there are.</param>
internal abstract record Slice(int From, int Count, int All)
{
    public int Next => From + Count;

    public int Left => All - Next;

    /// <summary>The part that the address asks for.</summary>
    public static Slice<T> Of<T>(Visitor visitor, IReadOnlyList<T> all, int size)
    {
        var from = int.TryParse(visitor.Query("from"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < all.Count ? number : 0;
        return new Slice<T>([.. all.Skip(from).Take(size)], from, all.Count);
    }
}

/// <summary>The same with what it shows.</summary>
internal sealed record Slice<T>(IReadOnlyList<T> Rows, int From, int All) : Slice(From, Rows.Count, All);
