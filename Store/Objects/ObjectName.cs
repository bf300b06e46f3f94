namespace ContentTree.Store.Objects;

/// <summary>An object's id together with its kind: enough to find it in a repository or on the wire.</summary>
public readonly record struct ObjectName(ObjectKind Kind, ObjectId Id)
{
    /// <summary>Bytes of the longest suffix.</summary>
    internal const int MaxSuffix = 7;

    /// <summary>".file", ".tree" or ".commit".</summary>
    public string Suffix => Kind switch
    {
        ObjectKind.File => ".file",
        ObjectKind.Tree => ".tree",
        _ => ".commit",
    };

    /// <summary>The path below a repository: <c>objects/ab/(62 hex).kind</c>.</summary>
    public string RelativePath
    {
        get
        {
            var hex = Id.ToString();
            return $"objects/{hex[..2]}/{hex[2..]}{Suffix}";
        }
    }

    /// <summary>Reads the text form, <c>(64 hex).kind</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ObjectName name)
    {
        name = default;
        if (text.Length <= ObjectId.HexSize || !ObjectId.TryParse(text[..ObjectId.HexSize], out var id))
            return false;
        ObjectKind? kind = text[ObjectId.HexSize..] switch
        {
            ".file" => ObjectKind.File,
            ".tree" => ObjectKind.Tree,
            ".commit" => ObjectKind.Commit,
            _ => null,
        };
        if (kind is null)
            return false;
        name = new ObjectName(kind.Value, id);
        return true;
    }

    /// <summary><c>(64 hex).kind</c></summary>
    public override string ToString() => Id + Suffix;
}
