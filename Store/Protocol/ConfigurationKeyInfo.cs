using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A key of the configuration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type"><c>text</c>, <c>integer</c>, <c>boolean</c> or <c>json</c>.</param>
/// <param name="Secret">Its values are shown to nobody but the devices that they are for.</param>
/// <param name="Description">What it is for; absent if nobody said.</param>
/// <param name="Fleet">It has a value for the whole fleet.</param>
/// <param name="Overrides">How many groups and devices have one of their own.</param>
public sealed record ConfigurationKeyInfo(ConfigurationKey Name, string Type, bool Secret, string? Description = null, bool Fleet = false, long Overrides = 0);
