using ContentTree.Server.Auditing;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>What the audit log is told of the configuration: the same by whatever way it was changed, and never a secret.</summary>
internal static class ConfigurationNotes
{
    private const int MaxShown = 60;

    public static void Defined(Audit audit, Actor actor, ConfigurationKeyInfo key) =>
        audit.Note(actor, "config.define", key.Name, after: $"{key.Type}{(key.Secret ? ", secret" : "")}{(key.Description is { } text ? $": {text}" : "")}");

    public static void Removed(Audit audit, Actor actor, ConfigurationKey key) => audit.Note(actor, "config.remove", key);

    public static void Changed(Audit audit, Actor actor, string verb, ConfigurationOutcome outcome)
    {
        if (outcome.Changes is [var first, ..] changes)
            audit.Note(actor, verb, outcome.After.Scope, Text(changes, c => c.WasSet, c => c.Before), Text(changes, c => c.IsSet, c => c.After), first.Reason);
    }

    private static string Text(IReadOnlyList<ConfigurationChangeInfo> changes, Func<ConfigurationChangeInfo, bool> isSet, Func<ConfigurationChangeInfo, string?> text) =>
        string.Join(", ", changes.Select(c => !isSet(c) ? $"{c.Key} not set" : c.Secret ? $"{c.Key} set, secret" : $"{c.Key}={Short(text(c) ?? "")}"));

    private static string Short(string text) => text.Length <= MaxShown ? text : $"{text[..MaxShown]}...";
}
