using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The configuration: its keys, what was said of the fleet, a group or a device, and what was there before. Secrets come in here and never out.</summary>
internal sealed class ConfigurationPages(Gate gate, PageRenderer renderer, ConfigurationChanges changes, Groups groups, FleetCounts counts, Audit audit, ILogger log)
{
    // Each with its forms, and with its value in one of them.
    private const int PageSize = 20;
    private const int ShownChanges = 25;

    /// <param name="Devices">How many a change may reach.</param>
    internal sealed record Single(ConfigurationScope Scope, Slice<ConfigurationKeyInfo> Keys, ConfigurationInfo Info, ConfigurationHistory History, long Devices);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/configuration", gate.Page(visitor => ShowAsync(visitor, new ConfigurationScope.Fleet())));
        routes.MapGet("/configuration/{scope}", gate.GroupPage(visitor => ShowAsync(visitor, ScopeOf(visitor) is var scope && visitor.Limit.Covers(scope) ? scope : throw new NotFoundException("no such group or device"))));
        routes.MapPost("/configuration", gate.Action(DefineAsync, TokenRole.Operator));
        routes.MapPost("/configuration/remove", gate.Action(RemoveAsync, TokenRole.Operator));
        routes.MapPost("/configuration/{scope}/set", gate.Action((visitor, form) => SetAsync(visitor, form, Written(form["value"].ToString())), TokenRole.Operator));
        routes.MapPost("/configuration/{scope}/unset", gate.Action((visitor, form) => SetAsync(visitor, form, null), TokenRole.Operator));
        routes.MapPost("/configuration/{scope}/revert", gate.Action(RevertAsync, TokenRole.Operator));
    }

    /// <summary>Where a scope's page is.</summary>
    public static string PathOf(ConfigurationScope scope) => scope is ConfigurationScope.Fleet ? "/configuration" : $"/configuration/{scope}";

    private Task ShowAsync(Visitor visitor, ConfigurationScope scope) =>
        renderer.ShowAsync<ConfigurationPage>(visitor, new Single(
            scope, Slice.Of(visitor, ConfigurationEndpoints.Keys(changes, visitor.Limit), PageSize), changes.Show(scope), changes.History(scope, ShownChanges), DevicesOf(scope)));

    private Task DefineAsync(Visitor visitor, IFormCollection form)
    {
        var key = changes.Define(ConfigurationKey.Parse(form["name"].ToString().Trim()), new ConfigurationKeyRequest(form["type"].ToString(), form["secret"] == "yes", form["description"].ToString().Trim()));
        ConfigurationNotes.Defined(audit, visitor.Actor, key);
        return visitor.Go("/configuration", $"{key.Name} is a key now.");
    }

    private Task RemoveAsync(Visitor visitor, IFormCollection form)
    {
        var name = ConfigurationKey.Parse(form["key"]);
        changes.Remove(name);
        ConfigurationNotes.Removed(audit, visitor.Actor, name);
        return visitor.Go("/configuration", $"{name} is no key any more.");
    }

    private Task SetAsync(Visitor visitor, IFormCollection form, string? value)
    {
        var scope = ScopeOf(visitor);
        var request = new ConfigurationRequest(new Dictionary<string, string?> { [form["key"].ToString()] = value }, form["reason"].ToString().Trim());
        return DoneAsync(visitor, scope, "config.set", changes.Set(scope, request, visitor.Actor.Name, Expected(scope, form)));
    }

    private Task RevertAsync(Visitor visitor, IFormCollection form)
    {
        var scope = ScopeOf(visitor);
        var request = new ConfigurationRevertRequest(Number(form["to"].ToString()), form["reason"].ToString().Trim() is { Length: > 0 } reason ? reason : null);
        return DoneAsync(visitor, scope, "config.revert", changes.Revert(scope, request, visitor.Actor.Name, Expected(scope, form)));
    }

    private Task DoneAsync(Visitor visitor, ConfigurationScope scope, string verb, ConfigurationOutcome outcome)
    {
        Log.Configured(log, outcome.After.Scope, outcome.After.Revision, visitor.Actor.Name);
        ConfigurationNotes.Changed(audit, visitor.Actor, verb, outcome);
        var lost = outcome.After.Lost is { } names ? $" {string.Join(", ", names)} cannot be brought back: set it anew." : "";
        return visitor.Go(PathOf(scope), (outcome.Changes.Count == 0 ? "All was so already." : "Devices hear of it at their next poll.") + lost);
    }

    // Of two who edit the same page the second one is told.
    private static Action<string?> Expected(ConfigurationScope scope, IFormCollection form)
    {
        var seen = ConfigurationChanges.Tag($"{scope}", Number(form["revision"].ToString()));
        return present =>
        {
            if (present != seen)
                throw new FleetConflictException("somebody has changed it meanwhile; look at it again");
        };
    }

    private long DevicesOf(ConfigurationScope scope) => scope switch
    {
        ConfigurationScope.Group group => groups.Find(group.Name).Devices,
        ConfigurationScope.Device => 1,
        _ => counts.Read().All,
    };

    // Browsers send other ends of lines than files have.
    private static string Written(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("this form is not complete; load the page again");

    private static ConfigurationScope ScopeOf(Visitor visitor)
    {
        try
        {
            return ConfigurationScope.Parse(visitor.Route("scope"));
        }
        catch (FormatException)
        {
            throw new NotFoundException("no such group or device");
        }
    }
}
