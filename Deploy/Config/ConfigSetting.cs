namespace ContentTree.Deploy.Config;

/// <summary>One value and where it stands.</summary>
/// <param name="Key">Section and key: <c>poll.interval</c>.</param>
/// <param name="Origin">File and line, or <see cref="Default"/>.</param>
internal sealed record ConfigSetting(string Key, string Value, string Origin)
{
    public const string Default = "default";
}
