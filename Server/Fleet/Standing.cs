namespace ContentTree.Server.Fleet;

/// <summary>How a device stands, in one word, best first.</summary>
internal enum Standing
{
    /// <summary>It runs what it should.</summary>
    InSync,

    /// <summary>It has what it should run and boots it next.</summary>
    Updating,

    /// <summary>It runs something else and has not fetched what it should run.</summary>
    Behind,

    /// <summary>It was told to take no updates, here or on the device.</summary>
    Held,

    /// <summary>It has seen a later position of its branch than this server.</summary>
    Ahead,

    /// <summary>What it should run has failed there.</summary>
    FellBack,

    /// <summary>It was not heard of for several polls; what it runs is as of then.</summary>
    Silent,

    /// <summary>It was let in and has not polled, or its branch has nothing yet.</summary>
    Unknown,

    /// <summary>It waits for somebody to let it in.</summary>
    Pending,

    /// <summary>It was turned away.</summary>
    Rejected,
}
