using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>Every path of the HTTP interface (docs/protocol.md).</summary>
public static class Routes
{
    /// <summary>POST <see cref="EnrolRequest"/> -> <see cref="EnrolAnswer"/>; signed by the device key in it.</summary>
    public const string Enrol = "/api/v1/devices/enrol";

    /// <summary>POST <see cref="PollRequest"/> -> <see cref="PollAnswer"/>; signed by the device.</summary>
    public const string Poll = "/api/v1/poll";

    /// <summary>POST <see cref="ReportRequest"/> -> <see cref="ReportAnswer"/>; signed by the device.</summary>
    public const string Report = "/api/v1/report";

    /// <summary>POST <see cref="BlackBoxRequest"/> -> <see cref="BlackBoxAnswer"/>; signed by the device.</summary>
    public const string BlackBoxes = "/api/v1/blackboxes";

    /// <summary>POST <see cref="HeadProof"/> -> <see cref="HeadProofAnswer"/>; signed by the device.</summary>
    public const string Heads = "/api/v1/heads";

    /// <summary>POST a pack request -> a pack (docs/format/pack.md); signed by the device.</summary>
    public const string Packs = "/api/v1/packs";

    /// <summary>POST <see cref="DeltaRequest"/> -> <see cref="DeltaOffer"/>, or 202 while it is made; signed by the device.</summary>
    public const string Deltas = "/api/v1/deltas";

    /// <summary>POST <see cref="MissingRequest"/> -> <see cref="MissingAnswer"/>; publisher.</summary>
    public const string PublishMissing = "/api/v1/publish/missing";

    /// <summary>PUT below it: <c>/(64 hex).kind</c>, body an LZ4 frame; publisher.</summary>
    public const string PublishObjects = "/api/v1/publish/objects";

    /// <summary>POST <see cref="MoveHeadRequest"/> -> <see cref="MoveHeadAnswer"/>; publisher.</summary>
    public const string PublishHeads = "/api/v1/publish/heads";

    /// <summary>GET -> <see cref="DeviceList"/>; below it <c>/(id)</c> GET and DELETE, <c>/(id)/accept</c> and <c>/(id)/reject</c> POST; viewer, operator.</summary>
    public const string Devices = "/api/v1/devices";

    /// <summary>POST <see cref="SignedReport"/> -> <see cref="DeviceInfo"/>; operator.</summary>
    public const string OfflineReports = "/api/v1/offline-reports";

    /// <summary>GET -> <see cref="TokenList"/>, POST <see cref="TokenRequest"/> -> <see cref="TokenAnswer"/>; below it <c>/(id)</c> DELETE; admin.</summary>
    public const string Tokens = "/api/v1/tokens";

    /// <summary>GET -> <see cref="BranchList"/>, POST <see cref="BranchRequest"/> -> <see cref="BranchInfo"/>; below it <c>/(name)</c> DELETE.</summary>
    public const string Branches = "/api/v1/branches";

    /// <summary>GET -> <see cref="RecipeList"/>, POST -> the same after all branches were brought to where their parts are, PUT <see cref="RecipeInfo"/>; below it <c>/(name)</c> DELETE; viewer, publisher.</summary>
    public const string Recipes = "/api/v1/recipes";

    /// <summary>GET -> <see cref="FollowList"/>, PUT <see cref="FollowRequest"/> -> <see cref="FollowInfo"/>; below it <c>/(branch)</c> POST to look now, and DELETE; viewer, admin, publisher.</summary>
    public const string Follows = "/api/v1/follows";

    /// <summary>POST below it: <c>/(branch)</c>, by whoever signs with the hook's secret.</summary>
    public const string Hooks = "/api/v1/hooks";

    /// <summary>GET -> <see cref="AuditList"/>; viewer.</summary>
    public const string Audit = "/api/v1/audit";

    /// <summary>GET -> <see cref="OverviewInfo"/>; viewer.</summary>
    public const string Overview = "/api/v1/overview";

    /// <summary>GET -> <see cref="TransferList"/>; viewer. PUT (<see cref="TransferPolicy"/>) and DELETE of <c>/(scope)</c>; operator.</summary>
    public const string Transfers = "/api/v1/transfers";

    /// <summary>GET below it: <c>/prometheus</c>, <c>/rules</c>, <c>/nagios</c>, <c>/icinga2</c> -> what monitoring systems read; viewer.</summary>
    public const string Monitoring = "/api/v1/monitoring";

    /// <summary>GET below it: <c>/(a branch, an id or its first digits)</c> -> <see cref="CommitInfo"/>; viewer.</summary>
    public const string Commits = "/api/v1/commits";

