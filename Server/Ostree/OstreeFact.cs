namespace ContentTree.Server.Ostree;

/// <summary>What an <see cref="OstreeMap"/> remembers. The numbers stand in its database.</summary>
internal enum OstreeFact
{
    /// <summary>Of a content object's checksum: our file or symlink.</summary>
    ImportedFile = 1,

    /// <summary>Of a dirtree's and a dirmeta's checksums: our tree.</summary>
    ImportedTree = 2,

    /// <summary>Of our file and the hash of its metadata: the content object's checksum.</summary>
    ExportedFile = 3,

    /// <summary>Of our tree: the checksums of dirtree and dirmeta.</summary>
    ExportedTree = 4,
}
