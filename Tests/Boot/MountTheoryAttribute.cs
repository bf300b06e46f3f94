namespace ContentTree.Tests.Boot;

/// <summary>As <see cref="MountFactAttribute"/>, with several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountTheoryAttribute : TheoryAttribute
{
    public MountTheoryAttribute() => Skip = new MountFactAttribute().Skip;
}
