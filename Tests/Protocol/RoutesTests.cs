using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Protocol;

public sealed class RoutesTests
{
    [Fact]
    public void Repository_paths_are_those_of_the_directory()
    {
        var name = new ObjectName(ObjectKind.Commit, ObjectId.Parse("a727537cd38598cc506d7a614d7151c0bcdba840692c160665f90885b5c5d711"));

        Routes.RepositoryObject(name).Should().Be("/repo/objects/a7/27537cd38598cc506d7a614d7151c0bcdba840692c160665f90885b5c5d711.commit");
        Routes.Head(Statements.Branch).Should().Be("/repo/heads/stable/amd64.json");
        Routes.ArchivedHead(Statements.Branch, 7).Should().Be("/repo/history/stable/amd64/7.json");
        Routes.TrustRootVersion(2).Should().Be("/repo/trust/2.root.json");
        Routes.PublishObject(name).Should().Be($"/api/v1/publish/objects/{name}");
    }
}
