using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>How the last job ended and what the last download cost. <c>state/last.json</c>.</summary>
internal sealed record LastState(LastResult? Result = null, Fetched? Fetched = null, LastPoll? Poll = null, ObjectId? Failed = null, LastRetry? Retry = null, Suspect? Suspect = null)
{
    public string Schema { get; init; } = "ctree.last/1";
}

/// <param name="Commit">It lost the network in its trial; whether that was its fault shows where the server is or is not reached without it.</param>
/// <param name="Since">When that was noticed.</param>
internal sealed record Suspect(ObjectId Commit, DateTimeOffset Since);

/// <param name="Verb">What was asked for.</param>
/// <param name="Code">Its exit code.</param>
/// <param name="Message">A line for people.</param>
/// <param name="Time">When it ended.</param>
internal sealed record LastResult(string Verb, int Code, string Message, DateTimeOffset Time);

/// <param name="Objects">Objects that came over the network.</param>
/// <param name="Bytes">Bytes of bodies received, also of those that had to be thrown away.</param>
/// <param name="Resumes">Downloads continued where an earlier one was cut.</param>
/// <param name="Restarts">Downloads begun anew because the server's file had become another one.</param>
internal sealed record Fetched(long Objects, long Bytes, long Resumes, long Restarts = 0);

/// <param name="Time">When the server was last asked.</param>
/// <param name="Failures">How often in a row it could not be reached.</param>
/// <param name="Interval">Seconds that it wants between polls; 0 if it did not say.</param>
internal sealed record LastPoll(DateTimeOffset Time, int Failures, long Interval);

/// <param name="Failures">Rounds in a row that failed although there was a network.</param>
/// <param name="Lost">Rounds in a row without a network, or with one that wants a log-in: the server knows nothing of them.</param>
/// <param name="NotBefore">When the agent tries again, also after a restart.</param>
internal sealed record LastRetry(int Failures, int Lost, DateTimeOffset NotBefore);
