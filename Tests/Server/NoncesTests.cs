using ContentTree.Server.Storage;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The requests that were used, beside what must outlive a power cut.</summary>
public sealed class NoncesTests
{
    [Fact]
    public void What_they_may_lose_nobody_else_does()
    {
        using var directory = new TemporaryDirectory();
        var database = SqliteDatabase.Open(directory["server.db"]);
        var before = Synchronous(database);
        using (database.ConnectHastily())
        {
        }
        Synchronous(database).Should().Be(before).And.Be(2, "a revocation is on the disk when it is answered");
        using var hasty = database.ConnectHastily();
        hasty.Query("PRAGMA synchronous", row => row.GetInt64(0)).Should().Equal(1);
    }

    private static long Synchronous(Database database)
    {
        using var connection = database.Connect();
        return connection.Query("PRAGMA synchronous", row => row.GetInt64(0))[0];
    }
}
