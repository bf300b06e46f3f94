using System.Data.Common;
using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The rollouts: how far each is, why it stopped, and everything that starts and steers one.</summary>
internal sealed class RolloutPages(
    Gate gate, PageRenderer renderer, Database database, RolloutSteps steps, Groups groups, FetchSizes sizes, FleetCounts counts, Func<BranchRegister> register, TimeProvider time, ILogger log)
{
    private const int PageSize = 20;
    private const int ShownReasons = 20;
    private const int ShownDevices = 10;

    /// <param name="Next">Below which number the next page begins; null on the last one.</param>
    internal sealed record Listing(IReadOnlyList<(Rollout Rollout, RolloutFigures.Tally Tally)> Rows, long? Next, bool IsFirst);

    /// <param name="Waves">The numbers of every wave by itself.</param>
    internal sealed record Single(Rollout Rollout, IReadOnlyList<RolloutCounts> Waves, IReadOnlyList<RolloutFigures.Failure> Failures, IReadOnlyList<RolloutFigures.Point> Curve)
    {
        public RolloutCounts All => Waves.Aggregate(RolloutCounts.None, (sum, wave) => sum + wave);

        /// <summary>A wave together with those before it, as its thresholds count.</summary>
        public RolloutCounts UpTo(int wave) => Waves.Take(wave + 1).Aggregate(RolloutCounts.None, (sum, one) => sum + one);
    }

    internal sealed record Choice(IReadOnlyList<(PolicyScope Scope, long Devices)> Scopes, string Scope, string Commit);

    internal sealed record Question(RolloutOutlook Outlook, FetchSizes.Sum Fetch, IReadOnlyList<(string Name, string Value)> Fields);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/rollouts", gate.GroupPage(ListAsync));
        routes.MapGet("/rollouts/start", gate.GroupPage(ChooseAsync, TokenRole.Operator));
        routes.MapPost("/rollouts/start", gate.GroupAction(StartAsync, TokenRole.Operator));
        routes.MapGet("/rollouts/{id}", gate.GroupPage(ShowAsync));
        foreach (var verb in RolloutSteps.Verbs)
            routes.MapPost($"/rollouts/{{id}}/{verb}", gate.GroupAction((visitor, form) => StepAsync(visitor, form, verb), verb == RolloutSteps.Approve ? TokenRole.Approver : TokenRole.Operator));
    }

    private Task ListAsync(Visitor visitor)
    {
        long? below = long.TryParse(visitor.Query("below"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        using var connection = database.Connect();
        var found = visitor.Limit.IsWhole ? RolloutBook.List(connection, PageSize + 1, below ?? long.MaxValue)
            : [.. RolloutBook.List(connection, int.MaxValue, below ?? long.MaxValue).Where(r => visitor.Limit.Covers(r.Scope)).Take(PageSize + 1)];
        var page = found.Take(PageSize).ToArray();
        var tallies = page.Length == 0 ? new Dictionary<long, RolloutFigures.Tally>() : RolloutFigures.Tallies(connection, page[^1].Id, page[0].Id);
        return renderer.ShowAsync<RolloutsPage>(visitor, new Listing(
            [.. page.Select(r => (r, tallies.GetValueOrDefault(r.Id, new RolloutFigures.Tally(0, 0, 0))))], found.Count > PageSize ? page[^1].Id : null, below is null));
    }

    private Task ShowAsync(Visitor visitor)
    {
        using var connection = database.Connect();
        var rollout = Find(connection, visitor);
        return renderer.ShowAsync<RolloutPage>(visitor, new Single(
            rollout, Count(connection, rollout), RolloutFigures.Failures(connection, rollout.Id, ShownReasons, ShownDevices, visitor.Limit.Groups),
            RolloutFigures.Curve(connection, rollout.Id, rollout.Created, rollout.Ended ?? time.GetUtcNow())));
    }

    // Right after it was started nothing of it stands beside devices: whoever looks is still to read whom it reaches.
    private IReadOnlyList<RolloutCounts> Count(DbConnection connection, Rollout rollout)
    {
        var waves = counts.WavesOf(rollout);
        return rollout.IsActive && waves.All(wave => wave == RolloutCounts.None) ? [.. RolloutSteps.Outlook(connection, rollout).Waves.Select(devices => RolloutCounts.None with { Devices = devices })] : waves;
    }

    private Task ChooseAsync(Visitor visitor)
    {
        return renderer.ShowAsync<RolloutStartPage>(visitor, new Choice(ScopesFor(visitor, groups, register, counts), visitor.Query("scope"), visitor.Query("commit")));
    }

    /// <summary>Groups and branches to which something may go out, with the number of devices.</summary>
    public static IReadOnlyList<(PolicyScope Scope, long Devices)> ScopesFor(Visitor visitor, Groups groups, Func<BranchRegister> register, FleetCounts counts)
    {
        var fleet = counts.Read(visitor.Limit.Groups);
        return
        [
            .. groups.List().Select(g => (Scope: (PolicyScope)new PolicyScope.Group(g.Name), g.Devices)).Where(g => visitor.Limit.Covers(g.Scope)),
            .. register().List().Where(b => b.Commit is not null && visitor.Limit.IsWhole).Select(b => (new PolicyScope.Branch(b.Name), fleet.Following(b.Name))),
        ];
    }

    private Task StartAsync(Visitor visitor, IFormCollection form)
    {
        var request = RolloutForm.Read(form);
        visitor.Limit.Require(PolicyScope.Parse(request.Scope));
        if (form["sure"] != "yes")
        {
            var outlook = steps.Preview(request, visitor.Actor.Name);
            // A branch may go on while somebody reads: what goes out is what he has seen.
            return renderer.ShowAsync<RolloutQuestionPage>(visitor, new Question(
                outlook, sizes.Of(outlook.Needs), [.. RolloutForm.Fields.Select(name => (name, name == "commit" ? outlook.Rollout.Commit.ToString() : form[name].ToString()))]));
        }
        var rollout = steps.Start(request, visitor.Actor);
        Log.RolloutMoved(log, rollout.Id, rollout.Scope, rollout.State, rollout.Wave + 1, rollout.Note);
        counts.Forget();
        return visitor.Go($"/rollouts/{rollout.Id}", rollout.State == RolloutState.Waiting ? "It waits for an approver." : "It has begun: devices hear of it at their next poll.");
    }

    private Task StepAsync(Visitor visitor, IFormCollection form, string verb)
    {
        var reason = form["reason"].ToString().Trim();
        using (var connection = database.Connect())
            Find(connection, visitor);
        var rollout = steps.Step(IdOf(visitor), verb, reason, visitor.Actor);
        Log.RolloutMoved(log, rollout.Id, rollout.Scope, rollout.State, rollout.Wave + 1, rollout.Note);
        counts.Forget();
        return visitor.Go($"/rollouts/{rollout.Id}", verb switch
        {
            "revert" => "Its devices go back to what they ran before, from their next poll on.",
            "abort" => "It is over: every device stays where it is.",
            "pause" => "Paused: it reaches nobody more.",
            _ => $"Wave {rollout.Wave + 1} is {RolloutBook.Word(rollout.State)}.",
        });
    }

    // Of one whose scope is no business of the visitor's there is nothing to see.
    private static Rollout Find(DbConnection connection, Visitor visitor) =>
        RolloutBook.Find(connection, IdOf(visitor)) is var rollout && visitor.Limit.Covers(rollout.Scope) ? rollout : throw new NotFoundException($"no rollout {visitor.Route("id")}");

    private static long IdOf(Visitor visitor) =>
        long.TryParse(visitor.Route("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new NotFoundException("a rollout has a number");
}
