using System.CommandLine;
using System.Globalization;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>hold [--until T]</c>: no update at all for a while.</summary>
internal static class HoldCommand
{
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"];

    public static Command Create(Globals globals)
    {
        var until = new Option<string?>("--until") { Description = "when it ends by itself: 2027-01-31, 2027-01-31T08:00:00Z, or 12h from now", HelpName = "T" };
        var command = new Command("hold", "take no update until 'release'") { until };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var end = parse.GetValue(until) is { } text ? Parse(text, device.Clock.GetUtcNow()) : (DateTimeOffset?)null;
            device.State.Follow = device.State.Follow with { Hold = new HoldState(end) };
            Steering.Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    private static DateTimeOffset Parse(string text, DateTimeOffset now)
    {
        if (Durations.TryParse(text, out var length))
            return now + length;
        if (!DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            throw new StoppedException(ExitCode.Usage, $"--until wants a time such as 2027-01-31T08:00:00Z, or a length such as 12h, not '{text}'");
        return time > now ? time : throw new StoppedException(ExitCode.Usage, $"--until {text} is over already");
    }
}
