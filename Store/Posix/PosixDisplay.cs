using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace ContentTree.Store;

public static partial class Posix
{
    /// <summary>
    /// A name as text. Names that are UTF-8 without control characters show as they are; in others every byte outside
    /// printable ASCII shows as \xNN, in lower case. Different names show differently: a backslash that would read as such an escape is one itself.
    /// </summary>
    public static string Display(ReadOnlySpan<byte> name)
    {
        if (Utf8.IsValid(name) && Encoding.UTF8.GetString(name) is var plain && !plain.Any(char.IsControl) && !LooksEscaped(name))
            return plain;
        var text = new StringBuilder();
        for (var i = 0; i < name.Length; i++)
            text = IsPrintable(name[i]) && !IsEscape(name[i..]) ? text.Append((char)name[i]) : text.Append("\\x").Append(name[i].ToString("x2", CultureInfo.InvariantCulture));
        return text.ToString();
    }

    private static bool LooksEscaped(ReadOnlySpan<byte> name)
    {
        for (var at = name.IndexOf((byte)'\\'); at >= 0 && at < name.Length; at++)
        {
            if (IsEscape(name[at..]))
                return true;
        }
        return false;
    }

    // systemd's \x2d is none: what is printable was never escaped.
    private static bool IsEscape(ReadOnlySpan<byte> text) =>
        text is [(byte)'\\', (byte)'x', var high, var low, ..] && high is not (>= (byte)'A' and <= (byte)'F') && low is not (>= (byte)'A' and <= (byte)'F') &&
        byte.TryParse([high, low], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && (!IsPrintable(value) || value == '\\');

    private static bool IsPrintable(byte value) => value is >= 32 and < 127;
}
