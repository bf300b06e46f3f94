using ContentTree.Deploy.Agent;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Health;

/// <summary>
/// The programs that say whether a trial is good: every executable of the given directories, by file name, one after the other.
/// Each has its own time. The first required one that fails ends the round; wanted ones are only told of.
/// </summary>
internal sealed class HealthChecks(IEnumerable<string> required, IEnumerable<string> wanted, CheckProgram program, ILogger log)
{
    public async Task<HealthResult> RunAsync(CancellationToken cancellation)
    {
        foreach (var check in Find(required))
        {
            if (await program.RunAsync(check, cancellation).ConfigureAwait(false) is { } failure)
                return new HealthResult(failure, []);
        }
        var warnings = new List<CheckFailure>();
        foreach (var check in Find(wanted))
        {
            if (await program.RunAsync(check, cancellation).ConfigureAwait(false) is { } failure)
                warnings.Add(failure);
        }
        return new HealthResult(null, warnings);
    }

    private IEnumerable<string> Find(IEnumerable<string> directories) => CheckDirectories.Find(directories, path => Log.CheckNotExecutable(log, path));
}
