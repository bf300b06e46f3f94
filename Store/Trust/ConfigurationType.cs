namespace ContentTree.Store.Trust;

/// <summary>What a value of a device's configuration is.</summary>
public enum ConfigurationType
{
    /// <summary>Any text, also of several lines.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>Any JSON value.</summary>
    Json,
}
