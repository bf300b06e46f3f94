using System.Globalization;
using System.Text;

namespace ContentTree.Deploy.Commands;

/// <summary>What the steering verbs (switch, deny, allow, hold, release) print: how the device is steered now.</summary>
internal static class Steering
{
    public static void Print(Output output, Device device)
    {
        var follow = device.State.Follow;
        var hold = follow.HoldAt(device.Clock.GetUtcNow());
        var document = new SteeringDocument(
            follow.Branch, follow.Commit, follow.Skip, hold is not null, hold?.Until, [.. device.Denials.List().Select(d => d.Commit)]);
        output.Write(document, DocumentJson.Default.SteeringDocument, Text);
    }

    private static string Text(SteeringDocument now)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"follows {now.Branch}{(now.Pinned is { } pin ? $", pinned to {pin}" : "")}\n");
        if (now.Skipped is { } skipped)
            text.Append(CultureInfo.InvariantCulture, $"skips {skipped}\n");
        if (now.Held)
            text.Append(CultureInfo.InvariantCulture, $"held {(now.HeldUntil is { } until ? $"until {until:u}" : "until 'ctree release'")}\n");
        foreach (var denied in now.Denied)
            text.Append(CultureInfo.InvariantCulture, $"denied {denied}\n");
        return text.ToString();
    }
}
