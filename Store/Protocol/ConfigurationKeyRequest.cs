namespace ContentTree.Store.Protocol;

/// <summary>Defines a key of the configuration.</summary>
/// <param name="Type"><c>text</c>, <c>integer</c>, <c>boolean</c> or <c>json</c>.</param>
/// <param name="Secret">Its values are to be shown to nobody but the devices that they are for.</param>
/// <param name="Description">What it is for, one line.</param>
public sealed record ConfigurationKeyRequest(string Type, bool Secret = false, string? Description = null);
