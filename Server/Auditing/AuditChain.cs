using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Auditing;

/// <summary>The chain of hashes: what makes a changed, missing or added entry show (docs/protocol.md, "Audit log").</summary>
internal static class AuditChain
{
    /// <summary>SHA-256 of the hash before it, a newline, and the entry as JSON with sorted names and no spaces.</summary>
    public static string Hash(string before, AuditEntry entry)
    {
        string[] fields =
        [
            Text("actor", entry.Actor), Text("address", entry.Address), Text("after", entry.After), Text("before", entry.Before), $"\"number\":{Digits(entry.Number)}",
            Text("reason", entry.Reason), Text("subject", entry.Subject), $"\"time\":{Digits(entry.Time.ToUnixTimeSeconds())}", Text("verb", entry.Verb),
        ];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{before}\n{{{string.Join(',', fields)}}}")));
    }

    /// <summary>Looks through a log.</summary>
    /// <param name="entries">All of it, oldest first.</param>
    /// <param name="heads">What is known of it from elsewhere: entries that it must have.</param>
    /// <returns>How many entries there are, the last one, and what is wrong first; null where nothing is.</returns>
    public static (long Count, AuditHead? Last, string? Broken) Verify(IEnumerable<AuditEntry> entries, IReadOnlyList<AuditHead> heads)
    {
        var (count, last) = (0L, (AuditHead?)null);
        foreach (var entry in entries)
        {
            if (entry.Number != (last?.Number ?? 0) + 1)
                return (count, last, $"entry {(last?.Number ?? 0) + 1} is missing: {(last is null ? "the log" : $"after {last.Number} it")} goes on with {entry.Number}");
            if (Hash(last?.Hash ?? "", entry) != entry.Hash)
                return (count, last, $"entry {entry.Number} is not as it was written: its hash does not fit");
            if (heads.FirstOrDefault(h => h.Number == entry.Number && h.Hash != entry.Hash) is not null)
                return (count, last, $"entry {entry.Number} is another one than is known: the log was written anew from there or from before");
            (count, last) = (count + 1, new AuditHead(entry.Number, entry.Hash));
        }
        return (count, last, heads.FirstOrDefault(h => h.Number > (last?.Number ?? 0)) is { } known ? $"entry {(last?.Number ?? 0) + 1} is missing: the log ends at {last?.Number ?? 0} and had {known.Number}" : null);
    }

    // No library promises how it escapes for ever.
    private static string Text(string name, string value) =>
        $"\"{name}\":\"{string.Concat(value.Select(c => c is '"' or '\\' ? $"\\{c}" : c < ' ' ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : $"{c}"))}\"";

    private static string Digits(long number) => number.ToString(CultureInfo.InvariantCulture);
}
