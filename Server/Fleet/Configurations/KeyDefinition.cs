using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>A key and what its values are.</summary>
/// <param name="IsSecret">Nobody is shown its values but the devices that they are for.</param>
internal sealed record KeyDefinition(ConfigurationKey Name, ConfigurationType Type, bool IsSecret, string Description);
