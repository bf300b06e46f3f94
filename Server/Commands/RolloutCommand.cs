using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>rollout start|list|show|plan|approve|next|pause|resume|abort|revert</c>.</summary>
internal static class RolloutCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("rollout", "Bring a commit to many devices, wave by wave.") { Start(context), List(context), Show(context), Plan(context) };
        foreach (var (verb, what) in new[]
        {
            ("approve", "Let a rollout begin, or its next wave."), ("next", "Go on to the next wave now."), ("pause", "Reach no more devices for now."), ("resume", "Go on, in spite of the failures so far."),
            ("abort", "End it: every device stays where it is."), ("revert", "End it: its devices go back to what they ran before."),
        })
        {
            command.Add(Step(context, verb, what));
        }
        return command;
    }

    private static Command Start(CommandContext context)
    {
        var (scope, plan) = (new ScopeOptions(), new PlanOptions());
        var to = new Option<string>("--to") { Description = $"what goes out: {CommitReference.Help}", HelpName = "COMMIT", Required = true };
        var reason = new Option<string?>("--reason") { Description = "why, one line", HelpName = "TEXT" };
        var command = new Command("start", "Start a rollout; prints its number.") { to, reason };
        scope.AddTo(command);
        plan.AddTo(command);
        return On(context, command, async (fleet, parsed, cancellation) =>
        {
            var started = await fleet.StartAsync(new RolloutRequest(scope.Read(parsed).ToString(), parsed.GetRequiredValue(to), plan.Read(parsed), parsed.GetValue(reason)), cancellation);
            Print(context.Terminal, started);
            context.Terminal.Out.WriteLine($"{started.Id}");
        });
    }

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return On(context, new Command("list", "Rollouts, newest first.") { json }, async (fleet, parsed, cancellation) =>
        {
            var rollouts = await fleet.RolloutsAsync(cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.rollouts/1", JsonSerializer.SerializeToNode(new RolloutList(rollouts), ProtocolJson.Default.RolloutList) as JsonObject ?? []);
            else
            {
                context.Terminal.PrintTable(["ROLLOUT", "OF", "COMMIT", "STATE", "WAVE", "DEVICES", "CONFIRMED", "FAILED", "STARTED", "NOTE"],
                    [.. rollouts.Select(r => new[]
                    {
                        $"{r.Id}", r.Scope, Printing.Short(r.Commit), r.State, $"{r.Wave + 1}/{r.Plan.Waves.Count}", $"{r.Waves?.Sum(w => w.Devices)}", $"{r.Waves?.Sum(w => w.Confirmed)}",
                        $"{r.Waves?.Sum(w => w.Failed)}", Printing.Time(r.Created), r.Note ?? "",
                    })]);
            }
        });
    }

    private static Command Show(CommandContext context)
    {
        var (id, json) = (Id(), CommandContext.Json());
        return On(context, new Command("show", "A rollout, its waves, and the devices that failed.") { id, json }, async (fleet, parsed, cancellation) =>
        {
            var rollout = await fleet.RolloutAsync(parsed.GetValue(id), cancellation);
            if (parsed.GetValue(json))
            {
                context.Terminal.PrintJson("ctree-server.rollout/1", JsonSerializer.SerializeToNode(rollout, ProtocolJson.Default.RolloutInfo) as JsonObject ?? []);
                return;
            }
            Print(context.Terminal, rollout);
            context.Terminal.PrintTable(["FAILED", "NAME", "WAVE", "SINCE", "SAID"],
                [.. (await fleet.RolloutDevicesAsync(rollout.Id, "failed", cancellation)).Select(d => new[] { d.Device.ToString(), d.Name, $"{d.Wave + 1}", Printing.Time(d.Since), d.Reason ?? "" })]);
        });
    }

    private static Command Plan(CommandContext context)
    {
        var (scope, plan) = (new ScopeOptions(), new PlanOptions());
        var none = new Option<bool>("--none") { Description = "take the plan away: its devices stay pinned until somebody says otherwise" };
        var command = new Command("plan", "Have each new head of a branch go out by a plan.") { none };
        scope.AddTo(command);
        plan.AddTo(command);
        return On(context, command, async (fleet, parsed, cancellation) =>
        {
            if (parsed.GetValue(none))
            {
                await fleet.RemovePlanAsync(scope.Read(parsed), cancellation);
                return;
            }
            var policy = await fleet.SetPlanAsync(scope.Read(parsed), plan.Read(parsed), cancellation);
            context.Terminal.Out.WriteLine($"{policy.Scope} {policy.Action} {policy.Commit}");
        });
    }

    private static Command Step(CommandContext context, string verb, string what)
    {
        var id = Id();
        var reason = new Option<string?>("--reason") { Description = "why, or the remark of an approval; one line", HelpName = "TEXT" };
        return On(context, new Command(verb, what) { id, reason }, async (fleet, parsed, cancellation) =>
        {
            var rollout = await fleet.StepAsync(parsed.GetValue(id), verb, parsed.GetValue(reason), cancellation);
            context.Terminal.Out.WriteLine($"{rollout.Id} {rollout.State}, wave {rollout.Wave + 1} of {rollout.Plan.Waves.Count}");
        });
    }

    private static void Print(Terminal terminal, RolloutInfo rollout)
    {
        var to = terminal.Error;
        to.WriteLine($"rollout {rollout.Id} of {rollout.Scope}: {rollout.State}{(rollout.Note is { } note ? $" ({note})" : "")}");
        to.WriteLine($"commit    {rollout.Commit}, sequence {rollout.Sequence} of {rollout.Branch}; before it {rollout.Baseline?.ToString() ?? "nothing"}");
        to.WriteLine($"started   {Printing.Time(rollout.Created)} by {rollout.By}{(rollout.Reason is { } reason ? $": {reason}" : "")}");
        if (rollout.Approved is { } approved)
            to.WriteLine($"approved  by {approved}");
        if (rollout.Reached is { } reached)
            to.WriteLine($"reached   {Printing.Time(reached)}; the soak runs from then");
        terminal.PrintTable(["WAVE", "OF", "DEVICES", "OFFERED", "CONFIRMED", "FAILED", "SILENT", "LOST"], [.. (rollout.Waves ?? []).Select((wave, index) => new[]
        {
            $"{(index == rollout.Wave ? ">" : " ")}{index + 1}", rollout.Plan.Waves[index] is { Percent: { } percent } ? $"{percent} %" : "named", $"{wave.Devices}", $"{wave.Offered}", $"{wave.Confirmed}", $"{wave.Failed}", $"{wave.Silent}", $"{wave.Lost}",
        })]);
    }

    private static Argument<long> Id() => new("ROLLOUT") { Description = "its number" };

    private static Command On(CommandContext context, Command command, Func<PolicyAccess, ParseResult, CancellationToken, Task> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            await run(fleet, parsed, cancellation);
            return ExitCode.Done;
        });
    }

    /// <summary>Of whom: a group or a branch.</summary>
    private sealed class ScopeOptions
    {
        private readonly Option<string?> _group = new("--group") { Description = "the devices of a group", HelpName = "GROUP" };
        private readonly Option<string?> _branch = new("--branch") { Description = "the devices that follow a branch", HelpName = "BRANCH" };

        public void AddTo(Command command)
        {
            command.Add(_group);
            command.Add(_branch);
        }

        public PolicyScope Read(ParseResult parsed) => (parsed.GetValue(_group), parsed.GetValue(_branch)) switch
        {
            ({ } group, null) => new PolicyScope.Group(GroupName.Parse(group)),
            (null, { } branch) => new PolicyScope.Branch(BranchName.Parse(branch)),
            _ => throw new UsageException("name either --group or --branch"),
        };
    }
}
