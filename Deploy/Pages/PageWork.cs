using ContentTree.Deploy.Commands;

namespace ContentTree.Deploy.Pages;

/// <summary>What becomes of the one bundle that the page has, step by step.</summary>
internal abstract record PageWork
{
    private PageWork()
    {
    }

    /// <summary>Something goes on by itself: pages look again, and another bundle has to wait.</summary>
    public bool IsBusy => this is Receiving or Looking or Installing or Clearing;

    /// <summary>Nothing reads the bundle: whoever brought it may take it back.</summary>
    public bool MayBeDiscarded => !IsBusy || this is Looking { WaitsFor: not null };

    /// <summary>There is no bundle.</summary>
    internal sealed record None : PageWork;

    /// <param name="Bytes">Of the whole bundle.</param>
    internal sealed record Receiving(long Bytes) : PageWork;

    /// <summary>Its signatures are verified and its trees are read.</summary>
    /// <param name="Upload">Which one it is: it may be discarded while it waits, and another one comes.</param>
    /// <param name="WaitsFor">Who is at work on the device meanwhile; null while it is done.</param>
    internal sealed record Looking(int Upload, string? WaitsFor = null) : PageWork;

    /// <summary>Its file is being removed.</summary>
    internal sealed record Clearing : PageWork;

    /// <param name="Plan">What installing it takes.</param>
    /// <param name="Problem">Why an attempt to install it has failed.</param>
    internal sealed record Planned(PlanDocument Plan, string? Problem = null) : PageWork;

    /// <param name="Plan">What it takes.</param>
    internal sealed record Installing(PlanDocument Plan) : PageWork;
}
