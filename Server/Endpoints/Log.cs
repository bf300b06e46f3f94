using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>Every line the server logs. Who does something is the id of a token, or "user" and a name.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger log, Exception exception, string method, PathString path);

    [LoggerMessage(Level = LogLevel.Information, Message = "device {Device} ({Name}) enrolled: {State}")]
    public static partial void Enrolled(ILogger log, KeyId device, string name, DeviceState state);

    [LoggerMessage(Level = LogLevel.Information, Message = "device {Device} is {State} now, by {By}")]
    public static partial void Decided(ILogger log, KeyId device, DeviceState state, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "device {Device} removed, by {By}")]
    public static partial void Removed(ILogger log, KeyId device, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "device {Device} reports {Kind} (code {Code}): {Message}")]
    public static partial void Trouble(ILogger log, KeyId device, string kind, int code, string? message);

    [LoggerMessage(Level = LogLevel.Information, Message = "branch {Branch} is at {Commit}, sequence {Sequence}, by {By}")]
    public static partial void Published(ILogger log, BranchName branch, ObjectId commit, long sequence, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "device {Device} proves that {Branch} has been at {Commit}, sequence {Sequence}, which this server does not know: the next publish goes past it")]
    public static partial void HeadLearnt(ILogger log, KeyId device, BranchName branch, ObjectId commit, long sequence);

    [LoggerMessage(Level = LogLevel.Error, Message = "device {Device} has {Commit} at sequence {Sequence} of {Branch}, where this server has {Other}: the number was used twice, publish again")]
    public static partial void HeadForked(ILogger log, KeyId device, ObjectId commit, long sequence, BranchName branch, ObjectId other);

    [LoggerMessage(Level = LogLevel.Warning, Message = "device {Device} has a head of {Branch} that is not signed under this server's root: {Reason}")]
    public static partial void HeadNotOurs(ILogger log, KeyId device, BranchName branch, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "branch {Branch} deleted, by {By}")]
    public static partial void BranchDeleted(ILogger log, BranchName branch, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "token {Created} ({Role}) made, by {By}")]
    public static partial void TokenCreated(ILogger log, string created, string role, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "token {Revoked} revoked, by token {Token}")]
    public static partial void TokenRevoked(ILogger log, string revoked, string token);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "delta from {From} to {To}: {Bytes} bytes, {Cpu:F1} s of processor time in {Elapsed:F1} s, {Parts} parts, {Known} of them known")]
    public static partial void DeltaMade(ILogger log, ObjectId? from, ObjectId to, long bytes, double cpu, double elapsed, int parts, int known);

    [LoggerMessage(Level = LogLevel.Warning, Message = "no delta from {From} to {To}: {Reason}")]
    public static partial void DeltaFailed(ILogger log, ObjectId? from, ObjectId to, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking for deltas to make failed")]
    public static partial void DeltasFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "branch {Branch} is composed anew: {Commit}, sequence {Sequence}")]
    public static partial void Composed(ILogger log, BranchName branch, ObjectId commit, long sequence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "branch {Branch} stays as it is composed: {Reason}")]
    public static partial void NotComposed(ILogger log, BranchName branch, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking for branches to compose failed")]
    public static partial void CompositionsFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "recipe {Name} {What} by {By}")]
    public static partial void RecipeChanged(ILogger log, string name, string what, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "branch {Branch} followed to revision {Revision}: {Commit}, sequence {Sequence}")]
    public static partial void Followed(ILogger log, BranchName branch, string revision, ObjectId commit, long sequence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "branch {Branch} stays where it is and does not follow: {Reason}")]
    public static partial void NotFollowed(ILogger log, BranchName branch, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking at git repositories that are followed failed")]
    public static partial void FollowsFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not ready: {Why}")]
    public static partial void NotReady(ILogger log, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "webhook {Webhook} was not told of {Event} (delivery {Delivery}): {Reason}")]
    public static partial void NotDelivered(ILogger log, string webhook, string @event, long delivery, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking for webhooks to tell failed")]
    public static partial void WebhooksFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "what branch {Branch} follows was {What} by {By}")]
    public static partial void FollowChanged(ILogger log, BranchName branch, string what, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "device {Device} is assigned {Action} {Commit} by {By}")]
    public static partial void Assigned(ILogger log, KeyId device, string action, ObjectId? commit, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "no timestamp key of the root is in online-keys/: devices will take nothing of {Branch}")]
    public static partial void NoTimestamp(ILogger log, BranchName branch);

    [LoggerMessage(Level = LogLevel.Error, Message = "timestamps could not be renewed; devices take nothing when theirs have ended")]
    public static partial void TimestampsFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "uploaded objects could not be made durable; their publisher will be asked for them again")]
    public static partial void UploadsLost(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "a pack was cut short because of a damaged object; 'ctree-server fsck' finds it")]
    public static partial void PackCut(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "device {Device} could not be told '{Action}': {Reason}")]
    public static partial void NotTold(ILogger log, KeyId device, string action, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "rollout {Id} of {Scope} is {State} at wave {Wave} {Note}")]
    public static partial void RolloutMoved(ILogger log, long id, Fleet.Policies.PolicyScope scope, Fleet.Rollouts.RolloutState state, int wave, string note);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking after rollouts failed")]
    public static partial void RolloutsFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Scope} is told {Action} {Commit} by {By}")]
    public static partial void PolicySet(ILogger log, Fleet.Policies.PolicyScope scope, Fleet.Policies.PolicyAction? action, ObjectId? commit, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Devices} devices have fallen silent")]
    public static partial void FellSilent(ILogger log, int devices);

    [LoggerMessage(Level = LogLevel.Error, Message = "writing down where branches went failed")]
    public static partial void MovesNotNoted(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking for silent devices failed")]
    public static partial void SilencesFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "writing down what was sent failed")]
    public static partial void TrafficFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "the configuration of {Scope} is at revision {Revision} by {By}")]
    public static partial void Configured(ILogger log, string scope, long revision, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "device {Device} sent the black box of {Deployment}")]
    public static partial void BlackBox(ILogger log, KeyId device, string deployment);

    [LoggerMessage(Level = LogLevel.Information, Message = "user {User} logged in from {Address}")]
    public static partial void LoggedIn(ILogger log, string user, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "a login from {Address} was refused")]
    public static partial void LoginRefused(ILogger log, string address);

    [LoggerMessage(Level = LogLevel.Error, Message = "reading draft {Draft} failed")]
    public static partial void DraftFailed(ILogger log, Exception exception, string draft);

    [LoggerMessage(Level = LogLevel.Warning, Message = "what other servers write is looked for every few seconds until the database tells of it again")]
    public static partial void NotListening(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "a backup was left unfinished")]
    public static partial void BackupFailed(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "left out of a backup: {Damage}")]
    public static partial void LeftOutOfBackup(ILogger log, string damage);
}