    /// <summary>POST <see cref="GarbageRequest"/> -> <see cref="GarbageInfo"/>; admin.</summary>
    public const string Garbage = "/api/v1/garbage";

    /// <summary>POST -> <see cref="CheckInfo"/>; admin.</summary>
    public const string Check = "/api/v1/check";

    /// <summary>GET -> a backup without private keys (docs/operations.md "Backup"); admin.</summary>
    public const string Backup = "/api/v1/backup";

    /// <summary>GET -> <see cref="ExpectedDeviceList"/>, POST lines of text -> <see cref="ExpectedAnswer"/>, DELETE all that are unused; below it <c>/(serial)</c> DELETE; viewer, operator.</summary>
    public const string Expected = "/api/v1/expected";

    /// <summary>GET -> <see cref="GroupList"/>; below it <c>/(name)</c> GET, PUT <see cref="GroupRequest"/> -> <see cref="GroupInfo"/>, DELETE; <c>/(name)/devices/(id)</c> PUT, DELETE; viewer, operator.</summary>
    public const string Groups = "/api/v1/groups";

    /// <summary>GET -> <see cref="PolicyList"/>; below it <c>/(scope)</c> PUT <see cref="PolicyRequest"/> -> <see cref="PolicyInfo"/>, DELETE; <c>/(scope)</c> with <c>?preview</c> POST the same -> <see cref="PolicyPreview"/>; viewer, operator.</summary>
    public const string Policies = "/api/v1/policies";

    /// <summary>GET -> <see cref="RolloutList"/>, POST <see cref="RolloutRequest"/> -> <see cref="RolloutInfo"/>; below it <c>/(number)</c> GET, <c>/(number)/devices</c> GET -> <see cref="RolloutDeviceList"/>, <c>/(number)/(step)</c> POST <see cref="RolloutStepRequest"/> -> <see cref="RolloutInfo"/>; viewer, operator.</summary>
    public const string Rollouts = "/api/v1/rollouts";

    /// <summary>PUT <see cref="RolloutPlan"/> -> <see cref="PolicyInfo"/>, DELETE: each new head of a scope's branch goes out by it; operator.</summary>
    public const string Plans = "/api/v1/plans";

    /// <summary>GET -> <see cref="WebhookList"/>, POST <see cref="WebhookRequest"/> -> <see cref="WebhookInfo"/>; below it <c>/(id)</c> DELETE, <c>/(id)/test</c> POST, <c>/(id)/deliveries</c> GET; admin.</summary>
    public const string Webhooks = "/api/v1/webhooks";

    /// <summary>GET -> <see cref="ConfigurationKeyList"/>; below it <c>/(key)</c> PUT <see cref="ConfigurationKeyRequest"/> -> <see cref="ConfigurationKeyInfo"/>, DELETE; viewer, operator.</summary>
    public const string ConfigurationKeys = "/api/v1/configuration/keys";

    /// <summary>Below it <c>/(scope)</c> GET -> <see cref="ConfigurationInfo"/>, PUT <see cref="ConfigurationRequest"/> -> the same, POST it -> <see cref="ConfigurationOutlook"/>; viewer, operator.</summary>
    public const string ConfigurationValues = "/api/v1/configuration/values";

    /// <summary>Below it <c>/(scope)</c> GET -> <see cref="ConfigurationHistory"/>, POST <see cref="ConfigurationRevertRequest"/> -> <see cref="ConfigurationInfo"/>; viewer, operator.</summary>
    public const string ConfigurationHistory = "/api/v1/configuration/history";

    /// <summary>The repository directory, as any static web server would serve it.</summary>
    public const string Repository = "/repo";

    /// <summary>The newest root statement.</summary>
    public const string TrustRoot = "/repo/trust/root.json";

    /// <summary>The root of a given version.</summary>
    public static string TrustRootVersion(long version) => $"/repo/trust/{version}.root.json";

    /// <summary>Says which head of a branch is the newest, now.</summary>
    public static string Timestamp(BranchName branch) => $"{Repository}/trust/timestamp/{branch}.json";

    /// <summary>One token.</summary>
    public static string Token(string id) => $"{Tokens}/{Uri.EscapeDataString(id)}";

    /// <summary>One webhook.</summary>
    public static string Webhook(string id) => $"{Webhooks}/{Uri.EscapeDataString(id)}";

    /// <summary>One recipe.</summary>
    public static string Recipe(string name) => $"{Recipes}/{name}";

    /// <summary>One commit.</summary>
    /// <param name="text">A branch, an id or its first digits, as a person wrote it.</param>
    public static string Commit(string text) => $"{Commits}/{string.Join('/', text.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>One branch that follows.</summary>
    public static string Follow(BranchName branch) => $"{Follows}/{branch}";

