namespace ContentTree.Store.Protocol;

/// <summary>An <see cref="OfflineReport"/> with its device's signature.</summary>
/// <param name="Report">The report's bytes, base64 in the file.</param>
/// <param name="Signature">ECDSA P-256 over their SHA-256, DER.</param>
public sealed record SignedReport(byte[] Report, byte[] Signature);
