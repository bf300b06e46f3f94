using ContentTree.Tests.Support;

namespace ContentTree.Tests.Browser;

/// <summary>Several tests in a real browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = Need.Skip(BrowserFactAttribute.Missing);
}
