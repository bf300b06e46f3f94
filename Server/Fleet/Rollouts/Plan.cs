using System.Globalization;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>A plan that makes sense, every absent field with its value.</summary>
internal sealed class Plan
{
    private const int MaxWaves = 20;
    private const int MaxListed = 1000;
    private const long MaxSeconds = 366 * 86400;
    private const int Buckets = 10_000;

    private readonly int? _maxFailures;
    private readonly double _maxFailurePercent;

    /// <exception cref="FormatException">It makes no sense; the message says where.</exception>
    public Plan(RolloutPlan written)
    {
        Written = written;
        Waves = written.Waves is { Count: > 0 and <= MaxWaves } waves ? waves : throw new FormatException($"a plan has 1 to {MaxWaves} waves");
        RequireWaves();
        Success = InRange(written.Success, 90, 1, 100, "success");
        Soak = Seconds(written.Soak, 3600, "soak");
        Patience = Seconds(written.Patience, 86400, "patience", least: 60);
        Concurrent = written.Concurrent is null ? int.MaxValue : InRange(written.Concurrent, 1, 1, 1_000_000, "concurrent");
        (_maxFailures, _maxFailurePercent) = Failures(written.MaxFailures ?? "5%");
        Reverts = written.OnFailure switch
        {
            null or "pause" => false,
            "revert" => true,
            var other => throw new FormatException($"on failure a rollout does 'pause' or 'revert', not '{other}'"),
        };
        Window = written.Window is { } window ? MaintenanceWindow.Parse(window) : null;
        (AsksAtStart, AsksForEach) = written.Approval switch
        {
            null => (false, false),
            "start" => (true, false),
            "each" => (true, true),
            var other => throw new FormatException($"approval is 'start' or 'each', not '{other}'"),
        };
    }

    public RolloutPlan Written { get; }

    public IReadOnlyList<RolloutWave> Waves { get; }

    /// <summary>So many in a hundred must be confirmed.</summary>
    public int Success { get; }

    public TimeSpan Soak { get; }

    /// <summary>A device that says nothing for so long is not waited for.</summary>
    public TimeSpan Patience { get; }

    public int Concurrent { get; }

    public bool Reverts { get; }

    public bool AsksAtStart { get; }

    public bool AsksForEach { get; }

    public MaintenanceWindow? Window { get; }

    /// <summary>Its waves come to everybody in the end.</summary>
    public bool IsForAll => Waves.Any(w => w.Percent >= 100);

    /// <summary>The first wave that a device is in; null for none.</summary>
    public int? WaveOf(KeyId device)
    {
        for (var wave = 0; wave < Waves.Count; wave++)
        {
            if (Waves[wave].Devices?.Contains(device) == true || Bucket(device) < Waves[wave].Percent * (Buckets / 100))
                return wave;
        }
        return null;
    }

    /// <summary>The same, where each wave that would have none of these devices has the next one by itself: of few devices a small share is nobody, and all would come at once.</summary>
    public Plan For(IEnumerable<KeyId> devices)
    {
        var waiting = devices.OrderBy(Bucket).ThenBy(d => d).ToList();
        var waves = new List<RolloutWave>();
        foreach (var wave in Waves)
        {
            var reached = waiting.Where(d => wave.Devices?.Contains(d) == true || Bucket(d) < wave.Percent * (Buckets / 100)).ToHashSet();
            if (reached.Count == 0 && wave.Percent is not null && waiting.Count > 0)
                reached.Add(waiting[0]);
            waves.Add(wave.Percent is not null && reached.Any(d => Bucket(d) >= wave.Percent * (Buckets / 100)) ? new RolloutWave(Devices: [.. reached]) : wave);
            waiting.RemoveAll(reached.Contains);
        }
        return new Plan(Written with { Waves = waves });
    }

    /// <summary>The number of failed devices at which it stops.</summary>
    /// <param name="reachable">Devices in the waves so far.</param>
    public long FailuresToStop(long reachable) => _maxFailures ?? Math.Max(1, (long)Math.Ceiling(reachable * _maxFailurePercent / 100));

    // A device's id is a hash already.
    private static uint Bucket(KeyId device) => uint.Parse(device.ToString().AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) % Buckets;

    private void RequireWaves()
    {
        var last = 0.0;
        foreach (var wave in Waves)
        {
            if (wave.Percent is null == wave.Devices is not { Count: > 0 })
                throw new FormatException("a wave is either a share or named devices");
            if (wave.Devices?.Count > MaxListed)
                throw new FormatException($"a wave names at most {MaxListed} devices; a group or a share has more");
            if (wave.Percent is { } percent)
            {
                if (!(percent > last && percent <= 100))
                    throw new FormatException("the shares of the waves rise, up to 100 %");
                last = percent;
            }
        }
    }

    private static (int? Count, double Percent) Failures(string text)
    {
        if (text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100)
            return (null, percent);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? (count, 0)
            : throw new FormatException($"failures are a number above 0 or a share such as 5%, not '{text}'");
    }

    private static int InRange(int? value, int usual, int least, int most, string what) => (value ?? usual) is var number && number >= least && number <= most
        ? number
        : throw new FormatException($"{what} is from {least} to {most}, not {number}");

    private static TimeSpan Seconds(long? value, long usual, string what, long least = 0) => (value ?? usual) is <= MaxSeconds and var seconds && seconds >= least
        ? TimeSpan.FromSeconds(seconds)
        : throw new FormatException($"{what} is from {least} to {MaxSeconds} seconds, not {value}");
}
