using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Commands;

namespace ContentTree.Server.Backups;

/// <summary>What the last member of an archive says about the whole. An archive without it was not finished.</summary>
/// <param name="Created">When it was begun.</param>
/// <param name="Files">Members beside objects and deltas.</param>
/// <param name="Objects">Objects that belong to it.</param>
/// <param name="InPool">The objects are in the directory's pool and not in the archive.</param>
/// <param name="HasKeys">Private keys are in it.</param>
/// <param name="Hash">SHA-256 over those files, and over the list of objects where there is one.</param>
/// <param name="LeftOut">Damaged objects that are not in it.</param>
internal sealed record BackupSummary(DateTimeOffset Created, long Files, long Objects, bool InPool, bool HasKeys, string Hash, long LeftOut = 0)
{
    public const string MemberName = "complete.json";

    private const string Format = "ctree-backup/1";

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["format"] = Format,
        ["created"] = Printing.Time(Created),
        ["files"] = Files,
        ["objects"] = Objects,
        ["inPool"] = InPool,
        ["hasKeys"] = HasKeys,
        ["sha256"] = Hash,
        ["leftOut"] = LeftOut,
    });

    /// <exception cref="DamagedBackupException">Not such a member, or of a format that this program does not know.</exception>
    public static BackupSummary Decode(ReadOnlySpan<byte> json, string path)
    {
        try
        {
            var read = JsonSerializer.Deserialize<JsonObject>(json) ?? throw new FormatException("it is null");
            if (read["format"]?.GetValue<string>() is var format && format != Format)
                throw new FormatException($"its format is '{format}', and this ctree-server knows {Format}");
            return new BackupSummary(
                DateTimeOffset.Parse(Text(read, "created"), System.Globalization.CultureInfo.InvariantCulture), Value<long>(read, "files"), Value<long>(read, "objects"),
                Value<bool>(read, "inPool"), Value<bool>(read, "hasKeys"), Text(read, "sha256"),
                // Older ones do not say.
                read["leftOut"]?.GetValue<long>() ?? 0);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new DamagedBackupException($"{path}: {MemberName} cannot be read: {e.Message}", e);
        }
    }

    private static string Text(JsonObject json, string name) => Value<string>(json, name);

    private static T Value<T>(JsonObject json, string name) => json[name] is { } value ? value.GetValue<T>() : throw new FormatException($"'{name}' is missing");
}
