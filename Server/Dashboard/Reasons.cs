using ContentTree.Server.Dashboard.Pages;
using ContentTree.Server.Fleet;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard;

/// <summary>Why a device does not run what it should, in sentences.</summary>
internal static class Reasons
{
    public static IEnumerable<string> Of(DevicePages.Single shown, DateTimeOffset now)
    {
        var device = shown.Device;
        if (shown.Standing == Standing.Silent && device.LastSeen is { } seen)
            yield return $"Nothing was heard of it for {Text.Span(now - seen)}, and it should poll every {Text.Span(shown.PollInterval)}. What follows is as of then.";
        yield return Sentence(device);
        if (device.LastEvent is { Code: not 0, Message: { Length: > 0 } message } && Standings.Sync(device) is Standing.Behind or Standing.FellBack)
            yield return $"It said last: {message}";
        if (device is { Assignment: { Action: not "follow", Taken: not true } })
            yield return "It has not heard of what it was told yet: it does at its next poll.";
        if (device.Conflicts is not null)
            yield return "Another key claims the same serial: accept the one that is the device, and reject the other.";
        if (device.Cloned is not null)
            yield return "Two places use its key: reject it and give both new keys, or accept it again if one of them is gone.";
        if (device.Fork is { } fork)
            yield return $"It has another commit at #{fork} than this server, which used that number again after it was restored; it takes the next publish.";
    }

    private static string Sentence(DeviceInfo device) => device.State switch
    {
        DeviceState.Pending => "It waits for somebody to accept it, and gets nothing until then. Compare its id with what 'ctree status' shows on the device.",
        DeviceState.Rejected => "It was rejected and gets nothing.",
        _ => Standings.Sync(device) switch
        {
            Standing.InSync => device.Assignment is { Action: "pin" } ? "It runs what it is pinned to." : "It runs what its branch is at.",
            Standing.Updating => "It has fetched what it should run, and boots it next.",
            Standing.FellBack => "What it should run was tried and failed there: it went back to what runs now, and waits for the next publish. Its black box says more.",
            Standing.Held => device.Hold == true ? "It was told on the device itself to take no updates ('ctree hold')." : "It is held: somebody here told it to take no updates.",
            Standing.Ahead => "It has seen a later position of its branch than this server has, which was restored from a backup. Publish, and it goes on.",
            Standing.Behind => "It has not fetched what it should run yet.",
            _ => device.LastSeen is null ? "It was let in and has not polled yet." : "Nothing is published on its branch yet.",
        },
    };
}
