namespace ContentTree.BootFile;

/// <summary>What reading one slot gave: a record, or the problem that makes it count as none.</summary>
/// <param name="Path">The slot's file.</param>
/// <param name="Record">Null when the slot is invalid.</param>
/// <param name="Problem">Empty when the slot is valid.</param>
public sealed record SlotReading(string Path, BootRecord? Record, string Problem)
{
    /// <summary>The slot is whole and was never written, as after an installation.</summary>
    public bool IsBlank => Problem == BootRecordFormat.NeverWritten;

    /// <summary>For people.</summary>
    public override string ToString() => Path + ": " + (Record?.ToString() ?? "invalid: " + Problem);
}
