using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A test that starts a real PostgreSQL.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = Need.Skip(PostgresServer.Missing);
}
