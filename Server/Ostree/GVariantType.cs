namespace ContentTree.Server.Ostree;

/// <summary>What a type's text says about the bytes of its values.</summary>
internal static class GVariantType
{
    /// <summary>Characters of the first of several types.</summary>
    public static int Length(ReadOnlySpan<char> types)
    {
        var at = 0;
        while (types[at] == 'a')
            at++;
        if (types[at] is not ('(' or '{'))
            return at + 1;
        for (var depth = 0; ; at++)
        {
            depth += types[at] is '(' or '{' ? 1 : types[at] is ')' or '}' ? -1 : 0;
            if (depth == 0)
                return at + 1;
        }
    }

    /// <summary>1, 4 or 8: what of such a value begins at a multiple of it.</summary>
    public static int Alignment(ReadOnlySpan<char> type)
    {
        var alignment = 1;
        foreach (var part in type)
            alignment = Math.Max(alignment, part switch { 't' or 'v' => 8, 'u' => 4, _ => 1 });
        return alignment;
    }

    /// <summary>Bytes of every value; 0 where they vary.</summary>
    public static int FixedSize(ReadOnlySpan<char> type) => type switch
    {
        "y" => 1,
        "u" => 4,
        "t" => 8,
        _ => 0,
    };

    /// <summary>Offsets that a tuple of these members has: one for each that varies, but for the last.</summary>
    public static int OffsetsOf(ReadOnlySpan<char> members)
    {
        var count = 0;
        while (true)
        {
            var length = Length(members);
            if (length == members.Length)
                return count;
            count += FixedSize(members[..length]) == 0 ? 1 : 0;
            members = members[length..];
        }
    }
}
