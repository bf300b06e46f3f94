using System.Text.Json.Serialization;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>Reads and writes the state files without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16,
    Converters = [typeof(ObjectIdConverter), typeof(BranchNameConverter), typeof(KeyIdConverter), typeof(DeploymentNameText), typeof(ConfigurationKeyConverter)])]
[JsonSerializable(typeof(BarrierState))]
[JsonSerializable(typeof(FollowState))]
[JsonSerializable(typeof(EnrolmentState))]
[JsonSerializable(typeof(IdentityState))]
[JsonSerializable(typeof(ConfigurationState))]
[JsonSerializable(typeof(DeploymentsState))]
[JsonSerializable(typeof(EventsState))]
[JsonSerializable(typeof(DriftState))]
[JsonSerializable(typeof(InventoryState))]
[JsonSerializable(typeof(LastState))]
[JsonSerializable(typeof(SeenState))]
[JsonSerializable(typeof(ScrubState))]
[JsonSerializable(typeof(TransferState))]
[JsonSerializable(typeof(TrialState))]
[JsonSerializable(typeof(Fetched))]
internal sealed partial class StateJson : JsonSerializerContext;
