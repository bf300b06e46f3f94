using ContentTree.Tests.Support;

namespace ContentTree.Tests.Boot;

/// <summary>A test that lets strace make a system call fail; skipped by name where it is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StraceTheoryAttribute : TheoryAttribute
{
    public StraceTheoryAttribute() => Skip = Need.Skip(Need.Programs("strace", "strace"));
}
