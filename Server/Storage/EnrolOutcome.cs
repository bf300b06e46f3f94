using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>What became of an enrolment.</summary>
internal abstract record EnrolOutcome
{
    private EnrolOutcome()
    {
    }

    /// <summary>The device has a row in this state.</summary>
    /// <param name="Note">What a list said of its serial; empty for nothing.</param>
    public sealed record Known(DeviceState State, bool IsNewKey, string Note = "") : EnrolOutcome;

    /// <summary>The device has a key that has not vouched for this one; nothing was written.</summary>
    public sealed record OtherKey : EnrolOutcome;

    /// <summary>The enrolment token is wrong, used up, ended or revoked; nothing was written.</summary>
    public sealed record BadToken : EnrolOutcome;

    /// <summary>Too many devices wait already.</summary>
    public sealed record TooMany : EnrolOutcome;
}
