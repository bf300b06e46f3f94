namespace ContentTree.Store.Protocol;

/// <summary>What a check of the whole repository found.</summary>
/// <param name="Objects">Objects read.</param>
/// <param name="Bytes">Of their content.</param>
/// <param name="Heads">Heads whose signatures were checked.</param>
/// <param name="Damage">What is wrong.</param>
public sealed record CheckInfo(long Objects, long Bytes, long Heads, IReadOnlyList<DamageInfo> Damage);
