using System.Globalization;

namespace ContentTree.BootFile;

/// <summary>
/// A deployment's name, <c>&lt;n&gt;-&lt;commit8&gt;</c>: a number that rises and is never reused, and the first eight hex
/// digits of its commit. It is safe as a single path segment.
/// </summary>
public readonly record struct DeploymentName : IComparable<DeploymentName>
{
    /// <summary>Hex digits of the commit in a name.</summary>
    public const int PrefixSize = 8;

    private const int MaxNumberDigits = 19;

    private readonly string? _prefix;

    /// <param name="number">Above zero, at most <see cref="long.MaxValue"/>.</param>
    /// <param name="commit">A commit id, or its first eight digits: lower-case hex.</param>
    public DeploymentName(ulong number, string commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        if (number is 0 or > long.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(number), number, "a deployment's number is above zero and below 2^63");
        if (commit.Length < PrefixSize || !Text.IsLowerHex(commit))
            throw new ArgumentException($"'{commit}' does not start a commit id", nameof(commit));
        Number = number;
        _prefix = commit[..PrefixSize];
    }

    /// <summary>Rises with every deployment on a device; the newest has the highest.</summary>
    public ulong Number { get; }

    /// <summary>The first eight hex digits of the commit.</summary>
    public string CommitPrefix => _prefix ?? "";

    /// <summary>Reads exactly what <see cref="ToString"/> writes: no leading zero, no upper case, no second spelling.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DeploymentName name)
    {
        name = default;
        var dash = text.IndexOf('-');
        if (dash is < 1 or > MaxNumberDigits || text.Length != dash + 1 + PrefixSize || text[0] == '0')
            return false;
        // The framework's parser passes over NULs behind a number.
        if (text[..dash].ContainsAnyExceptInRange('0', '9') || !ulong.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > long.MaxValue)
            return false;
        var prefix = text[(dash + 1)..];
        if (!Text.IsLowerHex(prefix))
            return false;
        name = new DeploymentName(number, prefix.ToString());
        return true;
    }

    /// <exception cref="FormatException">The text is no deployment name.</exception>
    public static DeploymentName Parse(ReadOnlySpan<char> text) => TryParse(text, out var name)
        ? name
        : throw new FormatException($"'{Text.Printable(text)}' is no deployment name: a number, '-' and 8 lower-case hex digits");

    /// <summary>Oldest first.</summary>
    public int CompareTo(DeploymentName other)
    {
        var order = Number.CompareTo(other.Number);
        return order != 0 ? order : string.CompareOrdinal(CommitPrefix, other.CommitPrefix);
    }

    public static bool operator <(DeploymentName left, DeploymentName right) => left.CompareTo(right) < 0;

    public static bool operator >(DeploymentName left, DeploymentName right) => left.CompareTo(right) > 0;

    public static bool operator <=(DeploymentName left, DeploymentName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(DeploymentName left, DeploymentName right) => left.CompareTo(right) >= 0;

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture) + "-" + CommitPrefix;
}
