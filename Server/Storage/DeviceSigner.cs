using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>Whom a key speaks for.</summary>
/// <param name="Device">The device.</param>
/// <param name="Key">The key itself.</param>
/// <param name="State">What was decided about the device.</param>
/// <param name="IsNext">It takes the present key's place once it has signed a request.</param>
internal sealed record DeviceSigner(KeyId Device, PublicKey Key, DeviceState State, bool IsNext);
