using ContentTree.Deploy.Config;

namespace ContentTree.Deploy.Health;

/// <summary>The timer that ends a trial in which no agent runs: as long as an agent waits for good reason, it counts anew.</summary>
internal static class TrialDeadline
{
    private const string Booted = "ctree-trial-deadline.timer";
    private const string Linked = "ctree-link-deadline.timer";

    /// <summary>Where there is no such timer nothing happens.</summary>
    public static Task PostponeAsync(AgentConfig config, CheckProgram program, CancellationToken cancellation) =>
        program.PrintedAsync("systemctl", ["--quiet", "try-restart", config.IsLinked ? Linked : Booted], cancellation);
}
