using System.Buffers;

namespace ContentTree.Store.Objects;

/// <summary>
/// A branch's name: segments of <c>[A-Za-z0-9._-]</c> joined by '/', 200 bytes at most. No segment is "." or "..",
/// starts with '-' (a program would read it as an option) or ends in ".json" (a head's file does).
/// </summary>
public readonly record struct BranchName
{
    private const int MaxLength = 200;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    private readonly string? _text;

    private BranchName(string text) => _text = text;

    public static bool TryParse(string? text, out BranchName name)
    {
        name = default;
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength || !text.Split('/').All(IsSegment))
            return false;
        name = new BranchName(text);
        return true;
    }

    /// <exception cref="FormatException">The text is no branch name.</exception>
    public static BranchName Parse(string? text) => TryParse(text, out var name)
        ? name
        : throw new FormatException($"'{text}' is no branch name: letters, digits, '.', '_' and '-' in segments joined by '/'");

    public override string ToString() => _text ?? "";

    private static bool IsSegment(string segment) =>
        segment is not ("" or "." or "..") && segment[0] != '-' && !segment.EndsWith(".json", StringComparison.Ordinal) &&
        !segment.AsSpan().ContainsAnyExcept(Allowed);
}
