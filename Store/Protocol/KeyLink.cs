namespace ContentTree.Store.Protocol;

/// <summary>One of the keys that a device has had.</summary>
/// <param name="PublicKey">The key as PEM.</param>
/// <param name="Signature">By the key before it, over the text that names it and the device (docs/protocol.md); absent on the first.</param>
public sealed record KeyLink(string PublicKey, byte[]? Signature = null);
