using ContentTree.Store.Objects;
using FsCheck;
using FsCheck.Fluent;

namespace ContentTree.Tests.Objects;

public sealed class CommitTests
{
    [Fact]
    public void Any_commit_comes_back_from_its_bytes() => Prop.ForAll(CommitSamples.Any, commit =>
    {
        var decoded = Commit.Decode(commit.Encode());
        decoded.Should().BeEquivalentTo(commit, o => o.ComparingByMembers<Commit>());
        decoded.Id.Should().Be(commit.Id);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Changed_bytes_are_refused_or_are_another_commit_in_its_only_spelling() => Prop.ForAll(CommitSamples.Any, commit =>
    {
        var random = new Random(commit.GetHashCode());
        for (var i = 0; i < 100; i++)
        {
            var bytes = commit.Encode();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (TryDecode(bytes) is { } other)
                other.Encode().Should().Equal(bytes);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_truncation_is_refused()
    {
        var bytes = CommitSamples.Minimal.Encode();
        for (var length = 0; length < bytes.Length; length++)
            TryDecode(bytes.AsSpan(0, length)).Should().BeNull();
    }

    [Fact]
    public void The_id_is_the_hash_of_the_bytes() =>
        CommitSamples.Minimal.Id.Should().Be(ObjectId.Of(CommitSamples.Minimal.Encode()));

    [Fact]
    public void Created_is_kept_in_utc_and_whole_seconds()
    {
        var commit = CommitSamples.Minimal with { Created = new DateTimeOffset(2026, 11, 21, 5, 45, 0, 999, TimeSpan.FromHours(2)) };

        commit.Created.Should().Be(new DateTimeOffset(2026, 11, 21, 3, 45, 0, TimeSpan.Zero));
        commit.Created.Offset.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void Equal_encodings_are_equal_commits()
    {
        var one = CommitSamples.Minimal with { Compatible = ["a", "b"] };
        var same = CommitSamples.Minimal with { Compatible = new List<string> { "a", "b" } };
        var other = CommitSamples.Minimal with { Compatible = ["b", "a"] };

        one.Should().Be(same);
        one.GetHashCode().Should().Be(same.GetHashCode());
        one.Should().NotBe(other);
    }

    [Fact]
    public void Bytes_of_another_id_are_refused()
    {
        var bytes = CommitSamples.Minimal.Encode();
        var other = ObjectId.Of("other"u8);

        Commit.Decode(bytes, CommitSamples.Minimal.Id).Should().Be(CommitSamples.Minimal);
        var decode = () => Commit.Decode(bytes, other);

        decode.Should().Throw<CorruptObjectException>().WithMessage($"{other}.commit: the bytes have another hash");
    }

    [Fact]
    public void Everything_at_its_limit_is_accepted()
    {
        var commit = CommitSamples.Minimal with
        {
            Parents = [.. Enumerable.Range(0, CommitLimits.Parents).Select(i => ObjectId.Of([(byte)i]))],
            Body = new string('x', CommitLimits.BodyBytes),
            Subject = new string('ä', CommitLimits.TextBytes / 2),
            Compatible = [.. Enumerable.Range(0, CommitLimits.Compatible).Select(i => $"hardware-{i}")],
            Actions = [.. Enumerable.Repeat(new CommitAction(CommitActionKind.None, "", ""), CommitLimits.Actions)],
            Migrations = [.. Enumerable.Range(0, CommitLimits.Migrations).Select(i => new CommitMigration(i, "m"))],
            Annotations = Enumerable.Range(0, CommitLimits.Annotations).ToDictionary(i => $"{i}", _ => ""),
        };

        Commit.Decode(commit.Encode()).Should().Be(commit);
    }

    [Fact]
    public void What_a_reader_would_refuse_is_not_written()
    {
        Commit[] wrong =
        [
            CommitSamples.Minimal with { Subject = "two\nlines" },
            CommitSamples.Minimal with { Subject = "\ud800" },
            CommitSamples.Minimal with { Created = DateTimeOffset.UnixEpoch.AddSeconds(-1) },
            CommitSamples.Minimal with { Bytes = 1L << 53 },
            CommitSamples.Minimal with { Kind = (CommitKind)2 },
            CommitSamples.Minimal with { Migrations = [new CommitMigration(1, "../m")] },
            // Each annotation is inside its limit, all together are above the limit of a commit.
            CommitSamples.Minimal with { Annotations = Enumerable.Range(0, 256).ToDictionary(i => $"{i}", _ => new string('x', 4096)) },
        ];

        foreach (var commit in wrong)
            commit.Invoking(c => c.Encode()).Should().Throw<FormatException>();
    }

    private static Commit? TryDecode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Commit.Decode(bytes);
        }
        catch (CorruptObjectException)
        {
            return null;
        }
    }
}
