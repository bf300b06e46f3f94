using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>Something that signs with one key: a file here, or a program that asks a token or a key service.</summary>
internal interface ISigner
{
    PublicKey Public { get; }

    /// <summary>Signs the SHA-256 of these bytes.</summary>
    /// <returns>The signature in DER.</returns>
    byte[] Sign(ReadOnlySpan<byte> data);
}
