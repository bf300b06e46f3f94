using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ContentTree.Server.Simulation;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>simulate</c>: what a plan would do with a fleet, before it does it with the real one.</summary>
internal static class SimulateCommand
{
    private const int MaxDevices = 1_000_000;

    public static Command Create(CommandContext context)
    {
        var devices = new Option<int>("--devices") { Description = "how many (default: 1000)", HelpName = "N", DefaultValueFactory = _ => 1000 };
        var bad = new Option<string>("--bad") { Description = "the share of devices on which the release fails (default: 0%)", HelpName = "PERCENT", DefaultValueFactory = _ => "0%" };
        var off = new Option<string>("--off") { Description = "the share of devices that are switched off (default: 5%)", HelpName = "PERCENT", DefaultValueFactory = _ => "5%" };
        var seed = new Option<int>("--seed") { Description = "another number, another fleet (default: 1)", HelpName = "N", DefaultValueFactory = _ => 1 };
        var plan = new PlanOptions();
        var command = new Command("simulate", "Try a rollout's plan on a made-up fleet, in simulated time.") { devices, bad, off, seed };
        plan.AddTo(command);
        return CommandContext.Run(command, (parsed, cancellation) =>
        {
            var settings = new SimulationSettings
            {
                Devices = parsed.GetValue(devices) is > 0 and <= MaxDevices and var count ? count : throw new UsageException($"--devices is from 1 to {MaxDevices}"),
                Bad = Share("--bad", parsed.GetRequiredValue(bad)),
                Off = Share("--off", parsed.GetRequiredValue(off)),
                Plan = plan.Read(parsed),
                Seed = parsed.GetValue(seed),
            };
            var path = Directory.CreateTempSubdirectory("ctree-simulate-").FullName;
            try
            {
                Run(context.Terminal, path, settings, cancellation);
            }
            finally
            {
                Directory.Delete(path, recursive: true);
            }
            return ExitCode.Done;
        });
    }

    private static void Run(Terminal terminal, string path, SimulationSettings settings, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        using var simulation = new Simulation.Simulation(path, settings);
        var result = simulation.Run((at, rollout) => terminal.Error.WriteLine(
            $"{Span(at),9}  {rollout.State}, wave {rollout.Wave + 1} of {rollout.Plan.Waves.Count}, {rollout.Waves?.Sum(w => w.Confirmed)} confirmed, {rollout.Waves?.Sum(w => w.Failed)} failed{(rollout.Note is { } note ? $": {note}" : "")}"), cancellation);
        terminal.Out.WriteLine($"{result.Rollout.State} after {Span(result.Elapsed)}");
        terminal.Out.WriteLine($"{settings.Devices} devices: {result.Reached} booted the release, {result.OnRelease} run it, {result.OnBaseline} run what was before; at most {result.MostAtOnce} updated at once");
        terminal.Error.WriteLine($"{result.Polls} polls in {clock.Elapsed.TotalSeconds:0.0} s");
    }

    private static string Span(TimeSpan span) => $"{(int)span.TotalHours}:{span.Minutes:00}:{span.Seconds:00}";

    private static double Share(string option, string text) =>
        double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is >= 0 and <= 100
            ? percent / 100
            : throw new UsageException($"{option} wants a share such as 5%, not '{text}'");
}