    /// <summary>What asks a branch to look now.</summary>
    public static string Hook(BranchName branch) => $"{Hooks}/{branch}";

    /// <summary>An object's LZ4 frame.</summary>
    public static string RepositoryObject(ObjectName name) => $"{Repository}/{name.RelativePath}";

    /// <summary>A delta, immutable.</summary>
    public static string Delta(string name) => $"{Repository}/deltas/{name}";

    /// <summary>The <see cref="DeltaList"/> of the deltas that make a commit.</summary>
    public static string DeltasTo(ObjectId commit) => $"{Repository}/deltas/{commit}.json";

    /// <summary>A branch's newest head.</summary>
    public static string Head(BranchName branch) => $"{Repository}/heads/{branch}.json";

    /// <summary>An archived head.</summary>
    public static string ArchivedHead(BranchName branch, long sequence) => $"{Repository}/history/{branch}/{sequence}.json";

    /// <summary>Where an object is uploaded.</summary>
    public static string PublishObject(ObjectName name) => $"{PublishObjects}/{name}";

    /// <summary>One device.</summary>
    public static string Device(KeyId id) => $"{Devices}/{id}";

    /// <summary>Lets a pending device in.</summary>
    public static string AcceptDevice(KeyId id) => $"{Devices}/{id}/accept";

    /// <summary>Turns a device away.</summary>
    public static string RejectDevice(KeyId id) => $"{Devices}/{id}/reject";

    /// <summary>POST <see cref="AssignmentRequest"/> -> <see cref="AssignmentInfo"/>; operator.</summary>
    public static string Assignment(KeyId id) => $"{Devices}/{id}/assignment";

    /// <summary>GET -> the <see cref="BlackBoxList"/> of a device, newest first; viewer.</summary>
    public static string DeviceBlackBoxes(KeyId id) => $"{Devices}/{id}/blackboxes";

    /// <summary>PUT and DELETE: whether a device may have a private branch; operator.</summary>
    public static string DeviceBranch(KeyId id, BranchName branch) => $"{Devices}/{id}/branches/{branch}";

    /// <summary>PUT and DELETE: whether a branch is private; admin.</summary>
    public static string PrivateBranch(BranchName branch) => $"/api/v1/private/{branch}";

    /// <summary>PUT and DELETE: whether a branch is protected; admin.</summary>
    public static string ProtectedBranch(BranchName branch) => $"/api/v1/protected/{branch}";

    /// <summary>GET -> <see cref="BranchHistory"/>; viewer.</summary>
    public static string History(BranchName branch) => $"/api/v1/history/{branch}";

    /// <summary>What lets one device in.</summary>
    public static string ExpectedSerial(string serial) => $"{Expected}/{Uri.EscapeDataString(serial)}";

    /// <summary>One group.</summary>
    public static string Group(string name) => $"{Groups}/{name}";

    /// <summary>Whether a device was named for a group.</summary>
    public static string GroupDevice(string name, KeyId id) => $"{Groups}/{name}/devices/{id}";

    /// <summary>PUT <see cref="LabelsRequest"/> -> <see cref="DeviceInfo"/>; operator.</summary>
    public static string Labels(KeyId id) => $"{Devices}/{id}/labels";

    /// <summary>GET -> <see cref="Protocol.DeviceConfiguration"/>; viewer.</summary>
    public static string DeviceConfiguration(KeyId id) => $"{Devices}/{id}/configuration";

    /// <summary>One key of the configuration.</summary>
    public static string ConfigurationKey(string name) => $"{ConfigurationKeys}/{name}";

    /// <summary>The values of a scope: <c>fleet</c>, <c>group:NAME</c> or <c>device:ID</c>.</summary>
    public static string ConfigurationOf(string scope) => $"{ConfigurationValues}/{scope}";

    /// <summary>What changed in a scope's values.</summary>
    public static string ConfigurationHistoryOf(string scope) => $"{ConfigurationHistory}/{scope}";

    /// <summary>What a scope is to do: <c>device:ID</c>, <c>group:NAME</c> or <c>branch:NAME</c>.</summary>
    public static string Policy(string scope) => $"{Policies}/{scope}";

    /// <summary>How each new head of a scope's branch goes out.</summary>
    public static string Plan(string scope) => $"{Plans}/{scope}";

    /// <summary>One rollout.</summary>
    public static string Rollout(long id) => $"{Rollouts}/{id}";

    /// <summary>One branch.</summary>
    public static string Branch(BranchName branch) => $"{Branches}/{branch}";
}
