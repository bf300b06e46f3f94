using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>As <see cref="OstreeFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OstreeTheoryAttribute : TheoryAttribute
{
    public OstreeTheoryAttribute() => Skip = Need.Skip(OstreeFactAttribute.Missing);
}
