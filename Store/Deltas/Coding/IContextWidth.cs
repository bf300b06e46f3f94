namespace ContentTree.Store.Deltas.Coding;

/// <summary>How many contexts take part in a decision: a constant that the compiler folds into the code of each profile.</summary>
internal interface IContextWidth
{
    static abstract int Contexts { get; }
}

internal readonly struct WideContexts : IContextWidth
{
    public static int Contexts => 7;
}

internal readonly struct NarrowContexts : IContextWidth
{
    public static int Contexts => 4;
}
