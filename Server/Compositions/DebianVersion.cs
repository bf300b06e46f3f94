namespace ContentTree.Server.Compositions;

/// <summary>Compares versions as Debian does (deb-version(7)): digits by their number, letters before all else, '~' before even the end.</summary>
internal static class DebianVersion
{
    /// <summary>Below, at or above 0.</summary>
    public static int Compare(string left, string right)
    {
        var (leftEpoch, leftRest) = Epoch(left);
        var (rightEpoch, rightRest) = Epoch(right);
        var byEpoch = CompareNumbers(leftEpoch, rightEpoch);
        if (byEpoch != 0)
            return byEpoch;
        var (leftUpstream, leftRevision) = Revision(leftRest);
        var (rightUpstream, rightRevision) = Revision(rightRest);
        var byUpstream = ComparePart(leftUpstream, rightUpstream);
        return byUpstream != 0 ? byUpstream : ComparePart(leftRevision, rightRevision);
    }

    private static (string Epoch, string Remainder) Epoch(string version) =>
        version.IndexOf(':') is > 0 and var at && version[..at].All(char.IsAsciiDigit) ? (version[..at], version[(at + 1)..]) : ("0", version);

    private static (string Upstream, string Revision) Revision(string version) =>
        version.LastIndexOf('-') is >= 0 and var at ? (version[..at], version[(at + 1)..]) : (version, "");

    // In turns: what is no digit, character by character, then a number.
    private static int ComparePart(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (!left.IsEmpty || !right.IsEmpty)
        {
            while (IsText(left) || IsText(right))
            {
                var order = Weight(left).CompareTo(Weight(right));
                if (order != 0)
                    return order;
                left = left[1..];
                right = right[1..];
            }
            var (leftDigits, rightDigits) = (Digits(left), Digits(right));
            var byNumber = CompareNumbers(left[..leftDigits], right[..rightDigits]);
            if (byNumber != 0)
                return byNumber;
            left = left[leftDigits..];
            right = right[rightDigits..];
        }
        return 0;
    }

    private static bool IsText(ReadOnlySpan<char> text) => !text.IsEmpty && !char.IsAsciiDigit(text[0]);

    private static int Weight(ReadOnlySpan<char> text) => text.IsEmpty || char.IsAsciiDigit(text[0]) ? 0
        : text[0] == '~' ? -1
        : char.IsAsciiLetter(text[0]) ? text[0]
        : text[0] + char.MaxValue;

    private static int Digits(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') is >= 0 and var end ? end : text.Length;

    // Of any length.
    private static int CompareNumbers(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        left = left.TrimStart('0');
        right = right.TrimStart('0');
        return left.Length != right.Length ? left.Length.CompareTo(right.Length) : left.SequenceCompareTo(right);
    }
}
