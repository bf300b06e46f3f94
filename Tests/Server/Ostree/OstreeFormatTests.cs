using System.Globalization;
using ContentTree.Server.Ostree;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>Objects that ostree wrote are read, and written again as the same bytes.</summary>
public sealed class OstreeFormatTests
{
    [Fact]
    public void A_commit_says_what_the_program_was_told_and_is_written_as_it_wrote_it()
    {
        var commit = OstreeCommit.Decode(OstreeSamples.Commit());
        (commit.Version, commit.Subject, commit.Body, commit.Timestamp, commit.Parent).Should().Be(("1.2", "subj", "body", 1795317217UL, null));
        commit.Refs.Should().Equal("main");
        commit.Root.ToString().Should().StartWith("fbaa9988");
        commit.Encode().Should().Equal(OstreeSamples.Commit());
        OstreeCommit.Decode((commit with { Exported = "ours", Parent = commit.Root }).Encode()).Should().Match<OstreeCommit>(c => c.Exported == "ours" && c.Parent == commit.Root);
    }

    [Fact]
    public void A_directory_a_header_and_a_summary_hold_what_was_committed()
    {
        var directory = OstreeDirectory.Decode(OstreeSamples.Directory());
        directory.Files.Select(f => f.Name.ToString()).Should().Equal("empty", "f", "l");
        directory.Directories.Select(d => d.Name.ToString()).Should().Equal("d");
        var (header, size) = OstreeHeader.DecodeArchived(OstreeSamples.Header());
        (size, header.Mode, header.Xattrs.Count).Should().Be((3, 0x81a4u, 2));
        OstreeHeader.DecodeMetadata(OstreeSamples.Metadata()).Should().Match<OstreeHeader>(h => h.Uid == 3 && h.Gid == 4 && h.Mode == 0x45e8);
        OstreeSummary.Decode(OstreeSamples.Summary()).Should().ContainKey("main").WhoseValue.ToString().Should().StartWith("05b5d684");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(1500)]
    [InlineData(1700)]
    [InlineData(20_000)]
    public void A_directory_of_any_length_is_read_as_it_was_written(int files)
    {
        // Offsets take one, two or four bytes: whatever the whole needs with them.
        var directory = new OstreeDirectory([.. Enumerable.Range(0, files).Select(i => (EntryName.Create(i.ToString("d6", CultureInfo.InvariantCulture)), ObjectId.Of([(byte)i])))], []);
        OstreeDirectory.Decode(directory.Encode()).Files.Should().Equal(directory.Files);
    }
}
