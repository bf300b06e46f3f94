namespace ContentTree.BootFile;

/// <summary>
/// The order of choice (docs/boot.md): override, wanted, previous, recovery, newest, rescue. A pure function, so that a test can
/// walk through every situation. Every boot that is not known to be good uses up a try, so a series of failures ends.
/// </summary>
public static class BootChoice
{
    /// <summary>Decides one boot. Saving the count and booting is up to the caller, in that order.</summary>
    public static BootDecision Decide(BootSituation situation)
    {
        ArgumentNullException.ThrowIfNull(situation);
        return new Decider(situation).Decide();
    }

    private sealed class Decider(BootSituation situation)
    {
        private readonly BootRecord? _record = situation.Record;
        private readonly List<string> _notes = [];

        public BootDecision Decide()
        {
            if (_record is null)
                _notes.Add("no valid boot record");
            return (BootDecision?)(Override() ?? Wanted() ?? Previous() ?? LastResort()) ?? Rescue();
        }

        private BootDecision.Boot? Override()
        {
            if (situation.OverrideName is { } name)
            {
                if (IsComplete(name))
                    return Boot(name, BootReason.Override, null, "asked for by a person");
                _notes.Add($"{name} was asked for but is not complete");
            }
            if (!situation.OverridePrevious)
                return null;
            if (_record?.Previous is { } previous && IsComplete(previous))
                return Boot(previous, BootReason.Override, null, "the previous one, asked for by a person");
            _notes.Add("the previous one was asked for but there is none");
            return null;
        }

        private BootDecision.Boot? Wanted()
        {
            if (_record is null || _record.State == BootState.Fallback)
                return null;
            var wanted = _record.Wanted;
            if (!IsComplete(wanted))
                return Pass($"wanted {wanted} is not complete");
            if (_record.State == BootState.Good)
                return Boot(wanted, BootReason.Wanted, null, "wanted and confirmed");
            if (_record.TriesLeft == 0)
                return Pass($"wanted {wanted} has no tries left");
            if (!situation.CanCount)
                return Pass($"the tries of {wanted} cannot be counted");
            return Counted(wanted, BootReason.Wanted, _record with { TriesLeft = _record.TriesLeft - 1 }, "wanted and on trial");
        }

        private BootDecision.Boot? Previous()
        {
            if (_record?.Previous is not { } previous)
                return null;
            if (!IsComplete(previous))
                return Pass($"previous {previous} is not complete");
            var fresh = _record.State != BootState.Fallback;
            if (!fresh && (_record.LastResort is not null || _record.TriesLeft == 0))
                return Pass($"previous {previous} has no tries left");
            if (!situation.CanCount)
                return Boot(previous, BootReason.Previous, null, "the last one known to be good");
            var tries = fresh ? BootRecord.DefaultTries : _record.TriesLeft;
            var save = _record with { State = BootState.Fallback, TriesLeft = tries - 1, LastResort = null };
            return Counted(previous, BootReason.Previous, save, "falling back to the previous deployment");
        }

        private BootDecision.Boot? LastResort()
        {
            var candidates = Candidates();
            if (_record is { State: BootState.Fallback, LastResort: { } current })
            {
                if (_record.TriesLeft > 0 && situation.CanCount && candidates.Contains(current))
                    return LastResort(current, _record.TriesLeft - 1);
                candidates.RemoveAll(name => !ComesAfter(name, current));
            }
            if (candidates.Count > 0)
                return LastResort(candidates[0], BootRecord.DefaultTries - 1);
            // On a medium that takes no count, an uncounted trial is better than none at all.
            return !situation.CanCount && _record is { State: BootState.Trial, TriesLeft: > 0 } && IsComplete(_record.Wanted)
                ? LastResort(_record.Wanted, 0)
                : null;
        }

        private BootDecision.Boot LastResort(DeploymentName name, int tries)
        {
            var reason = name == situation.Recovery ? BootReason.Recovery : BootReason.Newest;
            var why = reason == BootReason.Recovery ? "the pinned recovery deployment" : "the newest one that is left";
            if (!situation.CanCount)
                return Boot(name, reason, null, why) with { Uncounted = true };
            var save = _record is null
                ? new BootRecord { Wanted = name, State = BootState.Trial, TriesLeft = tries }
                : _record with { State = BootState.Fallback, LastResort = name, TriesLeft = tries };
            return Counted(name, reason, save, why);
        }

        /// <summary>Recovery first, then newest first, without the two that failed and without denied ones.</summary>
        private List<DeploymentName> Candidates()
        {
            var names = new List<DeploymentName>();
            if (situation.Recovery is { } recovery && IsComplete(recovery) && !HasFailed(recovery))
                names.Add(recovery);
            var others = new List<DeploymentName>();
            foreach (var (name, marker) in situation.Complete)
            {
                if (name != situation.Recovery && !HasFailed(name) && !situation.Denied.Contains(marker.Commit))
                    others.Add(name);
            }
            others.Sort(static (left, right) => right.CompareTo(left));
            names.AddRange(others);
            return names;
        }

        // One direction only, whatever is pinned or deployed meanwhile: recovery, then ever older ones.
        private bool ComesAfter(DeploymentName name, DeploymentName current) =>
            name != situation.Recovery && (current == situation.Recovery || name < current);

        private bool HasFailed(DeploymentName name) =>
            _record is not null && (name == _record.Wanted || name == _record.Previous);

        private BootDecision.Rescue Rescue()
        {
            _notes.Add("nothing is left to boot");
            return new BootDecision.Rescue(NewRound(), string.Join("; ", _notes.ToArray()));
        }

        private BootRecord? NewRound()
        {
            if (_record is null || situation.Complete.Count == 0)
                return null;
            var tryWanted = IsComplete(_record.Wanted) && !(_record.Previous is { } previous && IsComplete(previous));
            return _record with
            {
                State = tryWanted ? BootState.Trial : BootState.Fallback,
                TriesLeft = BootRecord.DefaultTries,
                LastResort = null,
            };
        }

        private BootDecision.Boot Counted(DeploymentName name, BootReason reason, BootRecord save, string why) =>
            Boot(name, reason, save, $"{why}, {save.TriesLeft} more tries after this boot");

        private BootDecision.Boot Boot(DeploymentName name, BootReason reason, BootRecord? save, string why)
        {
            _notes.Add($"{name} is {why}");
            return new BootDecision.Boot(name, reason, save, false, string.Join("; ", _notes.ToArray()));
        }

        private BootDecision.Boot? Pass(string note)
        {
            _notes.Add(note);
            return null;
        }

        private bool IsComplete(DeploymentName name)
        {
            foreach (var deployment in situation.Complete)
            {
                if (deployment.Name == name)
                    return true;
            }
            return false;
        }
    }
}
