using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ContentTree.Store.Objects;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Objects;

/// <summary>docs/format/commit.md says what the code does.</summary>
public sealed class CommitPageTests
{
    private static readonly string Page = TestFiles.Page("format/commit.md");

    [Fact]
    public void The_example_is_a_commit_with_the_id_below_it()
    {
        var bytes = Encoding.UTF8.GetBytes(TestFiles.Block(Page, "## Example", "json"));

        Commit.Decode(bytes).Id.ToString().Should().Be(TestFiles.Block(Page, "## Example", "text"));
    }

    [Fact]
    public void Every_field_has_a_row() =>
        TestFiles.Table(Page, "field").Select(row => row[0]).Should()
            .Equal(JsonNode.Parse(CommitSamples.Minimal.Encode())!.AsObject().Select(f => f.Key));

    [Fact]
    public void The_limits_are_those_of_the_code() =>
        TestFiles.Table(Page, "limit").Select(row => int.Parse(row[1], CultureInfo.InvariantCulture)).Should().Equal(
            CommitLimits.EncodedBytes, CommitLimits.Parents, CommitLimits.Compatible, CommitLimits.Actions, CommitLimits.Migrations,
            CommitLimits.Annotations, CommitLimits.TextBytes, CommitLimits.BodyBytes);
}
