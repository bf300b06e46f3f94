namespace ContentTree.Server.Publishing.Sources;

/// <summary>Where a source comes from does not answer, or does not give it to us (exit code 13).</summary>
internal sealed class SourceUnreachableException(string message) : Exception(message);
