using ContentTree.Tests.Support;

namespace ContentTree.Tests.Browser;

/// <summary>A test in a real browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Need.Skip(Missing);

    internal static string? Missing { get; } = Need.Programs("chromium", "chromium");
}
