using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots what is made of a whole Debian; skipped by name where it cannot be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DebianTheoryAttribute : TheoryAttribute
{
    public DebianTheoryAttribute() => Skip = Need.Skip(DebianFactAttribute.Missing);
}
