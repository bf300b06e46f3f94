using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>device list|show|accept|reject|remove|allow|forbid|blackbox|report|label|expect|expected|unexpect</c> and what is said of devices: what each device runs, should run, and last said.</summary>
internal static class DeviceCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("device", "See devices, let them in or turn them away, and say what they are to do.")
        {
            List(context), Show(context), Accept(context), Reject(context), Remove(context), Allow(context, "allow", "Let a device have a private branch.", true),
            Allow(context, "forbid", "Take that back.", false), BlackBoxCommand.Create(context, Id()), Report(context), Label(context),
        };
        foreach (var verb in ExpectVerbs.Create(context))
            command.Add(verb);
        foreach (var verb in PolicyVerbs.Create(context, "a device", Id, id => new PolicyScope.Device(id),
            (id, policy) => $"{id} {policy?.Action ?? "follow"}{(policy?.Commit is { } commit ? $" {commit}" : "")}"))
        {
            command.Add(verb);
        }
        return command;
    }

    private static Command List(CommandContext context)
    {
        var filter = new Option<string?>("--filter") { Description = "only those that fit, such as 'group==lab and health!=ok'", HelpName = "FILTER" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("list", "All devices.") { filter, server, token, json }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var devices = await fleet.ListAsync(parsed.GetValue(filter), cancellation);
            if (parsed.GetValue(json))
            {
                var list = JsonSerializer.SerializeToNode(new DeviceList(devices), ProtocolJson.Default.DeviceList);
                context.Terminal.PrintJson("ctree-server.devices/1", list as JsonObject ?? []);
            }
            else
            {
                context.Terminal.PrintTable(["DEVICE", "NAME", "STATE", "BRANCH", "SEQ", "RUNNING", "WANTED", "TARGET", "SYNC", "HEALTH", "BOOT", "LAST SEEN", "LAST EVENT"],
                    [.. devices.Select(d => new[]
                    {
                        d.Id.ToString(), d.Name, Word(d.State) + Doubt(d), d.Branch.ToString(), $"{d.Sequence}", Printing.Short(d.Running),
                        Printing.Short(d.Wanted ?? d.Running), Printing.Short(d.Target), Sync(d), d.Health ?? "-", d.Boot is { Length: > 0 } boot ? boot : "-", Printing.Time(d.LastSeen), d.LastEvent?.Kind ?? "-",
                    })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Show(CommandContext context)
    {
        var id = Id();
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("show", "Everything about a device.") { id, server, token, json }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var device = await fleet.FindAsync(parsed.GetValue(id), cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.device/1", JsonSerializer.SerializeToNode(device, ProtocolJson.Default.DeviceInfo) as JsonObject ?? []);
            else
                Print(context.Terminal.Out, device);
            return ExitCode.Done;
        });
    }

    private static Command Accept(CommandContext context)
    {
        var id = Id();
        var branch = new Option<BranchName?>("--expected-on")
        {
            Description = "accept a key that has not enrolled yet and will follow this branch",
            HelpName = "BRANCH",
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name) ? name : CommandContext.Fail<BranchName?>(result, "--expected-on wants a branch's name"),
        };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("accept", "Let a device in.") { id, branch, server, token }, (parsed, cancellation) =>
            DecideAsync(context, parsed, server, token, fleet => fleet.DecideAsync(parsed.GetValue(id), DeviceState.Accepted, parsed.GetValue(branch), cancellation)));
    }

    private static Command Reject(CommandContext context)
    {
        var id = Id();
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("reject", "Turn a device away, until it is accepted or removed.") { id, server, token }, (parsed, cancellation) =>
            DecideAsync(context, parsed, server, token, fleet => fleet.DecideAsync(parsed.GetValue(id), DeviceState.Rejected, null, cancellation)));
    }

    private static Command Remove(CommandContext context)
    {
        var id = Id();
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("remove", "Forget a device; it may enrol again.") { id, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            await fleet.RemoveAsync(parsed.GetValue(id), cancellation);
            return ExitCode.Done;
        });
    }

    private static Command Report(CommandContext context)
    {
        var files = new Argument<string[]>("FILE") { Description = "what 'ctree bundle install' and 'ctree bundle report' wrote onto a stick", Arity = ArgumentArity.OneOrMore };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("report", "Take the reports of devices without a network.") { files, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            foreach (var file in parsed.GetRequiredValue(files))
            {
                if (new FileInfo(file) is not { Exists: true, Length: <= BodyLimits.OfflineReport })
                    throw new NotFoundException($"{file}: no report of a device");
                var device = await fleet.TakeReportAsync(await File.ReadAllBytesAsync(file, cancellation), cancellation);
                context.Terminal.Out.WriteLine($"{device.Id} {device.Name}: running {device.Running?.ToString() ?? "-"}, last event {device.LastEvent?.Kind ?? "-"}");
            }
            return ExitCode.Done;
        });
    }

    private static Command Label(CommandContext context)
    {
        var id = Id();
        var labels = new Argument<string[]>("NAME=VALUE") { Description = "labels to set; NAME= takes one away", Arity = ArgumentArity.OneOrMore };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("label", "Write labels on a device, for filters and groups.") { id, labels, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            var given = parsed.GetRequiredValue(labels).Select(label => label.Split('=', 2)).ToArray();
            if (given.FirstOrDefault(label => label.Length != 2) is { } wrong)
                throw new UsageException($"'{wrong[0]}' is no label: NAME=VALUE");
            await fleet.LabelAsync(parsed.GetValue(id), given.ToDictionary(label => label[0], label => label[1] is { Length: > 0 } value ? value : null), cancellation);
            return ExitCode.Done;
        });
    }

    private static Command Allow(CommandContext context, string name, string what, bool isAllowed)
    {
        var (id, branch) = (Id(), CommandContext.Branch("BRANCH"));
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command(name, what) { id, branch, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var device = await fleet.AllowAsync(parsed.GetValue(id), parsed.GetValue(branch), isAllowed, cancellation);
            context.Terminal.Out.WriteLine($"{device.Id} may have {(device.Allowed is { } allowed ? string.Join(", ", allowed) : "no private branch")}");
            return ExitCode.Done;
        });
    }

    private static async Task<ExitCode> DecideAsync(
        CommandContext context, ParseResult parsed, Option<Uri?> server, Option<string?> token, Func<FleetAccess, Task<DeviceInfo>> decide)
    {
        using var fleet = FleetAccess.Open(context, parsed, server, token);
        var device = await decide(fleet);
        context.Terminal.Out.WriteLine($"{device.Id} {Word(device.State)}");
        return ExitCode.Done;
    }

    private static void Print(TextWriter output, DeviceInfo device)
    {
        output.WriteLine($"device        {device.Id}  {device.Name}");
        output.WriteLine($"state         {Word(device.State)}, enrolled {Printing.Time(device.Enrolled)}, last seen {Printing.Time(device.LastSeen)}");
        if (device.Serial is { } serial)
            output.WriteLine($"serial        {serial}{(device.Conflicts is { } others ? $"; also claimed by {string.Join(", ", others)}: accept one, reject the others" : "")}");
        if (device.Developer == true)
            output.WriteLine("development   it also takes what developer keys sign: no production device");
        if (device.Key is { } key)
            output.WriteLine($"key           {key}{(device.KeyChanged is { } changed ? $", not its first, since {Printing.Time(changed)}" : key == device.Id ? "" : ", not its first")}");
        if (device.Cloned is { } cloned)
            output.WriteLine($"cloned        two places used its key until {Printing.Time(cloned)}: reject it and give both new keys, or 'device accept' if one is gone");
        if (device.Fork is { } fork)
            output.WriteLine($"fork          it has another commit at sequence {fork} than this server, which used that number again after a restore; it takes the next publish");
        if (device.IsAhead == true)
            output.WriteLine("ahead         it has seen a later position of its branch than this server has: publish, and it goes on");
        if (device.Address is { } address)
            output.WriteLine($"address       {address}");
        output.WriteLine($"hardware      {device.Hardware} ({device.Architecture})");
        if (device.Inventory is { } made)
            output.WriteLine($"made of       agent {made.Agent ?? "-"}, kernel {made.Kernel ?? "-"}, memory {made.Memory}, disk {made.Size}, free {made.Free}{(made.Inodes is { } inodes ? $", inodes {inodes}" : "")} (as of {Printing.Time(device.Told)})");
        if (device.Drift is { } drift)
        {
            output.WriteLine($"its /etc      {drift.Added} added, {drift.Changed} changed, {drift.Removed} removed against its tree (as of {Printing.Time(device.DriftTold)})");
            foreach (var path in drift.Paths ?? [])
                output.WriteLine($"              {path}");
        }
        output.WriteLine($"branch        {device.Branch}, sequence {device.Sequence} seen");
        if (device.Allowed is { } allowed)
            output.WriteLine($"allowed       {string.Join(", ", allowed)}");
        output.WriteLine($"running       {device.Running?.ToString() ?? "-"}");
        output.WriteLine($"wanted        {(device.Wanted ?? device.Running)?.ToString() ?? "-"}");
        output.WriteLine($"target        {device.Target?.ToString() ?? "-"}: {Sync(device)}");
        if (device.Decision is { } decision)
        {
            output.WriteLine($"why           {decision.Why}");
            output.WriteLine($"said by       {decision.Origin}: {decision.Action}{(decision.By is { } by ? $", by {by}" : "")}{(decision.Until is { } until ? $", until {Printing.Time(until)}" : "")}{(decision.Reason is { } reason ? $": {reason}" : "")}");
        }
        output.WriteLine($"health        {device.Health ?? "-"}{(device.Silent is { } silent ? $", noticed {Printing.Time(silent)}" : "")}");
        if (device.Groups is { } groups)
            output.WriteLine($"groups        {string.Join(", ", groups)}");
        if (device.Labels is { } labels)
            output.WriteLine($"labels        {string.Join(", ", labels.Select(l => $"{l.Key}={l.Value}"))}");
        if (device.Assignment is { Action: not "follow" } told)
            output.WriteLine($"assigned      {told.Action}{(told.Commit is { } commit ? $" {commit}" : "")} until {Printing.Time(told.Expires)}{(told.Reason is { } said ? $": {said}" : "")}{(told.Taken == true ? "" : " (it has not heard of it yet)")}");
        output.WriteLine($"boot          {(device.Boot is { Length: > 0 } boot ? boot : "-")}");
        if (device.Failed is { } failed)
            output.WriteLine($"failed        {failed}");
        foreach (var item in device.Events ?? [])
            output.WriteLine($"{(item == device.LastEvent ? "events" : ""),-14}{Describe(item)}");
    }

    private static string Sync(DeviceInfo device) => Standings.Word(Standings.Sync(device));

    private static string Doubt(DeviceInfo device) => (device.Conflicts is not null ? " (conflict)" : "") + (device.Cloned is not null ? " (cloned)" : "") + (device.Fork is not null ? " (fork)" : "") +
        (device.Developer == true ? " (development)" : "");

    private static string Describe(ReportEvent item) =>
        $"{Printing.Time(item.Time)}  {item.Kind}{(item.Commit is { } commit ? $" {Printing.Short(commit)}" : "")}{(item.Message is { } message ? $": {message}" : "")}";

    private static Argument<KeyId> Id() => new("DEVICE")
    {
        Description = "a device's id, 16 hex digits",
        CustomParser = result => KeyId.TryParse(result.Tokens[0].Value, out var id) ? id : CommandContext.Fail<KeyId>(result, $"'{result.Tokens[0].Value}' is no device id: 16 lower-case hex digits"),
    };

    private static string Word(DeviceState state) => state switch
    {
        DeviceState.Accepted => "accepted",
        DeviceState.Rejected => "rejected",
        _ => "pending",
    };
}
