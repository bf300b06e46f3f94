namespace ContentTree.Store.Objects;

/// <summary>From the mildest to the strongest.</summary>
public enum CommitActionKind
{
    /// <summary>Nothing to do.</summary>
    None,

    /// <summary>Reload the unit.</summary>
    Reload,

    /// <summary>Restart the unit.</summary>
    Restart,

    /// <summary>Restart userspace, keep the kernel.</summary>
    SoftReboot,

    /// <summary>Reboot the device.</summary>
    Reboot,
}
