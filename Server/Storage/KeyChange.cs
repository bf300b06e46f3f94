namespace ContentTree.Server.Storage;

/// <summary>What an enrolment means for a device's key.</summary>
internal enum KeyChange
{
    /// <summary>It is the first that is known of it, or the one that is known.</summary>
    None,

    /// <summary>It comes after the one that is known.</summary>
    Next,

    /// <summary>The one that is known has not vouched for it, or it is another device's.</summary>
    Refused,
}
