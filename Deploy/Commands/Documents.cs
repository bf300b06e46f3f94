using System.Text.Json.Serialization;
using ContentTree.BootFile;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Commands;

// What --json prints. Each has a schema name; fields are only ever added.

internal sealed record StatusDocument(
    string? Server,
    BranchName Branch,
    ObjectId? Pinned,
    string? Device,
    string? Enrolment,
    string? Fingerprint,
    DeploymentName? Booted,
    DeploymentName? Wanted,
    DeploymentName? Previous,
    string? State,
    int TriesLeft,
    bool RebootNeeded,
    IReadOnlyList<StatusDeployment> Deployments,
    bool Held,
    DateTimeOffset? HeldUntil,
    IReadOnlyList<ObjectId> Denied,
    Fetched Fetched,
    StatusResult? LastResult,
    StatusLoader? Loader,
    StatusAssignment? Assignment,
    IReadOnlyList<string>? Developers,
    StatusSeals? Seals,
    StatusConfiguration? Configuration,
    StatusDrift? Drift,
    string? Stopped)
{
    public string Schema { get; init; } = "ctree.status/1";
}

internal sealed record StatusSeals(int Looked, int Sealed);

internal sealed record StatusDrift(int Added, int Changed, int Removed, DateTimeOffset Time);

internal sealed record StatusConfiguration(long Applied, string? Directory, IReadOnlyList<ConfigurationKey>? Due);

internal sealed record StatusDeployment(
    DeploymentName Name, ObjectId Commit, BranchName? Branch, long Sequence, string Version, bool Confirmed, bool Pinned, string? Kernel);

internal sealed record StatusLoader(string Name, string Directory, string? Running, IReadOnlyList<StatusKernel> Kernels, long FreeBytes);

internal sealed record StatusKernel(string Name, long Bytes);

internal sealed record StatusAssignment(string Action, ObjectId? Commit, string Reason, long Counter, DateTimeOffset Until);

internal sealed record StatusResult(int Code, string Message, string Verb, DateTimeOffset Time);

internal sealed record PlanDocument(
    ObjectId Commit,
    string Version,
    BranchName? Branch,
    long Sequence,
    bool UpToDate,
    int Objects,
    long MaxDownloadBytes,
    bool IsDelta,
    long DiskBytes,
    long Inodes,
    long FreeBytes,
    long FreeInodes,
    bool Fits,
    bool RebootNeeded,
    string? BootDirectory,
    long BootBytes,
    long BootFreeBytes)
{
    public string Schema { get; init; } = "ctree.plan/1";
}

internal sealed record UpdateDocument(
    string Action, ObjectId Commit, BranchName? Branch, long Sequence, DeploymentName? Deployment, bool RebootNeeded, Fetched Fetched)
{
    public string Schema { get; init; } = "ctree.update/1";
}

internal sealed record SwitchedDocument(DeploymentName Deployment, DeploymentName? Left, bool RebootNeeded)
{
    public string Schema { get; init; } = "ctree.switched/1";
}

internal sealed record SteeringDocument(
    BranchName Branch, ObjectId? Pinned, ObjectId? Skipped, bool Held, DateTimeOffset? HeldUntil, IReadOnlyList<ObjectId> Denied)
{
    public string Schema { get; init; } = "ctree.steering/1";
}

internal sealed record KeptDocument(DeploymentName Deployment, bool Kept)
{
    public string Schema { get; init; } = "ctree.kept/1";
}

internal sealed record GarbageDocument(int Deployments, long Objects, long Bytes)
{
    public string Schema { get; init; } = "ctree.gc/1";
}

internal sealed record VerifyDocument(bool Full, long Checked, long Bytes, IReadOnlyList<VerifyDamage> Damage)
{
    public string Schema { get; init; } = "ctree.verify/1";
}

internal sealed record VerifyDamage(string What, string Reason);

internal sealed record RepairDocument(long Objects, long Paths, long Bytes, IReadOnlyList<VerifyDamage> Left)
{
    public string Schema { get; init; } = "ctree.repair/1";
}

internal sealed record LogDocument(IReadOnlyList<LogEntry> Entries)
{
    public string Schema { get; init; } = "ctree.log/1";
}

internal sealed record LogEntry(DateTimeOffset Time, string Kind, string Text, ObjectId? Commit, string? Deployment, int Code);

internal sealed record ListDocument(ObjectId Commit, string Path, IReadOnlyList<ListEntry> Entries)
{
    public string Schema { get; init; } = "ctree.ls/1";
}

internal sealed record ListEntry(string Name, string Kind, string Mode, uint Uid, uint Gid, long Size, ObjectId? Id, string? Target);

internal sealed record DiffDocument(ObjectId From, ObjectId To, IReadOnlyList<DiffEntry> Changes)
{
    public string Schema { get; init; } = "ctree.diff/1";
}

internal sealed record DiffEntry(string Kind, string Path, long SizeBefore, long SizeAfter);

internal sealed record KeyDocument(string Device, string Key, DateTimeOffset Since, string PublicKey, IReadOnlyList<string> Developers)
{
    public string Schema { get; init; } = "ctree.key/1";
}

internal sealed record ConfigDocument(IReadOnlyList<ConfigValue> Settings)
{
    public string Schema { get; init; } = "ctree.config/1";
}

internal sealed record EtcDocument(int Added, int Changed, int Removed, IReadOnlyList<string> Paths)
{
    public string Schema { get; init; } = "ctree.etc/1";
}

internal sealed record ConfigValue(string Key, string Value, string? Origin);

internal sealed record ErrorDocument(int Code, string Message)
{
    public string Schema { get; init; } = "ctree.error/1";
}

internal sealed record ProgressDocument(ObjectId Commit, long Objects, long Bytes, int PlannedObjects, long MaxBytes, bool Done, long BytesPerSecond, long? MaxSecondsLeft)
{
    public string Schema { get; init; } = "ctree.progress/1";
}

/// <summary>Whole documents, for people to read as well.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    Converters = [typeof(ObjectIdConverter), typeof(BranchNameConverter), typeof(DeploymentNameText), typeof(ConfigurationKeyConverter)])]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(PlanDocument))]
[JsonSerializable(typeof(UpdateDocument))]
[JsonSerializable(typeof(SwitchedDocument))]
[JsonSerializable(typeof(SteeringDocument))]
[JsonSerializable(typeof(KeptDocument))]
[JsonSerializable(typeof(GarbageDocument))]
[JsonSerializable(typeof(VerifyDocument))]
[JsonSerializable(typeof(RepairDocument))]
[JsonSerializable(typeof(LogDocument))]
[JsonSerializable(typeof(ListDocument))]
[JsonSerializable(typeof(DiffDocument))]
[JsonSerializable(typeof(ConfigDocument))]
[JsonSerializable(typeof(EtcDocument))]
[JsonSerializable(typeof(KeyDocument))]
internal sealed partial class DocumentJson : JsonSerializerContext;

/// <summary>One object a line, on stderr.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(ObjectIdConverter)])]
[JsonSerializable(typeof(ProgressDocument))]
[JsonSerializable(typeof(ErrorDocument))]
internal sealed partial class LineJson : JsonSerializerContext;
