using System.Text.Json;
using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

public sealed class DeviceStateConverter() : JsonStringEnumConverter<DeviceState>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
