namespace ContentTree.Store.Objects;

/// <summary>A path inside a tree, below its root: names, never text. The root itself has none.</summary>
public sealed class EntryPath : IEquatable<EntryPath>
{
    private EntryPath(IReadOnlyList<EntryName> names) => Names = names;

    /// <summary>The directories on the way, and last the entry's own name.</summary>
    public IReadOnlyList<EntryName> Names { get; }

    public static EntryPath Root { get; } = new([]);

    /// <summary>Reads "a/b" as archives write it: "./" before and "/" behind it mean nothing.</summary>
    /// <exception cref="FormatException">Absolute, "..", or names that no directory can hold; the message says which.</exception>
    public static EntryPath Parse(ReadOnlySpan<byte> path)
    {
        if (path.StartsWith("/"u8))
            throw new FormatException("is an absolute path");
        var names = new List<EntryName>();
        foreach (var range in path.Split((byte)'/'))
        {
            var name = path[range];
            if (name.IsEmpty || name.SequenceEqual("."u8))
                continue;
            if (name.SequenceEqual(".."u8))
                throw new FormatException("leads out of the tree by '..'");
            names.Add(EntryName.Create(name));
        }
        return names.Count <= Tree.MaxDepth ? new EntryPath(names) : throw new FormatException($"is nested deeper than {Tree.MaxDepth} directories");
    }

    /// <summary>A path that is known to be one.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static EntryPath Parse(string path) => Parse(System.Text.Encoding.UTF8.GetBytes(path));

    /// <summary>The directory that holds it; of the root the root.</summary>
    public EntryPath Parent => Names.Count > 1 ? FirstNames(Names.Count - 1) : Root;

    /// <summary>The first names of it.</summary>
    public EntryPath FirstNames(int count) => new([.. Names.Take(count)]);

    /// <summary>What is left of it below the first names.</summary>
    public EntryPath After(int count) => count == 0 ? this : new([.. Names.Skip(count)]);

    /// <exception cref="FormatException">It would be deeper than what is in a tree's deepest directory.</exception>
    public EntryPath Append(EntryName name) => Names.Count <= Tree.MaxDepth ? new([.. Names, name]) : throw new FormatException($"{this} is nested deeper than {Tree.MaxDepth} directories");

    public bool Equals(EntryPath? other) => other is not null && Names.SequenceEqual(other.Names);

    public override bool Equals(object? obj) => Equals(obj as EntryPath);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var name in Names)
            hash.Add(name);
        return hash.ToHashCode();
    }

    /// <summary>For people: bytes that are not UTF-8 show as \xNN.</summary>
    public override string ToString() => "/" + string.Join('/', Names);
}
