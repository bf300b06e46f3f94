using ContentTree.Store.Objects;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Objects;

public sealed class CommitVectorTests
{
    public static TheoryData<string> Good => TestFiles.Names("commit", "*.id");

    public static TheoryData<string> Refused => TestFiles.Names("commit", "refused-*.json");

    [Theory, MemberData(nameof(Good))]
    public void A_vector_decodes_and_encodes_to_its_bytes_and_id(string name)
    {
        var bytes = TestFiles.Vector("commit", name + ".json");

        var commit = Commit.Decode(bytes);

        commit.Encode().Should().Equal(bytes);
        commit.Id.ToString().Should().Be(TestFiles.VectorText("commit", name + ".id"));
    }

    [Theory, MemberData(nameof(Refused))]
    public void A_vector_that_breaks_a_rule_is_refused_for_that_rule(string name)
    {
        var bytes = TestFiles.Vector("commit", name + ".json");

        var decode = () => Commit.Decode(bytes);

        decode.Should().Throw<CorruptObjectException>().WithMessage($"commit: *{Literal(TestFiles.VectorText("commit", name + ".txt"))}*");
    }

    [Fact]
    public void The_full_vector_fills_every_field()
    {
        var commit = Commit.Decode(TestFiles.Vector("commit", "full.json"));

        commit.Kind.Should().Be(CommitKind.Development);
        commit.Tree.Should().Be(ObjectId.Of("tree"u8));
        commit.Parents.Should().Equal(ObjectId.Of("first parent"u8), ObjectId.Of("second parent"u8));
        commit.Created.Should().Be(new DateTimeOffset(2026, 11, 21, 3, 45, 0, TimeSpan.Zero));
        commit.Version.Should().Be("1.4.2");
        commit.Subject.Should().Be("Fix the \"clock\" \\ and the fan");
        commit.Body.Should().Be("Two lines,\n\tone indented.\n");
        commit.Source.Should().Be(new CommitSource(
            CommitSourceKind.Git, "https://git.example/scope.git", "9fceb02d0ae598e95dc970b74767f19372d61af8", "v1.4.2-3-g9fceb02"));
        commit.Architecture.Should().Be("arm64");
        commit.Compatible.Should().Equal("scope-2", "scope-3");
        commit.Barrier.Should().BeTrue();
        commit.Bytes.Should().Be(785123456);
        commit.Entries.Should().Be(27012);
        commit.Actions.Should().Equal(
            new CommitAction(CommitActionKind.Restart, "usr/lib/scope", "scope.service"),
            new CommitAction(CommitActionKind.Reload, "etc/nginx", "nginx.service"),
            new CommitAction(CommitActionKind.SoftReboot, "usr/lib/systemd", ""),
            new CommitAction(CommitActionKind.Reboot, "", ""),
            new CommitAction(CommitActionKind.None, "usr/share/doc", ""));
        commit.Migrations.Should().Equal(
            new CommitMigration(0, "usr/lib/scope/migrate/0"), new CommitMigration(12, "usr/lib/scope/migrate/12"));
        commit.Annotations.Should().BeEquivalentTo(new Dictionary<string, string> { ["ticket"] = "SC-1204", ["built-by"] = "nightly" });
    }

    // '*' and '?' are wild cards to the assertion.
    private static string Literal(string text) => text.Replace("*", "?", StringComparison.Ordinal);
}
