namespace ContentTree.Store.Protocol;

/// <summary>The words for what happens on devices.</summary>
public static class EventKind
{
    /// <summary>A deployment was made and will be booted.</summary>
    public const string Updated = "updated";

    /// <summary>The running deployment passed its health checks.</summary>
    public const string Confirmed = "confirmed";

    /// <summary>A trial ended on the previous deployment.</summary>
    public const string FellBack = "fell-back";

    /// <summary>An update could not be done; code and message say why.</summary>
    public const string Failed = "failed";

    /// <summary>A commit was put on the deny list.</summary>
    public const string Denied = "denied";

    /// <summary>A person rolled the device back.</summary>
    public const string RolledBack = "rolled-back";

    /// <summary>Stored objects were found damaged.</summary>
    public const string Damaged = "damaged";

    /// <summary>Damaged objects were found and fetched again.</summary>
    public const string Repaired = "repaired";

    /// <summary>The device's configuration was put in place.</summary>
    public const string Configured = "configured";

    /// <summary>A hook or a service did not take the configuration that is in place; code and message say why.</summary>
    public const string NotConfigured = "not-configured";
}
