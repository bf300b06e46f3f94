using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A test that starts a real Ceph object gateway.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CephFactAttribute : FactAttribute
{
    public CephFactAttribute() => Skip = Need.Skip(CephGateway.Missing);
}
