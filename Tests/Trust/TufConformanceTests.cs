using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>
/// What theupdateframework/tuf-conformance asks of a client, case by case and by the names it has there, asked of a device's trusted
/// state. Its targets and their delegations are heads here, its timestamp is the timestamp, and its snapshot, the second signed thing
/// with a number of its own, is the assignment (docs/threat-model.md).
/// </summary>
public sealed class TufConformanceTests
{
    private const VerificationFailure Unsigned = VerificationFailure.NotSigned;

    // Keys, threshold and signers of each root in turn; the last one is refused where the case says "fail".
    private static readonly Dictionary<string, (int[] Keys, int Threshold, int[] Signers)[]> RootRotations = new()
    {
        ["1-of-1-key-rotation"] = [([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])],
        ["1-of-1-key-rotation-unused-signatures"] = [([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])],
        ["3-of-5-sign-with-different-keycombos"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [0, 4, 1]), ([0, 1, 2, 3, 4], 3, [0, 1, 3])],
        ["3-of-5-one-key-rotated"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])],
        ["3-of-5-one-key-rotated-with-intermediate-step"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4, 5]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])],
        ["3-of-5-all-keys-rotated-with-intermediate-step"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]), ([5, 6, 7, 8, 9], 3, [5, 6, 7])],
        ["1-of-3-threshold-increase-to-2-of-3"] = [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])],
        ["2-of-3-threshold-decrease-to-1-of-3"] = [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])],
        ["1-of-2-threshold-increase-to-2-of-2"] = [([1], 1, [1]), ([1, 2], 2, [1, 2])],
        ["1-of-1-key-rotation-fail-not-signed-with-old-key"] = [([1], 1, [1]), ([2], 1, [2, 3, 4])],
        ["1-of-1-key-rotation-fail-not-signed-with-new-key"] = [([1], 1, [1]), ([2], 1, [1, 3, 4])],
        ["3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])],
        ["3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys"] = [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])],
        ["1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached"] = [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])],
        ["2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-reached"] = [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])],
    };

    private static readonly Dictionary<string, (int[] Keys, int Threshold, int[] Signers)> RoleRotations = new()
    {
        ["1-of-1-key-rotation"] = ([2], 1, [2]),
        ["1-of-1-key-rotation-unused-signatures"] = ([1], 1, [3, 1, 4]),
        ["1-of-1-key-rotation-fail-not-signed-with-new-key"] = ([2], 1, [1, 3, 4]),
        ["3-of-5-one-key-signature-wrong-fails-not-signed-with-3-expected-keys"] = ([0, 1, 3, 4, 5], 3, [0, 2, 4]),
        ["2-of-5-one-key-signature-missing-fails-threshold-not-reached"] = ([0, 1, 3, 4, 5], 3, [0, 4]),
        ["3-of-5-sign-first-combo"] = ([0, 1, 2, 3, 4], 3, [0, 2, 4]),
        ["3-of-5-sign-second-combo"] = ([0, 1, 2, 3, 4], 3, [0, 4, 1]),
        ["3-of-5-sign-third-combo"] = ([0, 1, 2, 3, 4], 3, [0, 1, 3]),
        ["3-of-5-sign-fourth-combo"] = ([0, 1, 2, 3, 4], 3, [1, 2, 3]),
        ["3-of-5-sign-fifth-combo"] = ([0, 1, 2, 3, 4], 3, [2, 3, 4]),
    };

    private static readonly Dictionary<string, Action<TufRepository>> Cases = new()
    {
        ["test_basic_init_and_refresh"] = _ => { },
        ["test_invalid_initial_root"] = r => RefusedAtFirst(r, VerificationFailure.Malformed, () => r.PublishRoot("\"version\":2", "\"vorsion\":2")),
        ["test_unsigned_initial_root"] = r =>
        {
            r.Play(Role.Root, [0], 1, [4]);
            RefusedAtFirst(r, Unsigned, () => r.PublishRoot());
        },
        ["test_root_expired"] = r =>
        {
            r.PublishRoot(r.Time.Now.AddDays(-1));
            r.Sequence++;
            r.Refused(VerificationFailure.Expired);
            r.TrustedRoot.Should().Be(2, "it leads on to the next one");
        },
        ["test_timestamp_expired"] = r =>
        {
            (r.TimestampCreated, r.TimestampExpires) = (r.Time.Now.AddHours(-2), r.Time.Now.AddSeconds(-1));
            r.Refused(VerificationFailure.Expired);
        },
        ["test_targets_expired"] = r =>
        {
            (r.Sequence, r.HeadExpires) = (2, r.Time.Now.AddSeconds(-1));
            r.Refused(VerificationFailure.Expired);
        },
        ["test_snapshot_expired"] = r =>
        {
            (r.Counter, r.AssignmentExpires) = (2, r.Time.Now.AddSeconds(-1));
            r.Refused(VerificationFailure.Expired);
        },
        ["test_expired_metadata"] = r =>
        {
            r.Time.Now = r.Time.Now.AddDays(18);
            (r.Sequence, r.TimestampCreated, r.TimestampExpires) = (2, r.Time.Now, r.Time.Now.AddDays(1));
            r.Accepted();
        },
        ["test_new_timestamp_version_rollback"] = r =>
        {
            r.TimestampCreated = r.TimestampCreated.AddSeconds(-1);
            r.Refused(VerificationFailure.RolledBack);
        },
        ["test_timestamp_content_changes"] = r => Mismatch(r, ObjectId.Of(r.Head()), 99),
        ["test_timestamp_eq_versions_check"] = r => Mismatch(r, ObjectId.Of("another head"u8), 1),
        ["test_new_targets_hash_mismatch"] = r =>
        {
            var old = ObjectId.Of(r.Head());
            (r.Commit, r.Sequence) = ("two", 2);
            Mismatch(r, old, 2);
        },
        ["test_new_targets_version_mismatch"] = r =>
        {
            var old = ObjectId.Of(r.Head());
            r.Sequence = 2;
            Mismatch(r, old, 1);
        },
        ["test_targets_rollback"] = r =>
        {
            r.Sequence = 5;
            r.Accepted();
            r.Sequence = 4;
            r.Refused(VerificationFailure.RolledBack);
        },
        ["test_targets_rollback (same version, other content)"] = r =>
        {
            r.Commit = "two";
            r.Refused(VerificationFailure.Conflict);
        },
        ["test_snapshot_rollback"] = r =>
        {
            r.Counter = 5;
            r.Accepted();
            r.Counter = 4;
            r.Refused(VerificationFailure.RolledBack);
        },
        ["test_simple_snapshot_rollback"] = r =>
        {
            r.AssignmentExpires = r.AssignmentExpires.AddDays(1);
            r.Refused(VerificationFailure.Conflict);
        },
        ["test_new_timestamp_fast_forward_recovery"] = r => Recovers(r, Role.Timestamp,
            () => (r.TimestampCreated, r.TimestampExpires) = (r.Time.Now.AddYears(1), r.Time.Now.AddYears(2)),
            () => (r.TimestampCreated, r.TimestampExpires) = (r.Time.Now, r.Time.Now.AddDays(1))),
        ["test_new_targets_fast_forward_recovery"] = r => Recovers(r, Role.Release, () => r.Sequence = (1L << 53) - 1, () => r.Sequence = 2),
        ["test_new_snapshot_fast_forward_recovery"] = r => Recovers(r, Role.Fleet, () => r.Counter = (1L << 53) - 1, () => r.Counter = 2),
        ["test_snapshot_threshold"] = r =>
        {
            r.PublishRoot("\"threshold\":1", "\"threshold\":6");
            r.Refused(VerificationFailure.Malformed);
            r.TrustedRoot.Should().Be(1);
        },
        ["test_duplicate_keys_root"] = r =>
        {
            r.Play(Role.Release, [1, 4, 5], 3, [1, 4, 5]);
            r.PublishRoot();
            r.Accepted();
            r.SignRepeatedly(Role.Release);
            r.Refused(Unsigned);
        },
        ["test_root_has_keys_but_not_snapshot"] = r =>
        {
            r.Play(Role.Fleet, [3, 4, 5, 6, 7], 5, [3, 4, 5]);
            r.PublishRoot();
            r.Refused(Unsigned);
            r.TrustedRoot.Should().Be(2);
        },
        ["test_custom_fields (refused here: a signature means all of a statement)"] = r =>
        {
            r.PublishRoot("\"version\":2", "\"version\":2,\"x-field\":\"value\"");
            r.Refused(VerificationFailure.Malformed);
        },
        ["test_root_rotation (a version is skipped)"] = r =>
        {
            r.PublishRoot("\"version\":2", "\"version\":3");
            r.Refused(VerificationFailure.Skipped);
        },
        ["test_root_rotation (the same version again)"] = r =>
        {
            r.PublishRoot("\"version\":2", "\"version\":1");
            r.Refused(VerificationFailure.RolledBack);
        },
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    public static TheoryData<string> RootNames => [.. RootRotations.Keys];

    public static TheoryData<string, string> RoleNames
    {
        get
        {
            var names = new TheoryData<string, string>();
            foreach (var role in new[] { Role.Release, Role.Timestamp, Role.Fleet })
                RoleRotations.Keys.ToList().ForEach(name => names.Add(role, name));
            return names;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_device_does_what_the_suite_asks(string name)
    {
        using var repository = new TufRepository();
        repository.Accepted();
        Cases[name](repository);
    }

    [Theory, MemberData(nameof(RootNames))]
    public void Test_root_rotation(string name)
    {
        using var repository = new TufRepository(isSetUp: false);
        var steps = RootRotations[name];
        repository.Play(Role.Root, steps[0].Keys, steps[0].Threshold, steps[0].Signers);
        repository.SetUp();
        repository.Accepted();
        foreach (var (keys, threshold, signers) in steps[1..])
        {
            repository.Play(Role.Root, keys, threshold, signers);
            repository.PublishRoot();
        }
        if (name.Contains("fail", StringComparison.Ordinal))
            repository.Refused(Unsigned);
        else
            repository.Accepted();
        repository.TrustedRoot.Should().Be(name.Contains("fail", StringComparison.Ordinal) ? steps.Length - 1 : steps.Length);
    }

    [Theory, MemberData(nameof(RoleNames))]
    public void Test_non_root_rotations(string role, string name)
    {
        using var repository = new TufRepository();
        repository.Accepted();
        var (keys, threshold, signers) = RoleRotations[name];
        repository.Play(role, keys, threshold, signers);
        repository.PublishRoot();
        if (name.Contains("fail", StringComparison.Ordinal))
            repository.Refused(Unsigned);
        else
            repository.Accepted();
        repository.TrustedRoot.Should().Be(2);
    }

    [Fact]
    public void There_are_as_many_cases_as_the_suite_has() =>
        (Cases.Count + RootRotations.Count + 3 * RoleRotations.Count).Should().BeGreaterThanOrEqualTo(53);

    private static void Mismatch(TufRepository repository, ObjectId head, long sequence)
    {
        repository.Vouched = (head, sequence);
        repository.Refused(VerificationFailure.OtherHead);
        repository.Vouched = null;
        repository.Accepted();
    }

    private static void RefusedAtFirst(TufRepository repository, VerificationFailure failure, Action publish)
    {
        publish();
        var load = () => TrustRoot.Load(repository.Roots[^1]);
        load.Should().Throw<VerificationException>().Which.Failure.Should().Be(failure);
    }

    // What the thief's key has proved goes with it; without the rotation it would not.
    private static void Recovers(TufRepository repository, string role, Action forward, Action back)
    {
        forward();
        repository.Accepted();
        back();
        repository.Refused(VerificationFailure.RolledBack);
        repository.Play(role, [8], 1, [8]);
        repository.PublishRoot();
        repository.Accepted();
    }
}
