namespace ContentTree.Server.Storage;

/// <summary>A database that is to be filled has something in it, is in use, or is the one that it would be filled from.</summary>
internal sealed class DatabaseTakenException(string message) : Exception(message);
