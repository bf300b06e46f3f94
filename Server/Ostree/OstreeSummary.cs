using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Ostree;

/// <summary>The file in which a server lists its refs.</summary>
internal static class OstreeSummary
{
    public const string FileName = "summary";

    /// <summary>Longest that is read.</summary>
    public const int MaxBytes = 32 << 20;

    /// <exception cref="FormatException">It is none.</exception>
    public static IReadOnlyDictionary<string, ObjectId> Decode(ReadOnlySpan<byte> bytes)
    {
        var refs = new GVariant(bytes, "(a(s(taya{sv}))a{sv})")[0];
        var found = new Dictionary<string, ObjectId>(StringComparer.Ordinal);
        for (var i = 0; i < refs.Count; i++)
            found[Encoding.UTF8.GetString(refs[i][0].Text)] = OstreeChecksum.Read(refs[i][1][1]);
        return found;
    }
}
