using System.Buffers;

namespace ContentTree.BootFile;

/// <summary>What the small text files of the boot side have in common.</summary>
internal static class Text
{
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    public static bool IsLowerHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(LowerHex);

    /// <summary>For messages: at most 40 characters, each printable ASCII, so that garbage cannot reach a console.</summary>
    public static string Printable(ReadOnlySpan<char> text)
    {
        var shown = text.Length > 40 ? text[..40] : text;
        return string.Create(shown.Length, shown, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
                target[i] = source[i] is >= ' ' and <= '~' ? source[i] : '?';
        });
    }

    /// <summary>Splits <c>key=value</c>; false when there is no '=' or no key.</summary>
    public static bool TrySplit(ReadOnlySpan<char> line, out ReadOnlySpan<char> key, out ReadOnlySpan<char> value)
    {
        var equals = line.IndexOf('=');
        key = equals > 0 ? line[..equals] : default;
        value = equals > 0 ? line[(equals + 1)..] : default;
        return equals > 0;
    }
}
