using ContentTree.Store.Json;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>What follows an assignment's signatures: it is this device's, on this branch, not over, and does not go back.</summary>
public static class AssignmentPolicy
{
    /// <param name="assignment">What came.</param>
    /// <param name="device">Who asks.</param>
    /// <param name="branch">What it follows.</param>
    /// <param name="seen">The highest counter accepted here; 0 if there was none.</param>
    /// <param name="present">The assignment that was accepted last; null if there was none or its key is gone.</param>
    /// <param name="time">Now.</param>
    /// <exception cref="VerificationException">The device is not to obey it.</exception>
    public static void Require(VerifiedAssignment assignment, KeyId device, BranchName branch, long seen, VerifiedAssignment? present, TrustedTime time)
    {
        var what = $"assignment of {device}";
        if (assignment.Device != device)
            throw new VerificationException(what, VerificationFailure.OtherDevice, $"it is device {assignment.Device}'s");
        if (assignment.Branch != branch)
            throw new VerificationException(what, VerificationFailure.WrongBranch, $"it is about {assignment.Branch}");
        if (assignment.Counter < seen)
            throw new VerificationException(what, VerificationFailure.RolledBack, $"counter {assignment.Counter} is lower than {seen}, which was seen before");
        if (present?.Counter == assignment.Counter && !present.Envelope.SignedBytes.Span.SequenceEqual(assignment.Envelope.SignedBytes.Span))
            throw new VerificationException(what, VerificationFailure.Conflict, $"counter {assignment.Counter} said something else before");
        if (time.IsPast(assignment.Expires))
            throw new VerificationException(what, VerificationFailure.Expired, $"it ended at {UtcSeconds.Format(assignment.Expires)}");
    }
}
