using ContentTree.Store.Json;

namespace ContentTree.Store.Trust;

/// <summary>What follows a configuration's signatures: it is this device's, not over, and does not go back.</summary>
public static class ConfigurationPolicy
{
    /// <param name="configuration">What came.</param>
    /// <param name="device">Who asks.</param>
    /// <param name="seen">The highest counter accepted here; 0 if there was none.</param>
    /// <param name="present">The configuration that was accepted last; null if there was none or its key is gone.</param>
    /// <param name="time">Now.</param>
    /// <exception cref="VerificationException">The device is not to take it.</exception>
    public static void Require(VerifiedConfiguration configuration, KeyId device, long seen, VerifiedConfiguration? present, TrustedTime time)
    {
        var what = $"configuration of {device}";
        if (configuration.Device != device)
            throw new VerificationException(what, VerificationFailure.OtherDevice, $"it is device {configuration.Device}'s");
        if (configuration.Counter < seen)
            throw new VerificationException(what, VerificationFailure.RolledBack, $"counter {configuration.Counter} is lower than {seen}, which was seen before");
        if (present?.Counter == configuration.Counter && !present.Envelope.SignedBytes.Span.SequenceEqual(configuration.Envelope.SignedBytes.Span))
            throw new VerificationException(what, VerificationFailure.Conflict, $"counter {configuration.Counter} said something else before");
        if (time.IsPast(configuration.Expires))
            throw new VerificationException(what, VerificationFailure.Expired, $"it ended at {UtcSeconds.Format(configuration.Expires)}");
    }
}
