using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>Writes down how a job ended, for "status" and for the server.</summary>
internal sealed class JobRecord(Device device, string verb)
{
    public async Task<ExitCode> RunAsync(Func<Task<(ExitCode Code, string Message)>> job)
    {
        try
        {
            var (code, message) = await job().ConfigureAwait(false);
            Remember(code, message);
            return code;
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            Failed(e, code);
            throw;
        }
    }

    private void Failed(Exception e, ExitCode code)
    {
        var message = Outcome.MessageOf(e);
        try
        {
            // An unreachable server knows, a pause was agreed, and the same failure again is no news.
            if (e is not (ServerUnreachableException or PausedException) && device.State.Last.Result is var last && (last?.Code != (int)code || last.Message != message))
                device.State.Happened(EventKind.Failed, null, null, code, message);
            Remember(code, message);
        }
        catch (IOException)
        {
            // On a full disk even this may not fit; the failure itself is what counts.
        }
    }

    private void Remember(ExitCode code, string message) =>
        device.State.Last = device.State.Last with { Result = new LastResult(verb, (int)code, message, device.Clock.GetUtcNow()) };
}
