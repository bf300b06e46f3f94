using System.Text.Json;
using System.Text.Json.Serialization;
using ContentTree.BootFile;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>A type that stands in JSON as its text and is parsed at the edge.</summary>
internal abstract class TextConverter<T> : JsonConverter<T> where T : struct
{
    public sealed override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString() ?? "", out var value)
            ? value
            : throw new JsonException($"not a {typeof(T).Name}");

    public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());

    private protected abstract bool TryParse(string text, out T value);
}

internal sealed class ObjectIdText : TextConverter<ObjectId>
{
    private protected override bool TryParse(string text, out ObjectId value) => ObjectId.TryParse(text, out value);
}

internal sealed class BranchNameText : TextConverter<BranchName>
{
    private protected override bool TryParse(string text, out BranchName value) => BranchName.TryParse(text, out value);
}

internal sealed class DeploymentNameText : TextConverter<DeploymentName>
{
    private protected override bool TryParse(string text, out DeploymentName value) => DeploymentName.TryParse(text, out value);
}
