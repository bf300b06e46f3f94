namespace ContentTree.Store.Protocol;

/// <summary>What checking a signed request found.</summary>
public enum RequestSignatureCheck
{
    /// <summary>Signed by the device, recently.</summary>
    Valid,

    /// <summary>Not signed by this key, or not this request.</summary>
    WrongSignature,

    /// <summary>Signed by the device, but too long ago or in the future.</summary>
    WrongTime,
}
