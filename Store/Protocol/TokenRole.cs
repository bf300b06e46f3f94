namespace ContentTree.Store.Protocol;

/// <summary>What the bearer of a token may do.</summary>
public static class TokenRole
{
    /// <summary>Everything.</summary>
    public const string Admin = "admin";

    /// <summary>Publish to branches.</summary>
    public const string Publisher = "publisher";

    /// <summary>Look, let devices in and turn them away.</summary>
    public const string Operator = "operator";

    /// <summary>Look, change nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>Enrol devices that are accepted at once.</summary>
    public const string Enrol = "enrol";
}
