using ContentTree.Server.Fleet.Policies;

namespace ContentTree.Server.Fleet.Transfers;

/// <summary>Of whose downloads something is said: <c>fleet</c>, or a scope of policies.</summary>
internal static class TransferScope
{
    public const string Fleet = "fleet";

    /// <exception cref="FormatException">It is none.</exception>
    public static string Checked(string? text) => text switch
    {
        Fleet => Fleet,
        not null when text.Contains(':', StringComparison.Ordinal) => PolicyScope.Parse(text).ToString() ?? "",
        _ => throw new FormatException($"'{text}' is none of fleet, branch:NAME, group:NAME and device:ID"),
    };
}
