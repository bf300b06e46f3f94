namespace ContentTree.Store.Protocol;

/// <summary>What the bearer of a token may do.</summary>
public static class TokenRole
{
    /// <summary>Everything.</summary>
    public const string Admin = "admin";

    /// <summary>What operators do, and lead branches, also protected ones, to what was published elsewhere or back.</summary>
    public const string Approver = "approver";

    /// <summary>Publish to branches.</summary>
    public const string Publisher = "publisher";

    /// <summary>Look, let devices in and turn them away.</summary>
    public const string Operator = "operator";

    /// <summary>Look, change nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>Enrol devices that are accepted at once.</summary>
    public const string Enrol = "enrol";

    /// <summary>Every role, the one that may most first.</summary>
    public static IReadOnlyList<string> All { get; } = [Admin, Approver, Publisher, Operator, Viewer, Enrol];

    /// <summary>Whether who has a role may do what needs another one.</summary>
    public static bool Includes(string has, string needs) => has == needs || has switch
    {
        Admin => true,
        Approver => needs is Operator or Viewer,
        Publisher or Operator => needs == Viewer,
        _ => false,
    };
}
