namespace ContentTree.Store.Trees;

/// <summary>A source file was written to while it was being read, so what would be published never existed.</summary>
public sealed class SourceChangedException(string path) : Exception($"{path}: changed while it was read; publish from a directory that nobody writes to");

/// <summary>A source holds something that no tree can: a socket, an unreadable file, too many attributes.</summary>
public sealed class UnsupportedSourceException(string path, string reason) : Exception($"{path}: {reason}");
