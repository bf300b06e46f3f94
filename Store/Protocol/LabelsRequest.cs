namespace ContentTree.Store.Protocol;

/// <summary>Changes labels of a device.</summary>
/// <param name="Labels">Name and value; a null value takes a label away. Others stay.</param>
public sealed record LabelsRequest(IReadOnlyDictionary<string, string?> Labels);
