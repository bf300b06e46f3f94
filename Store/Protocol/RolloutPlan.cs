namespace ContentTree.Store.Protocol;

/// <summary>How a commit goes out to many devices.</summary>
/// <param name="Waves">One after the other; the last one need not be everybody.</param>
/// <param name="Success">So many in a hundred of the devices reached so far must be confirmed before the next wave; 90 when absent.</param>
/// <param name="Soak">Seconds between that and the next wave; 3600 when absent.</param>
/// <param name="MaxFailures">At so many failed devices it stops: a number, or a share such as <c>5%</c> of the devices reached so far (at least one); 5 % when absent.</param>
/// <param name="OnFailure">What stopping means: <c>pause</c> or <c>revert</c>; pause when absent.</param>
/// <param name="Concurrent">Devices that update at the same time, at most; any number when absent.</param>
/// <param name="Window">Hours, UTC, in which devices begin: <c>22:00-04:00</c>; always when absent.</param>
/// <param name="Approval">When somebody must approve: <c>start</c> or <c>each</c> wave; never when absent.</param>
/// <param name="Patience">Seconds after which a device that says nothing is not waited for; a day when absent.</param>
public sealed record RolloutPlan(
    IReadOnlyList<RolloutWave> Waves, int? Success = null, long? Soak = null, string? MaxFailures = null, string? OnFailure = null, int? Concurrent = null,
    string? Window = null, string? Approval = null, long? Patience = null);
