namespace ContentTree.Server.Publishing.Sources;

/// <summary>What a source names by its checksum is missing there, is something else, or is not what was expected (exit code 14).</summary>
internal sealed class DamagedSourceException(string source, string reason) : Exception($"{source}: {reason}; nothing was published");
