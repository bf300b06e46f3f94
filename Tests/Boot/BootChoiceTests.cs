using ContentTree.BootFile;
using FsCheck;
using FsCheck.Fluent;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

public class BootChoiceTests
{
    [Fact]
    public void A_confirmed_deployment_boots_without_a_write() =>
        Boots(Situation(Record(BootState.Good, 2, 1, 0), 1, 2), 2, BootReason.Wanted).Save.Should().BeNull();

    [Fact]
    public void A_trial_counts_before_it_boots() =>
        Boots(Situation(Record(BootState.Trial, 2, 1, 3), 1, 2), 2, BootReason.Wanted).Save
            .Should().Be(Record(BootState.Trial, 2, 1, 2));

    [Fact]
    public void An_exhausted_trial_falls_back_to_previous_with_tries_of_its_own() =>
        Boots(Situation(Record(BootState.Trial, 2, 1, 0), 1, 2, 3), 1, BootReason.Previous).Save
            .Should().Be(Record(BootState.Fallback, 2, 1, 2));

    [Theory]
    [InlineData(BootState.Trial)]
    [InlineData(BootState.Good)]
    public void A_wanted_deployment_that_is_not_complete_falls_back(BootState state) =>
        Boots(Situation(Record(state, 2, 1, 3), 1), 1, BootReason.Previous).Save!.State.Should().Be(BootState.Fallback);

    [Fact]
    public void A_count_that_cannot_be_saved_leads_to_previous_uncounted()
    {
        var boot = Boots(Situation(Record(BootState.Trial, 2, 1, 3), 1, 2) with { CanCount = false }, 1, BootReason.Previous);
        boot.Save.Should().BeNull();
        boot.Uncounted.Should().BeFalse("the previous one is known to be good");
    }

    [Fact]
    public void A_first_deployment_whose_count_cannot_be_saved_boots_uncounted() =>
        Boots(Situation(Record(BootState.Trial, 2, null, 3), 2) with { CanCount = false }, 2, BootReason.Newest)
            .Uncounted.Should().BeTrue();

    [Fact]
    public void After_previous_comes_the_recovery_deployment() =>
        Boots(Situation(Record(BootState.Fallback, 9, 8, 0), 9, 8, 7, 3) with { Recovery = Name(3) }, 3, BootReason.Recovery)
            .Save.Should().Be(Record(BootState.Fallback, 9, 8, 2, 3));

    [Fact]
    public void After_the_recovery_deployment_comes_the_newest_that_is_left() =>
        Boots(Situation(Record(BootState.Fallback, 9, 8, 0, 3), 9, 8, 7, 3) with { Recovery = Name(3) }, 7, BootReason.Newest)
            .Save.Should().Be(Record(BootState.Fallback, 9, 8, 2, 7));

    [Fact]
    public void A_last_resort_uses_up_its_tries_before_the_next_one() =>
        Boots(Situation(Record(BootState.Fallback, 9, 8, 2, 7), 9, 8, 7, 6), 7, BootReason.Newest)
            .Save.Should().Be(Record(BootState.Fallback, 9, 8, 1, 7));

    [Fact]
    public void A_denied_commit_is_no_last_resort_but_may_be_wanted()
    {
        var denied = DenyList.Parse($"{Commit(7)} health\n{Commit(9)} health\n");
        Boots(Situation(Record(BootState.Fallback, 9, 8, 0), 9, 8, 7, 6) with { Denied = denied }, 6, BootReason.Newest);
        Boots(Situation(Record(BootState.Trial, 9, 8, 1), 9, 8) with { Denied = denied }, 9, BootReason.Wanted);
    }

    [Fact]
    public void Without_a_record_the_newest_starts_a_trial() =>
        Boots(Situation(null, 1, 3, 2), 3, BootReason.Newest).Save.Should().Be(Record(BootState.Trial, 3, null, 2) with { Sequence = 0 });

    [Fact]
    public void A_person_overrides_without_a_count()
    {
        var exhausted = Situation(Record(BootState.Trial, 2, 1, 0), 1, 2, 3);
        Boots(exhausted with { OverrideName = Name(3) }, 3, BootReason.Override).Save.Should().BeNull();
        Boots(exhausted with { OverridePrevious = true }, 1, BootReason.Override).Save.Should().BeNull();
    }

    [Fact]
    public void An_override_that_is_not_complete_is_passed_over()
    {
        var good = Situation(Record(BootState.Good, 2, null, 0), 2);
        Boots(good with { OverrideName = Name(7) }, 2, BootReason.Wanted).Why.Should().Contain("asked for but is not complete");
        Boots(good with { OverridePrevious = true }, 2, BootReason.Wanted);
    }

    [Fact]
    public void Nothing_complete_is_rescue_and_no_record_changes()
    {
        var rescue = BootChoice.Decide(Situation(Record(BootState.Trial, 2, 1, 3))).Should().BeOfType<BootDecision.Rescue>().Subject;
        rescue.NewRound.Should().BeNull();
    }

    [Fact]
    public void After_rescue_the_previous_deployment_gets_fresh_tries()
    {
        var spent = Situation(Record(BootState.Fallback, 2, 1, 0), 1, 2);
        var rescue = BootChoice.Decide(spent).Should().BeOfType<BootDecision.Rescue>().Subject;
        Boots(spent with { Record = rescue.NewRound }, 1, BootReason.Previous);
    }

