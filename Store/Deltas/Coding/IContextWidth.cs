namespace ContentTree.Store.Deltas.Coding;

/// <summary>How many contexts take part in a decision and how large their tables are: constants that the compiler folds into the
/// code of each profile.</summary>
internal interface IContextWidth
{
    static abstract int Contexts { get; }

    /// <summary>Whether bytes are coded by halves, each at once, instead of bit by bit.</summary>
    static abstract bool Symbols { get; }

    /// <summary>Tables are this power of two smaller.</summary>
    static abstract int Shrink { get; }
}

internal readonly struct WideContexts : IContextWidth
{
    public static int Contexts => 7;

    public static bool Symbols => false;

    public static int Shrink => 0;
}

internal readonly struct NarrowContexts : IContextWidth
{
    public static int Contexts => 3;

    public static bool Symbols => true;

    public static int Shrink => 2;
}
