using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard;

/// <summary>What somebody wants to see of the devices, as an address says it.</summary>
/// <param name="Special">"cloned", "forked", "low space" or "changed /etc": what is no standing.</param>
/// <param name="Condition">What else has to be true, in the language of filters.</param>
internal sealed record DeviceWish(string Text, BranchName? Branch, Standing? Standing, ObjectId? Running, string Special, string Condition)
{
    private const int MaxText = 200;

    /// <summary>What may stand in an address beside the standings.</summary>
    public const string Cloned = "cloned";

    public const string Forked = "forked";

    public const string Low = "low space";

    public const string Drifted = "changed /etc";

    private FleetFilter? _condition;

    public static DeviceWish Of(Visitor visitor)
    {
        var (text, word) = (visitor.Query("q").Trim(), visitor.Query("standing"));
        Standing? standing = Enum.GetValues<Standing>().Where(s => Standings.Word(s) == word).Select(s => (Standing?)s).FirstOrDefault();
        return new DeviceWish(text.Length <= MaxText ? text : text[..MaxText], BranchName.TryParse(visitor.Query("branch"), out var branch) ? branch : null,
            standing, ObjectId.TryParse(visitor.Query("running"), out var running) ? running : null, word is Cloned or Forked or Low or Drifted ? word : "", visitor.Query("filter").Trim()).Read(visitor.Now);
    }

    /// <summary>Why the condition is none; nobody is shown then.</summary>
    public string? Problem { get; private init; }

    public bool IsEmpty => Text.Length == 0 && Branch is null && Standing is null && Running is null && Special.Length == 0 && Condition.Length == 0;

    /// <summary>Whether the counts of the fleet say how many there are.</summary>
    public bool IsCountable => Text.Length == 0 && Running is null && Special.Length == 0 && Condition.Length == 0;

    public string StandingWord => Special.Length > 0 ? Special : Standing is { } standing ? Standings.Word(standing) : "";

    /// <summary>The same for the database.</summary>
    public DeviceFilter Filter()
    {
        var all = new DeviceFilter(Text, Branch, Running: Running, Mark: Special switch { Cloned => DeviceMark.Cloned, Forked => DeviceMark.Forked, Low => DeviceMark.Low, Drifted => DeviceMark.Drifted, _ => DeviceMark.None }, Condition: _condition);
        return Standing switch
        {
            null => all,
            Fleet.Standing.Pending => all with { State = DeviceState.Pending },
            Fleet.Standing.Rejected => all with { State = DeviceState.Rejected },
            Fleet.Standing.Silent => all with { State = DeviceState.Accepted, IsSilent = true },
            Fleet.Standing.Unknown => all with { State = DeviceState.Accepted, Sync = "", IsSilent = false },
            { } standing => all with { State = DeviceState.Accepted, Sync = Standings.Word(standing).Replace(' ', '-'), IsSilent = false },
        };
    }

    public long Count(FleetCount fleet) =>
        fleet.Branches.Where(b => Branch is null || b.Branch == Branch).Sum(b => Standing is { } standing ? b.Of(standing) : b.All);

    private DeviceWish Read(DateTimeOffset now)
    {
        try
        {
            return this with { _condition = FleetFilter.Parse(Condition, now) };
        }
        catch (FormatException e)
        {
            return this with { Problem = e.Message };
        }
    }

    /// <summary>The device before the page that somebody asks for; null for the first page.</summary>
    public static KeyId? AfterOf(Visitor visitor) => KeyId.TryParse(visitor.Query("after"), out var id) ? id : null;

    /// <summary>The list of these devices.</summary>
    public string Path(KeyId? after = null) => Address(after) is { Length: > 0 } address ? $"/devices?{address}" : "/devices";

    /// <summary>The same wish as part of an address.</summary>
    public string Address(KeyId? after = null)
    {
        (string Name, string? Value)[] all = [("q", Text), ("branch", Branch?.ToString()), ("standing", StandingWord), ("running", Running?.ToString()), ("filter", Condition), ("after", after?.ToString())];
        return string.Join('&', all.Where(p => p.Value is { Length: > 0 }).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value ?? "")}"));
    }
}
