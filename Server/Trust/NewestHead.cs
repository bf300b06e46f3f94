namespace ContentTree.Server.Trust;

/// <summary>A branch's newest head file, and the timestamp file that says so; null where the root asks for none or no key is at hand.</summary>
internal sealed record NewestHead(byte[] Head, byte[]? Timestamp);
