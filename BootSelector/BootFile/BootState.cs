namespace ContentTree.BootFile;

/// <summary>How far the wanted deployment has come.</summary>
public enum BootState
{
    /// <summary>The wanted deployment has not been confirmed yet; its boots are counted.</summary>
    Trial,

    /// <summary>The wanted deployment is confirmed; booting it writes nothing.</summary>
    Good,

    /// <summary>The wanted deployment used up its tries or is not there; another one boots, with its own tries.</summary>
    Fallback,
}
