using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Every route of the HTTP interface and who may use it: the one place where that is written down. Tests hold the running server, the
/// OpenAPI documents and docs/protocol.md against it, so a route without a line here fails them.
/// </summary>
internal static class RouteTable
{
    private const string Get = "GET";
    private const string Post = "POST";
    private const string Put = "PUT";
    private const string Delete = "DELETE";
    private const string Bytes = "application/octet-stream";
    private const string Json = "application/json";

    private static readonly Access Anyone = new Access.Anyone();
    private static readonly Access Device = new Access.Device();
    private static readonly Access Viewer = new Access.Roles(TokenRole.Viewer);
    private static readonly Access Operator = new Access.Roles(TokenRole.Operator);
    private static readonly Access GroupViewer = new Access.Roles(TokenRole.Viewer) { IsGrouped = true };
    private static readonly Access GroupOperator = new Access.Roles(TokenRole.Operator) { IsGrouped = true };
    private static readonly Access GroupApprover = new Access.Roles(TokenRole.Approver) { IsGrouped = true };
    private static readonly Access Publisher = new Access.Roles(TokenRole.Publisher);
    private static readonly Access Mover = new Access.Roles(TokenRole.Publisher, TokenRole.Approver);
    private static readonly Access Approver = new Access.Roles(TokenRole.Approver);
    private static readonly Access Admin = new Access.Roles(TokenRole.Admin);

    private static readonly string[] Conditions = ["If-Match", "If-None-Match"];
    private static readonly string[] Pages = ["limit", "cursor"];

    /// <summary>What devices use; also the repository, which any static web server could serve.</summary>
    public static IReadOnlyList<ApiRoute> ForDevices { get; } =
    [
        new(Post, Routes.Enrol, new Access.Device(Access.Device.New), "Enrol, or ask what was decided about it.") { Request = typeof(EnrolRequest), Answer = typeof(EnrolAnswer) },
        new(Post, Routes.Poll, new Access.Device(Access.Device.Any), "Say how the device is, and hear what is new.") { Request = typeof(PollRequest), Answer = typeof(PollAnswer) },
        new(Post, Routes.Report, Device, "Tell what happened.") { Request = typeof(ReportRequest), Answer = typeof(ReportAnswer) },
        new(Post, Routes.Heads, Device, "Prove a head that the server does not know.") { Request = typeof(HeadProof), Answer = typeof(HeadProofAnswer) },
        new(Post, Routes.BlackBoxes, Device, "Hand in the black box of a trial that failed.") { Request = typeof(BlackBoxRequest), Answer = typeof(BlackBoxAnswer) },
        new(Post, Routes.Packs, Device, "Fetch many objects in one answer.") { RequestMedia = Bytes, AnswerMedia = "application/vnd.ctree.pack" },
        new(Post, Routes.Deltas, Device, "Ask for a delta, or that it is made.") { Request = typeof(DeltaRequest), Answer = typeof(DeltaOffer), OtherStatus = StatusCodes.Status202Accepted },
        new(Get, Routes.Repository + "/objects/{fanout}/{file}", Anyone, "An object's LZ4 frame.") { AnswerMedia = Bytes },
        new(Get, Routes.Repository + "/deltas/{file}", Anyone, "A delta, or the list of those to a commit.") { AnswerMedia = Bytes },
        new(Get, Routes.Repository + "/heads/{**path}", Anyone, "A branch's newest head.") { AnswerMedia = Json },
        new(Get, Routes.Repository + "/history/{**path}", Anyone, "An archived head of a branch.") { AnswerMedia = Json },
        new(Get, Routes.Repository + "/trust/{file}", Anyone, "A trust root.") { AnswerMedia = Json },
        new(Get, Routes.Repository + "/trust/timestamp/{**path}", Anyone, "A branch's newest timestamp.") { AnswerMedia = Json },
    ];

