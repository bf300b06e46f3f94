using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Configurations;

/// <summary>The files that applications read a configuration from, as docs/configuration.md shows them.</summary>
internal static class ConfigurationFiles
{
    /// <summary>The directory with one file for each value.</summary>
    public const string Values = "values";

    private const int Everybody = 0x1a4;
    private const int OwnerOnly = 0x180;

    /// <summary>All of them, by path.</summary>
    public static IReadOnlyDictionary<string, ConfigurationFile> Of(VerifiedConfiguration configuration)
    {
        var (open, secret) = (configuration.Values.Where(v => !v.Value.IsSecret).ToArray(), configuration.Values.Where(v => v.Value.IsSecret).ToArray());
        var files = new SortedDictionary<string, ConfigurationFile>(StringComparer.Ordinal)
        {
            ["values.json"] = new(Json(configuration, open), Everybody),
            ["environment"] = new(Environment(open), Everybody),
            ["secrets.json"] = new(Json(configuration, secret), OwnerOnly),
            ["secrets.environment"] = new(Environment(secret), OwnerOnly),
        };
        foreach (var (key, value) in configuration.Values)
            files[$"{Values}/{key}"] = new(Encoding.UTF8.GetBytes(value.Text), value.IsSecret ? OwnerOnly : Everybody);
        return files;
    }

    private static byte[] Json(VerifiedConfiguration configuration, KeyValuePair<ConfigurationKey, ConfigurationValue>[] values)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("schema", "ctree.configuration/1");
            json.WriteNumber("counter", configuration.Counter);
            json.WriteStartObject("values");
            foreach (var (key, value) in values.OrderBy(v => v.Key, ConfigurationKey.Order))
            {
                json.WritePropertyName(key.ToString());
                if (value.Type == ConfigurationType.Text)
                    json.WriteStringValue(value.Text);
                else
                    json.WriteRawValue(value.Text);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    // As shells and systemd's EnvironmentFile read it: within double quotes these four are no others' signs.
    private static byte[] Environment(KeyValuePair<ConfigurationKey, ConfigurationValue>[] values)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in values.OrderBy(v => v.Key, ConfigurationKey.Order))
        {
            text.Append(key.Variable).Append("=\"");
            foreach (var c in value.Text)
                text.Append(c is '"' or '\\' or '$' or '`' ? "\\" : "").Append(c);
            text.Append("\"\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
