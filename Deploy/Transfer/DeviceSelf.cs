using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>What a device tells of itself, over the network or on a stick.</summary>
internal sealed class DeviceSelf(Device device)
{
    /// <summary>What a poll says.</summary>
    public PollRequest Describe(BranchName branch)
    {
        var (running, wanted) = RunningAndWanted();
        var held = device.State.Follow.HoldAt(device.Clock.GetUtcNow()) is not null || device.Root.Stopped is not null;
        var head = device.Trust.TryHead(branch);
        var configuration = device.Trust.Configuration()?.Counter;
        var applied = device.State.Configuration.Applied;
        return new PollRequest(
            branch,
            device.Boot.Read() is { } record ? Word(record.State) : "",
            device.Trust.Root().Version,
            device.Trust.Seen(branch)?.Sequence ?? 0,
            head is null ? null : ObjectId.Of(head),
            running,
            wanted == running ? null : wanted,
            device.State.Last.Failed,
            held ? true : null,
            device.State.Events.Last is var last and > 0 ? last : null,
            device.Trust.AssignmentCounter(),
            BootId(),
            Kept(running, wanted),
            new DeveloperKeys(device.Root).List().Count > 0 ? true : null,
            DeviceParts.News(device),
            configuration,
            applied == (configuration ?? 0) ? null : applied,
            DriftNews.Of(device));
    }

    /// <summary>What an enrolment says.</summary>
    public EnrolRequest Introduce(DeviceKey key, BranchName branch)
    {
        var config = device.Config;
        var links = key.Links;
        return new EnrolRequest(
            key.Signing.Public.Pem, config.Name, config.Hardware, config.Architecture, branch, device.State.Enrolment.Token, config.Serial.Length > 0 ? config.Serial : null,
            links is null ? null : key.Id, links);
    }

    // What it falls back to first: of more than fit, the server need not know.
    private string[]? Kept(ObjectId? running, ObjectId? wanted)
    {
        var previous = device.Boot.Read()?.Previous;
        string[] kept = [.. FinishedDeployment.Scan(device.Layout).OrderByDescending(d => d.Name == previous).Select(d => d.Commit)
            .Where(commit => commit != running && commit != wanted).Distinct().Take(PollRequest.MaxKept).Select(commit => commit.ToString()[..PollRequest.KeptDigits])];
        return kept.Length > 0 ? kept : null;
    }

    /// <summary>Eight digits that are others after each boot.</summary>
    public static string? BootId()
    {
        const string path = "/proc/sys/kernel/random/boot_id";
        return File.Exists(path) ? File.ReadAllText(path)[..8] : null;
    }

    private (ObjectId? Running, ObjectId? Wanted) RunningAndWanted()
    {
        ObjectId? running = device.Booted is { } booted ? ObjectId.Parse(booted.Commit) : null;
        ObjectId? wanted = device.Boot.Read() is { } record && DeploymentMarker.Read(device.Layout.Marker(record.Wanted), record.Wanted) is { } marker
            ? ObjectId.Parse(marker.Commit)
            : null;
        return (running, wanted);
    }

    private static string Word(BootState state) => state switch
    {
        BootState.Trial => "trial",
        BootState.Good => "good",
        _ => "fallback",
    };
}
