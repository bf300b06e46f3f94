namespace ContentTree.Deploy.Transfer;

/// <summary>What a source serves under a name cannot be what was meant; another source may have it.</summary>
internal sealed class WrongSourceException(string message) : Exception(message);
