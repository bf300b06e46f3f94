using System.Globalization;

namespace ContentTree.BootFile;

/// <summary>The fields of a record while its lines are read; every method answers with the problem, or "" for none.</summary>
internal sealed class BootRecordFields
{
    private const int MaxVersion = 9999;

    private ulong? _version, _sequence, _tries;
    private DeploymentName? _wanted, _previous, _lastResort;
    private BootState? _state;
    private bool _previousSeen;

    public string Add(ReadOnlySpan<char> key, ReadOnlySpan<char> value) => key switch
    {
        "ctree-boot" => Number("ctree-boot", value, 1, MaxVersion, ref _version),
        "sequence" => Number("sequence", value, 1, BootRecord.MaxSequence, ref _sequence),
        "wanted" => Name("wanted", value, ref _wanted),
        "previous" => Previous(value),
        "state" => State(value),
        "tries" => Number("tries", value, 0, BootRecord.MaxTries, ref _tries),
        "last-resort" => Name("last-resort", value, ref _lastResort),
        _ => "",
    };

    public string TryMake(out BootRecord? record)
    {
        record = null;
        if (_sequence is not { } sequence)
            return "no sequence";
        if (_wanted is not { } wanted)
            return "no wanted deployment";
        if (_state is not { } state)
            return "no state";
        if (_tries is not { } tries)
            return "no tries";
        if (!_previousSeen)
            return "no previous deployment";
        record = new BootRecord
        {
            Sequence = sequence,
            Wanted = wanted,
            Previous = _previous,
            State = state,
            TriesLeft = (int)tries,
            LastResort = _lastResort,
        };
        return "";
    }

    private static string Number(string key, ReadOnlySpan<char> value, ulong min, ulong max, ref ulong? field)
    {
        if (field is not null)
            return $"{key} twice";
        var canonical = value.Length > 0 && (value[0] != '0' || value.Length == 1);
        if (!canonical || !ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ||
            number < min || number > max)
            return $"{key} '{Text.Printable(value)}' is no number from {min} to {max}";
        field = number;
        return "";
    }

    private static string Name(string key, ReadOnlySpan<char> value, ref DeploymentName? field)
    {
        if (field is not null)
            return $"{key} twice";
        if (!DeploymentName.TryParse(value, out var name))
            return $"{key} '{Text.Printable(value)}' is no deployment name";
        field = name;
        return "";
    }

    private string Previous(ReadOnlySpan<char> value)
    {
        if (_previousSeen)
            return "previous twice";
        _previousSeen = true;
        return value.Length == 0 ? "" : Name("previous", value, ref _previous);
    }

    private string State(ReadOnlySpan<char> value)
    {
        if (_state is not null)
            return "state twice";
        _state = value switch
        {
            "trial" => BootState.Trial,
            "good" => BootState.Good,
            "fallback" => BootState.Fallback,
            _ => null,
        };
        return _state is null ? $"state '{Text.Printable(value)}' is unknown" : "";
    }
}
