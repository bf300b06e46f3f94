using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Ostree;

/// <summary>A commit of OSTree: a root directory and what is said about it.</summary>
internal sealed record OstreeCommit
{
    /// <summary>Longest that is read; some carry lists of packages, and of the sizes of all objects.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>The key under which an export says which of our commits it is.</summary>
    public const string CommitKey = "contenttree.commit";

    private const string VersionKey = "version";
    private const string BindingKey = "ostree.ref-binding";
    private const string Type = "(a{sv}aya(say)sstayay)";

    public required ObjectId Root { get; init; }

    public required ObjectId RootMetadata { get; init; }

    public ObjectId? Parent { get; init; }

    public string Subject { get; init; } = "";

    public string Body { get; init; } = "";

    /// <summary>Seconds since 1970.</summary>
    public ulong Timestamp { get; init; }

    /// <summary>As people know it; empty where it does not say.</summary>
    public string Version { get; init; } = "";

    /// <summary>The refs it was made for; null where it does not say.</summary>
    public IReadOnlyList<string>? Refs { get; init; }

    /// <summary>Our commit that it is an export of; empty for all others.</summary>
    public string Exported { get; init; } = "";

    /// <exception cref="FormatException">It is none.</exception>
    public static OstreeCommit Decode(ReadOnlySpan<byte> bytes)
    {
        var value = new GVariant(bytes, Type);
        var metadata = value[0];
        return new OstreeCommit
        {
            Root = OstreeChecksum.Read(value[6]),
            RootMetadata = OstreeChecksum.Read(value[7]),
            Parent = value[1].Bytes.IsEmpty ? null : OstreeChecksum.Read(value[1]),
            Subject = Encoding.UTF8.GetString(value[3].Text),
            Body = Encoding.UTF8.GetString(value[4].Text),
            Timestamp = value[5].Number64,
            Version = TextOf(metadata, VersionKey),
            Refs = Find(metadata, BindingKey, "as", out var refs) ? Texts(refs) : null,
            Exported = TextOf(metadata, CommitKey),
        };
    }

    public byte[] Encode()
    {
        var metadata = new List<GVariantValue>();
        if (Version.Length > 0)
            metadata.Add(Entry(VersionKey, "s", GVariantValue.Text(Version)));
        if (Refs is not null)
            metadata.Add(Entry(BindingKey, "as", GVariantValue.Array(1, Refs.Select(GVariantValue.Text))));
        if (Exported.Length > 0)
            metadata.Add(Entry(CommitKey, "s", GVariantValue.Text(Exported)));
        return GVariantValue.Tuple(
            GVariantValue.Array(8, metadata), Parent is { } parent ? OstreeChecksum.Write(parent) : GVariantValue.ByteArray([]), GVariantValue.Array(1, []),
            GVariantValue.Text(Subject), GVariantValue.Text(Body), GVariantValue.Number(Timestamp),
            OstreeChecksum.Write(Root), OstreeChecksum.Write(RootMetadata)).Bytes;
    }

    private static GVariantValue Entry(string key, string type, GVariantValue value) =>
        GVariantValue.Tuple(GVariantValue.Text(key), GVariantValue.Variant(type, value));

    private static string TextOf(GVariant metadata, string key) => Find(metadata, key, "s", out var value) ? Encoding.UTF8.GetString(value.Text) : "";

    // What is there under another type is not what this program means by the key.
    private static bool Find(GVariant metadata, string key, string type, out GVariant value)
    {
        for (var i = 0; i < metadata.Count; i++)
        {
            if (Ascii.Equals(metadata[i][0].Text, key) && metadata[i][1].TryUnwrap(type, out value))
                return true;
        }
        value = default;
        return false;
    }

    private static string[] Texts(GVariant array)
    {
        var texts = new string[array.Count];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = Encoding.UTF8.GetString(array[i].Text);
        return texts;
    }
}
