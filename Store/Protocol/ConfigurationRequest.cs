namespace ContentTree.Store.Protocol;

/// <summary>Changes values of a scope, all or none of them.</summary>
/// <param name="Values">Key and value; a null value takes one away. Others stay.</param>
/// <param name="Reason">Why, one line.</param>
public sealed record ConfigurationRequest(IReadOnlyDictionary<string, string?> Values, string? Reason = null)
{
    /// <summary>Values in one request.</summary>
    public const int MaxValues = 64;
}
