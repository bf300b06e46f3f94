using System.CommandLine;
using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Configurations;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Loaders;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Commands;

/// <summary><c>status</c>: what runs, what will boot, what happened last.</summary>
internal static class StatusCommand
{
    private const int LookedAt = 64;

    public static Command Create(Globals globals)
    {
        var command = new Command("status", "show what runs, what boots next and what happened last");
        command.SetAction(globals.Run((context, _, _) =>
        {
            using var device = context.Open();
            context.Output.Write(Describe(device), DocumentJson.Default.StatusDocument, document => StatusText.Of(document, [.. BootFileProblems(device)], device.Denials.List()));
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    /// <summary>How the device stands; nothing is changed, and nobody's lock is needed.</summary>
    public static StatusDocument Describe(Device device)
    {
        var follow = device.State.Follow;
        var last = device.State.Last;
        var record = device.Boot.Read();
        var booted = device.Booted?.Deployment;
        var hold = follow.HoldAt(device.Clock.GetUtcNow());
        return new StatusDocument(
            device.Config.Server?.ToString().TrimEnd('/'), follow.Branch, follow.Commit,
            DeviceId(device), Word(device.State.Enrolment.Answer), device.Trust.TryRoot()?.Fingerprint,
            booted, record?.Wanted, record?.Previous, record is null ? null : Word(record.State), record?.TriesLeft ?? 0,
            record is not null && booted != record.Wanted,
            [.. FinishedDeployment.Scan(device.Layout).Select(d => Describe(device, d))],
            hold is not null, hold?.Until,
            [.. device.Denials.List().Select(d => d.Commit)],
            device.State.Fetching.TryRead() ?? last.Fetched ?? new Fetched(0, 0, 0),
            last.Result is { } result ? new StatusResult(result.Code, result.Message, result.Verb, result.Time) : null,
            DescribeLoader(device),
            device.Trust.TryRoot() is null ? null : Describe(device.Trust.Assignment(follow.Branch)),
            new DeveloperKeys(device.Root).List() is { Count: > 0 } developers ? [.. developers.Select(key => key.Id.ToString())] : null,
            DescribeSeals(device),
            Describe(device.State.Configuration, new ConfigurationDirectory(device.Root).CurrentPath),
            device.State.Drift is { Found: { } drift } looked ? new StatusDrift(drift.Added, drift.Changed, drift.Removed, looked.Time) : null,
            device.Root.Stopped);
    }

    private static StatusConfiguration? Describe(ConfigurationState state, string? path) => state is { Applied: 0, Due: null } ? null : new StatusConfiguration(state.Applied, path, state.Due);

    private static StatusSeals? DescribeSeals(Device device) => device.Store.CountSealed(LookedAt) is (var isSealed, > 0 and var looked) ? new StatusSeals(looked, isSealed) : null;

    // Without a loader in the configuration kernels come from elsewhere, and nothing is known of them.
    private static StatusLoader? DescribeLoader(Device device)
    {
        if (device.Config.Loader == "none" || !Directory.Exists(Device.BootDirectory(device.Root, device.Config)))
            return null;
        var (directory, running, kernels, free) = new DeviceLoader(device).Describe();
        return new StatusLoader(device.Config.Loader, directory, running.Length > 0 ? running : null, [.. kernels.Select(k => new StatusKernel(k.Name, k.Bytes))], free);
    }

    private static StatusAssignment? Describe(VerifiedAssignment? assignment) => assignment switch
    {
        null or { Action: AssignmentAction.Follow } => null,
        _ => new StatusAssignment(assignment.Commit is null ? "hold" : "pin", assignment.Commit, assignment.Reason, assignment.Counter, assignment.Expires),
    };

    private static StatusDeployment Describe(Device device, FinishedDeployment deployment)
    {
        var note = device.State.Deployments.Find(deployment.Name);
        return new StatusDeployment(
            deployment.Name, deployment.Commit, note?.Branch, note?.Sequence ?? 0, note?.Version ?? "",
            BootHistory.IsConfirmed(device, deployment.Name), note?.Kept ?? false, deployment.Assets.Length > 0 ? deployment.Assets : null);
    }

    private static IEnumerable<string> BootFileProblems(Device device)
    {
        var (a, b) = device.Boot.Inspect();
        foreach (var slot in new[] { a, b }.Where(slot => slot.Record is null && slot.Problem != "empty: never written"))
            yield return $"{slot.Path}: {slot.Problem}";
        if (device.Booted is { Problem.Length: > 0 } booted)
            yield return booted.Problem;
    }

    private static string? DeviceId(Device device)
    {
        try
        {
            using var key = device.ReadKey();
            return key.Id.ToString();
        }
        catch (UnauthorizedAccessException)
        {
            // Anyone may look at the status; the key is for root alone.
            return null;
        }
    }

    private static string Word(BootState state) => state switch
    {
        BootState.Trial => "trial",
        BootState.Good => "good",
        _ => "fallback",
    };

    private static string? Word(DeviceState? state) => state switch
    {
        DeviceState.Pending => "pending",
        DeviceState.Accepted => "accepted",
        DeviceState.Rejected => "rejected",
        _ => null,
    };
}
