namespace ContentTree.Store.Deltas.Plans;

/// <summary>Names without their numbers: a kernel module's path moves with every release of it.</summary>
internal static class NameFolding
{
    /// <summary>Every run of digits becomes one '#'.</summary>
    public static string Fold(string name) => string.Create(FoldedLength(name), name, static (target, source) =>
    {
        var at = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (!char.IsAsciiDigit(source[i]))
                target[at++] = source[i];
            else if (i == 0 || !char.IsAsciiDigit(source[i - 1]))
                target[at++] = '#';
        }
    });

    private static int FoldedLength(string name)
    {
        var length = name.Length;
        for (var i = 1; i < name.Length; i++)
        {
            if (char.IsAsciiDigit(name[i]) && char.IsAsciiDigit(name[i - 1]))
                length--;
        }
        return length;
    }
}