    [Fact]
    public void After_rescue_a_first_deployment_gets_fresh_tries()
    {
        var spent = Situation(Record(BootState.Trial, 2, null, 0), 2);
        var rescue = BootChoice.Decide(spent).Should().BeOfType<BootDecision.Rescue>().Subject;
        Boots(spent with { Record = rescue.NewRound }, 2, BootReason.Wanted);
    }

    [Fact]
    public void Only_a_complete_deployment_is_ever_chosen_and_only_an_empty_or_spent_set_ends_in_rescue() =>
        Prop.ForAll(Situations().ToArbitrary(), situation => BootChoice.Decide(situation) switch
        {
            BootDecision.Boot boot => situation.Complete.Any(d => d.Name == boot.Deployment),
            BootDecision.Rescue => !Eligible(situation).Any(),
            _ => false,
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    [Fact]
    public void Whatever_fails_the_series_of_boots_ends_and_has_tried_everything_that_may_be_tried() =>
        Prop.ForAll(Situations().Where(s => s.CanCount && s.OverrideName is null && !s.OverridePrevious &&
            s.Record?.State != BootState.Good).ToArbitrary(), AllFail).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

    [Fact]
    public void A_save_never_grants_more_tries_to_the_same_deployment() =>
        Prop.ForAll(Situations().ToArbitrary(), situation =>
        {
            if (BootChoice.Decide(situation) is not BootDecision.Boot { Save: { } save } || situation.Record is not { } before)
                return true;
            var same = save.State == before.State && save.LastResort == before.LastResort;
            return !same || save.TriesLeft == before.TriesLeft - 1;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    private static bool AllFail(BootSituation situation)
    {
        var must = Eligible(situation).ToHashSet();
        var tries = situation.Record?.TriesLeft ?? 0;
        // Each deployment gets its tries once; what the record grants already comes on top.
        var most = (situation.Complete.Count + 1) * BootRecord.DefaultTries + tries;
        for (var boots = 0; boots <= most; boots++)
        {
            if (BootChoice.Decide(situation) is not BootDecision.Boot boot)
                return must.Count == 0;
            must.Remove(boot.Deployment);
            situation = situation with { Record = boot.Save };
        }
        return false;
    }

    // What may still be tried, said independently of the code under test.
    private static IEnumerable<DeploymentName> Eligible(BootSituation situation)
    {
        var record = situation.Record;
        foreach (var (name, marker) in situation.Complete)
        {
            var isWanted = name == record?.Wanted;
            var isPrevious = name == record?.Previous;
            var wantedMay = isWanted && (record!.State == BootState.Good || (record.State == BootState.Trial && record.TriesLeft > 0));
            var previousMay = isPrevious && (record!.State != BootState.Fallback || (record.LastResort is null && record.TriesLeft > 0));
            var walkHasNotBegun = record?.State != BootState.Fallback || record.LastResort is null;
            var isRecovery = name == situation.Recovery;
            var resortMay = !isWanted && !isPrevious && walkHasNotBegun && (isRecovery || !situation.Denied.Contains(marker.Commit));
            if (wantedMay || previousMay || resortMay)
                yield return name;
        }
    }

    private static Gen<BootSituation> Situations()
    {
        var numbers = Gen.Choose(1, 6).Select(n => (ulong)n);
        var maybe = Gen.OneOf(numbers.Select(n => (ulong?)n), Gen.Constant((ulong?)null));
        var records =
            from wanted in numbers
            from previous in maybe
            from state in Gen.Elements(Enum.GetValues<BootState>())
            from tries in Gen.Choose(0, 4)
            from resort in maybe
            select (BootRecord?)Record(state, wanted, previous, tries, state == BootState.Fallback ? resort : null);
        return
            from record in Gen.Frequency((9, records), (1, Gen.Constant((BootRecord?)null)))
            from complete in Gen.Choose(0, 63)
            from denied in Gen.Choose(0, 63)
            from recovery in maybe
            from overridden in Gen.Frequency((8, Gen.Constant((ulong?)null)), (1, maybe))
            from overridePrevious in Gen.Frequency((8, Gen.Constant(false)), (1, Gen.Constant(true)))
            from canCount in Gen.Frequency((8, Gen.Constant(true)), (2, Gen.Constant(false)))
            select new BootSituation
            {
                Record = record,
                Complete = [.. Bits(complete).Select(Complete)],
                Denied = DenyList.Parse(string.Concat(Bits(denied).Select(n => $"{Commit(n)} health\n"))),
                Recovery = recovery is { } r ? Name(r) : null,
                OverrideName = overridden is { } o ? Name(o) : null,
                OverridePrevious = overridePrevious,
                CanCount = canCount,
            };
    }

    private static IEnumerable<ulong> Bits(int set) => Enumerable.Range(1, 6).Reverse().Where(n => (set >> (n - 1) & 1) == 1).Select(n => (ulong)n);

    private static BootSituation Situation(BootRecord? record, params ulong[] complete) =>
        new() { Record = record, Complete = [.. complete.OrderDescending().Select(Complete)] };

    private static BootDecision.Boot Boots(BootSituation situation, ulong expected, BootReason reason)
    {
        var boot = BootChoice.Decide(situation).Should().BeOfType<BootDecision.Boot>().Subject;
        boot.Deployment.Should().Be(Name(expected), boot.Why);
        boot.Reason.Should().Be(reason);
        return boot;
    }
}
