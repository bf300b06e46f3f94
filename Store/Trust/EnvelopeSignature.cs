namespace ContentTree.Store.Trust;

/// <summary>One signature of an envelope: a claim until a trusted key of that id confirms it.</summary>
/// <param name="KeyId">The key that is said to have signed.</param>
/// <param name="Der">The ECDSA signature in DER.</param>
public sealed record EnvelopeSignature(KeyId KeyId, ReadOnlyMemory<byte> Der);