    /// <summary>What people, pipelines and monitoring use.</summary>
    public static IReadOnlyList<ApiRoute> ForPeople { get; } =
    [
        new(Get, "/healthz", Anyone, "Whether the process serves.") { AnswerMedia = "text/plain" },
        new(Get, "/readyz", Anyone, "Whether it can do its work: database, repository, disk.") { AnswerMedia = "text/plain" },
        new(Get, "/metrics", Viewer, "Numbers for Prometheus; with metrics = public for anyone.") { AnswerMedia = "text/plain" },
        new(Get, "/openapi/device.json", Anyone, "The OpenAPI document of what devices use.") { AnswerMedia = Json },
        new(Get, "/openapi/management.json", Anyone, "This document.") { AnswerMedia = Json },
        new(Get, Routes.Devices, GroupViewer, "The devices, by id.") { Answer = typeof(DeviceList), Query = [.. Pages, "q"] },
        new(Get, Routes.Devices + "/{id}", GroupViewer, "A device with its newest events.") { Answer = typeof(DeviceInfo) },
        new(Delete, Routes.Devices + "/{id}", Operator, "Forget a device.") { Status = StatusCodes.Status204NoContent },
        new(Post, Routes.Devices + "/{id}/accept", GroupOperator, "Let a device in.") { Answer = typeof(DeviceInfo), Query = ["branch"] },
        new(Post, Routes.Devices + "/{id}/reject", GroupOperator, "Turn a device away.") { Answer = typeof(DeviceInfo) },
        new(Post, Routes.Devices + "/{id}/assignment", GroupOperator, "Have a device run a commit, stay as it is, or follow its branch again.") { Request = typeof(AssignmentRequest), Answer = typeof(AssignmentInfo) },
        new(Put, Routes.Devices + "/{id}/branches/{**name}", Operator, "Let a device have a private branch.") { Answer = typeof(DeviceInfo) },
        new(Delete, Routes.Devices + "/{id}/branches/{**name}", Operator, "Take that back.") { Answer = typeof(DeviceInfo) },
        new(Get, Routes.Devices + "/{id}/blackboxes", GroupViewer, "What a device sent about trials that failed, newest first.") { Answer = typeof(BlackBoxList) },
        new(Get, Routes.Devices + "/{id}/blackboxes/{deployment}", GroupViewer, "One of these with its text.") { Answer = typeof(BlackBoxInfo) },
        new(Put, Routes.Devices + "/{id}/labels", Operator, "Write labels on a device.") { Request = typeof(LabelsRequest), Status = StatusCodes.Status204NoContent },
        new(Get, Routes.Expected, Viewer, "Devices that are let in when they come, by serial.") { Answer = typeof(ExpectedDeviceList), Query = [.. Pages, "unused"] },
        new(Post, Routes.Expected, Operator, "Expect the devices of a list: a line each, all or none.") { RequestMedia = "text/plain", Answer = typeof(ExpectedAnswer) },
        new(Delete, Routes.Expected, Operator, "Expect nobody more who has not come.") { Status = StatusCodes.Status204NoContent },
        new(Delete, Routes.Expected + "/{serial}", Operator, "Expect a device no more; whom it has let in stays.") { Status = StatusCodes.Status204NoContent },
        new(Get, Routes.Groups, GroupViewer, "The groups and what was said of them.") { Answer = typeof(GroupList) },
        new(Get, Routes.Groups + "/{name}", GroupViewer, "A group.") { Answer = typeof(GroupInfo) },
        new(Put, Routes.Groups + "/{name}", Operator, "Make or change a group.") { Request = typeof(GroupRequest), Answer = typeof(GroupInfo), Headers = Conditions },
        new(Delete, Routes.Groups + "/{name}", Operator, "Forget a group and what was said of it; its devices stay.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Put, Routes.Groups + "/{name}/devices/{id}", Operator, "Put a device into a group.") { Status = StatusCodes.Status204NoContent },
        new(Delete, Routes.Groups + "/{name}/devices/{id}", Operator, "Take a device out of a group.") { Status = StatusCodes.Status204NoContent },
        new(Get, Routes.Policies, GroupViewer, "All that was said of devices, groups and branches.") { Answer = typeof(PolicyList) },
        new(Get, Routes.Policies + "/{**scope}", GroupViewer, "What was said of a scope; its ETag is for If-Match, also of its plan.") { Answer = typeof(PolicyInfo) },
        new(Put, Routes.Policies + "/{**scope}", GroupOperator, "Say what the devices of a scope are to do.") { Request = typeof(PolicyRequest), Answer = typeof(PolicyInfo), Headers = Conditions },
        new(Post, Routes.Policies + "/{**scope}", GroupOperator, "What saying that, or without a body taking it back, would change; nothing is changed.") { Request = typeof(PolicyRequest), Answer = typeof(PolicyPreview) },
        new(Delete, Routes.Policies + "/{**scope}", GroupOperator, "Take back what was said of a scope.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Put, Routes.Plans + "/{**scope}", GroupOperator, "Have each new head go out by a plan.") { Request = typeof(RolloutPlan), Answer = typeof(PolicyInfo), Headers = Conditions },
        new(Delete, Routes.Plans + "/{**scope}", GroupOperator, "Take a plan away.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Get, Routes.Rollouts, GroupViewer, "The rollouts, newest first.") { Answer = typeof(RolloutList), Query = ["limit"] },
        new(Post, Routes.Rollouts, GroupOperator, "Start a rollout.") { Request = typeof(RolloutRequest), Answer = typeof(RolloutInfo) },
        new(Get, Routes.Rollouts + "/{id}", GroupViewer, "A rollout and its waves.") { Answer = typeof(RolloutInfo) },
        new(Get, Routes.Rollouts + "/{id}/devices", GroupViewer, "The devices that a rollout has reached, by id.") { Answer = typeof(RolloutDeviceList), Query = [.. Pages, "state"] },
        new(Post, Routes.Rollouts + "/{id}/approve", GroupApprover, "Let a rollout begin, or its next wave.") { Request = typeof(RolloutStepRequest), Answer = typeof(RolloutInfo) },
        new(Post, Routes.Rollouts + "/{id}/{step}", GroupOperator, "next, pause, resume, abort or revert.") { Request = typeof(RolloutStepRequest), Answer = typeof(RolloutInfo) },
        new(Get, Routes.Devices + "/{id}/configuration", GroupViewer, "A device's configuration, each value with its origin, and how far the device is with it.") { Answer = typeof(DeviceConfiguration) },
        new(Get, Routes.ConfigurationKeys, GroupViewer, "The keys of the configuration.") { Answer = typeof(ConfigurationKeyList) },
        new(Put, Routes.ConfigurationKeys + "/{name}", Operator, "Define a key.") { Request = typeof(ConfigurationKeyRequest), Answer = typeof(ConfigurationKeyInfo) },
        new(Delete, Routes.ConfigurationKeys + "/{name}", Operator, "Remove a key that has no values.") { Status = StatusCodes.Status204NoContent },
        new(Get, Routes.ConfigurationValues + "/{**scope}", GroupViewer, "The values of the fleet, a group or a device; the ETag is for If-Match.") { Answer = typeof(ConfigurationInfo) },
        new(Put, Routes.ConfigurationValues + "/{**scope}", Operator, "Change values of a scope, all or none.") { Request = typeof(ConfigurationRequest), Answer = typeof(ConfigurationInfo), Headers = Conditions },
        new(Post, Routes.ConfigurationValues + "/{**scope}", Operator, "How many devices that would reach; nothing is changed.") { Request = typeof(ConfigurationRequest), Answer = typeof(ConfigurationOutlook) },
        new(Get, Routes.ConfigurationHistory + "/{**scope}", GroupViewer, "What changed in a scope's values, newest first.") { Answer = typeof(ConfigurationHistory), Query = [.. Pages] },
        new(Post, Routes.ConfigurationHistory + "/{**scope}", Operator, "Bring a scope's values back to an earlier revision.") { Request = typeof(ConfigurationRevertRequest), Answer = typeof(ConfigurationInfo), Headers = Conditions },
        new(Post, Routes.OfflineReports, Operator, "Take what a device without a network wrote onto a stick.") { Request = typeof(SignedReport), Answer = typeof(DeviceInfo) },
        new(Get, Routes.Branches, Viewer, "The branches and where they are.") { Answer = typeof(BranchList) },
        new(Post, Routes.Branches, Admin, "Make a branch, empty or at a commit.") { Request = typeof(BranchRequest), Answer = typeof(BranchInfo) },
        new(Delete, Routes.Branches + "/{**name}", Admin, "Delete a branch; its archived heads stay.") { Status = StatusCodes.Status204NoContent },
        new(Get, Routes.Commits + "/{**text}", Viewer, "A commit, by a branch that is at it, its id or the first digits.") { Answer = typeof(CommitInfo) },
        new(Get, "/api/v1/history/{**name}", Viewer, "Where a branch has been, and who moved it.") { Answer = typeof(BranchHistory), Query = [.. Pages] },
        new(Put, "/api/v1/private/{**name}", Admin, "Show a branch only to devices that are allowed it.") { Status = StatusCodes.Status204NoContent },
        new(Delete, "/api/v1/private/{**name}", Admin, "Show a branch to everybody.") { Status = StatusCodes.Status204NoContent },
        new(Put, "/api/v1/protected/{**name}", Admin, "Let a branch go only where another is, or back.") { Status = StatusCodes.Status204NoContent },
        new(Delete, "/api/v1/protected/{**name}", Admin, "Let a branch go anywhere.") { Status = StatusCodes.Status204NoContent },
        new(Post, Routes.PublishMissing, Publisher, "Which of these objects the server has not got.") { Request = typeof(MissingRequest), Answer = typeof(MissingAnswer) },
        new(Put, Routes.PublishObjects + "/{name}", Publisher, "Upload an object's LZ4 frame.") { RequestMedia = Bytes, OtherStatus = StatusCodes.Status201Created },
        new(Post, Routes.PublishHeads, Mover, "Move a branch.") { Request = typeof(MoveHeadRequest), Answer = typeof(MoveHeadAnswer), Headers = [OnceOnly.Header] },
        new(Get, Routes.Recipes, Viewer, "The recipes and where their branches are.") { Answer = typeof(RecipeList) },
        new(Get, Routes.Recipes + "/{**name}", Viewer, "A recipe; its ETag is for If-Match.") { Answer = typeof(RecipeInfo) },
        new(Post, Routes.Recipes, Publisher, "Bring all composed branches to where their parts are.") { Answer = typeof(RecipeList) },
        new(Put, Routes.Recipes, Publisher, "Write a recipe and make its branches.") { Request = typeof(RecipeInfo), Answer = typeof(RecipeInfo), Headers = Conditions },
        new(Delete, Routes.Recipes + "/{**name}", Publisher, "Remove a recipe; its branches stay.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Get, Routes.Follows, Viewer, "Which branches follow which git repositories.") { Answer = typeof(FollowList) },
        new(Get, Routes.Follows + "/{**name}", Viewer, "What a branch follows; its ETag is for If-Match.") { Answer = typeof(FollowInfo) },
        new(Put, Routes.Follows, Admin, "Have a branch follow a git repository.") { Request = typeof(FollowRequest), Answer = typeof(FollowInfo), Headers = Conditions },
        new(Post, Routes.Follows + "/{**name}", Publisher, "Look at the repository now.") { Answer = typeof(FollowInfo) },
        new(Delete, Routes.Follows + "/{**name}", Admin, "Follow no more.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Post, Routes.Hooks + "/{**name}", new Access.Hook(), "A git server says that something was pushed.") { RequestMedia = "*/*", Status = StatusCodes.Status202Accepted },
        new(Get, Routes.Tokens, Admin, "The tokens, without their secrets.") { Answer = typeof(TokenList) },
        new(Post, Routes.Tokens, Admin, "Make a token; it is shown this once.") { Request = typeof(TokenRequest), Answer = typeof(TokenAnswer) },
        new(Delete, Routes.Tokens + "/{id}", Admin, "End a token now.") { Status = StatusCodes.Status204NoContent },
        new(Get, Routes.Webhooks, Admin, "Who elsewhere is told what happens.") { Answer = typeof(WebhookList) },
        new(Post, Routes.Webhooks, Admin, "Tell an address of events; the secret is in this answer only.") { Request = typeof(WebhookRequest), Answer = typeof(WebhookInfo) },
        new(Delete, Routes.Webhooks + "/{id}", Admin, "Remove a webhook and what is on its way to it.") { Status = StatusCodes.Status204NoContent },
        new(Post, Routes.Webhooks + "/{id}/test", Admin, "Deliver a ping now; the answer says how that went.") { Answer = typeof(DeliveryInfo) },
        new(Get, Routes.Webhooks + "/{id}/deliveries", Admin, "What came of the newest deliveries.") { Answer = typeof(DeliveryList), Query = ["limit"] },
        new(Post, Routes.Garbage, Admin, "Remove what nothing and no device needs, or say what would go and why the rest stays.") { Request = typeof(GarbageRequest), Answer = typeof(GarbageInfo) },
        new(Post, Routes.Check, Admin, "Read everything, and say what is damaged or missing.") { Answer = typeof(CheckInfo) },
        new(Get, Routes.Backup, Admin, "A backup without private keys.") { AnswerMedia = "application/x-tar" },
        new(Get, Routes.Transfers, GroupViewer, "What was said of how devices fetch content.") { Answer = typeof(TransferList) },
        new(Put, Routes.Transfers + "/{**scope}", Operator, "Say how the devices of a scope fetch content.") { Request = typeof(TransferPolicy), Answer = typeof(TransferInfo), Headers = Conditions },
        new(Delete, Routes.Transfers + "/{**scope}", Operator, "Take that back.") { Status = StatusCodes.Status204NoContent, Headers = ["If-Match"] },
        new(Get, Routes.Overview, Viewer, "How the fleet stands, as the first page of the dashboard says it.") { Answer = typeof(OverviewInfo) },
        new(Get, Routes.Monitoring + "/prometheus", GroupViewer, "The devices as targets for Prometheus' HTTP service discovery.") { AnswerMedia = Json, Query = ["q", "port"] },
        new(Get, Routes.Monitoring + "/rules", GroupViewer, "Alarms over this server's numbers, for Prometheus.") { AnswerMedia = "application/yaml" },
        new(Get, Routes.Monitoring + "/nagios", GroupViewer, "The devices as hosts and their monitors as services, for Nagios.") { AnswerMedia = "text/plain", Query = ["q"] },
        new(Get, Routes.Monitoring + "/icinga2", GroupViewer, "The same for Icinga 2.") { AnswerMedia = "text/plain", Query = ["q"] },
        new(Get, Routes.Audit, Viewer, "Who changed what, when and why, newest first.") { Answer = typeof(AuditList), Query = [.. Pages, "actor", "verb", "subject", "since"] },
    ];

    public static IEnumerable<ApiRoute> All => ForDevices.Concat(ForPeople);
}
