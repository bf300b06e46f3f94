namespace ContentTree.Store.Objects;

/// <summary>What a name in a tree stands for. The kinds below are all there are.</summary>
public abstract record TreeEntry
{
    private TreeEntry(EntryName name) => Name = name;

    public EntryName Name { get; }

    /// <summary>A regular file: its content is the file object <see cref="Id"/>, <see cref="Size"/> bytes long.</summary>
    public sealed record File(EntryName Name, Metadata Metadata, long Size, ObjectId Id) : TreeEntry(Name);

    /// <summary>A symbolic link. The target is bytes as readlink(2) gives them, 1 to <see cref="MaxTarget"/>.</summary>
    public sealed record Symlink(EntryName Name, Metadata Metadata, byte[] Target) : TreeEntry(Name)
    {
        /// <summary>The kernel's PATH_MAX without the final NUL.</summary>
        public const int MaxTarget = 4095;
    }

    /// <summary>A directory. Its metadata stands in its own tree object.</summary>
    public sealed record Directory(EntryName Name, ObjectId Id) : TreeEntry(Name);

    /// <summary>A character or block device node.</summary>
    public sealed record Device(EntryName Name, Metadata Metadata, bool IsBlock, uint Major, uint Minor) : TreeEntry(Name);

    /// <summary>A named pipe.</summary>
    public sealed record Fifo(EntryName Name, Metadata Metadata) : TreeEntry(Name);
}
