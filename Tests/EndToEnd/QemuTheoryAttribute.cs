using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A test that boots a virtual machine; skipped by name, never silently, where what it needs is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class QemuTheoryAttribute : TheoryAttribute
{
    public QemuTheoryAttribute() => Skip = Need.Skip(QemuFactAttribute.Missing);
}
