using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>A value as it is kept.</summary>
/// <param name="Stored">Its text; of a secret what <see cref="SecretBox"/> has made of it, another each time it is set.</param>
internal sealed record StoredValue(ConfigurationScope Scope, KeyDefinition Key, string Stored, string By, string Reason, DateTimeOffset Changed)
{
    /// <summary>As people are shown it.</summary>
    public ConfigurationValueInfo Describe(bool withOrigin = false) => new(
        Key.Name, ConfigurationValue.Word(Key.Type), Key.IsSecret, By, Changed, Key.IsSecret ? null : Stored, Reason.Length > 0 ? Reason : null, withOrigin ? Scope.ToString() : null);

    /// <summary>As its device is told it.</summary>
    /// <exception cref="FormatException">It is a secret that cannot be opened.</exception>
    public ConfigurationValue Open(SecretBox box) =>
        new(Key.Type, Key.IsSecret ? box.Open(Stored, Scope, Key.Name) : Stored, Key.IsSecret);

    /// <summary>Bytes that a text takes in a device's statement, beside its key.</summary>
    public static int Cost(ConfigurationKey key, string text)
    {
        const int Around = 64;
        return Around + key.ToString().Length + System.Text.Encoding.UTF8.GetByteCount(text) + text.Count(c => c is '"' or '\\' or '\n' or '\t');
    }
}
