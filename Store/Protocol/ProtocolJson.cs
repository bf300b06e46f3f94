using System.Text.Json;
using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

/// <summary>Reads and writes every message without reflection. Unknown fields are ignored, absent required ones refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16,
    Converters =
    [
        typeof(ObjectIdConverter), typeof(ObjectNameConverter), typeof(BranchNameConverter), typeof(KeyIdConverter),
        typeof(ConfigurationKeyConverter),
    ])]
[JsonSerializable(typeof(EnrolRequest))]
[JsonSerializable(typeof(EnrolAnswer))]
[JsonSerializable(typeof(PollRequest))]
[JsonSerializable(typeof(PollAnswer))]
[JsonSerializable(typeof(ReportRequest))]
[JsonSerializable(typeof(ReportAnswer))]
[JsonSerializable(typeof(HeadProof))]
[JsonSerializable(typeof(HeadProofAnswer))]
[JsonSerializable(typeof(MissingRequest))]
[JsonSerializable(typeof(MissingAnswer))]
[JsonSerializable(typeof(MoveHeadRequest))]
[JsonSerializable(typeof(MoveHeadAnswer))]
[JsonSerializable(typeof(DeviceInfo))]
[JsonSerializable(typeof(DeviceList))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(BranchRequest))]
[JsonSerializable(typeof(BranchInfo))]
[JsonSerializable(typeof(BranchList))]
[JsonSerializable(typeof(BranchHistory))]
[JsonSerializable(typeof(DeltaList))]
[JsonSerializable(typeof(DeltaRequest))]
[JsonSerializable(typeof(DeltaOffer))]
[JsonSerializable(typeof(BlackBoxRequest))]
[JsonSerializable(typeof(BlackBoxAnswer))]
[JsonSerializable(typeof(BlackBoxList))]
[JsonSerializable(typeof(AssignmentRequest))]
[JsonSerializable(typeof(AssignmentInfo))]
[JsonSerializable(typeof(PolicyRequest))]
[JsonSerializable(typeof(PolicyInfo))]
[JsonSerializable(typeof(PolicyList))]
[JsonSerializable(typeof(PolicyPreview))]
[JsonSerializable(typeof(GroupRequest))]
[JsonSerializable(typeof(GroupInfo))]
[JsonSerializable(typeof(GroupList))]
[JsonSerializable(typeof(TransferPolicy))]
[JsonSerializable(typeof(TransferInfo))]
[JsonSerializable(typeof(TransferList))]
[JsonSerializable(typeof(LabelsRequest))]
[JsonSerializable(typeof(RolloutPlan))]
[JsonSerializable(typeof(RolloutRequest))]
[JsonSerializable(typeof(RolloutInfo))]
[JsonSerializable(typeof(RolloutList))]
[JsonSerializable(typeof(RolloutDeviceList))]
[JsonSerializable(typeof(RolloutStepRequest))]
[JsonSerializable(typeof(RecipeInfo))]
[JsonSerializable(typeof(RecipeList))]
[JsonSerializable(typeof(FollowRequest))]
[JsonSerializable(typeof(FollowInfo))]
[JsonSerializable(typeof(FollowList))]
[JsonSerializable(typeof(AuditList))]
[JsonSerializable(typeof(CommitInfo))]
[JsonSerializable(typeof(GarbageRequest))]
[JsonSerializable(typeof(GarbageInfo))]
[JsonSerializable(typeof(CheckInfo))]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookList))]
[JsonSerializable(typeof(DeliveryList))]
[JsonSerializable(typeof(OfflineReport))]
[JsonSerializable(typeof(SignedReport))]
[JsonSerializable(typeof(ConfigurationKeyRequest))]
[JsonSerializable(typeof(ConfigurationKeyInfo))]
[JsonSerializable(typeof(ConfigurationKeyList))]
[JsonSerializable(typeof(ConfigurationRequest))]
[JsonSerializable(typeof(ConfigurationInfo))]
[JsonSerializable(typeof(ConfigurationOutlook))]
[JsonSerializable(typeof(ConfigurationHistory))]
[JsonSerializable(typeof(ConfigurationRevertRequest))]
[JsonSerializable(typeof(DeviceConfiguration))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ProtocolJson : JsonSerializerContext;
