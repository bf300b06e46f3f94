using System.Text;
using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

/// <summary>
/// A JSON value carried inside another as the exact bytes it came in, so that its signatures and its hash survive. Base64
/// would survive too but cost a third more, and the answer to a poll is to stay under 1 KB. A proxy that reformats JSON
/// breaks it, and the receiver notices: signed data has one spelling.
/// </summary>
[JsonConverter(typeof(RawJsonConverter))]
public sealed class RawJson
{
    /// <param name="bytes">One JSON value in UTF-8.</param>
    public RawJson(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The value as it came.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <inheritdoc/>
    public override string ToString() => Encoding.UTF8.GetString(Bytes.Span);
}
