using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>As <see cref="ImageFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ImageTheoryAttribute : TheoryAttribute
{
    public ImageTheoryAttribute() => Skip = Need.Skip(ImageFactAttribute.Missing);
}
