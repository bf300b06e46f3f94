namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>What became of a device that a rollout has reached, as it is kept.</summary>
internal static class OfferState
{
    /// <summary>It was told to update.</summary>
    public const string Offered = "offered";

    /// <summary>It runs the commit, and its health checks passed.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>It fell back from it, or could not take it.</summary>
    public const string Failed = "failed";
}
