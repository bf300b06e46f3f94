namespace ContentTree.Store.Protocol;

/// <summary>The usual answer has no head: nothing is new.</summary>
/// <param name="State">Whether the device is let in; only an accepted one gets heads.</param>
/// <param name="Interval">Seconds until the next poll.</param>
/// <param name="Root">The server's trust root version; a device with a lower one fetches the chain first.</param>
/// <param name="Head">The signed head, byte for byte; absent when the device has it already.</param>
/// <param name="Transfer">How content is to be fetched; absent when the server does not mind.</param>
/// <param name="Delta">From a commit that the device has to the head's; absent when there is none yet. It saves a request and proves nothing.</param>
/// <param name="Timestamp">Which head is the newest, signed just now, byte for byte; absent when the server's root asks for none.</param>
/// <param name="Assignment">What this device is to do other than to follow its branch, signed, byte for byte; absent when it has it already or there is none.</param>
/// <param name="Private">The branch is private: sign what you ask for, and give nothing of it to neighbours.</param>
/// <param name="Prove">The server does not know the head that the device has: it is to be sent to <see cref="Routes.Heads"/>.</param>
/// <param name="Tell">The server does not know what the device is made of: the next poll is to say so.</param>
/// <param name="Configuration">All values of this device's configuration, signed, byte for byte; absent when it has them already or there never were any.</param>
/// <param name="Drift">What the poll said of its <c>/etc</c> is kept; absent when it said nothing.</param>
public sealed record PollAnswer(
    DeviceState State, long Interval, long Root, RawJson? Head = null, TransferPolicy? Transfer = null, DeltaOffer? Delta = null,
    RawJson? Timestamp = null, RawJson? Assignment = null, bool? Private = null, bool? Prove = null, bool? Tell = null, RawJson? Configuration = null, bool? Drift = null);
