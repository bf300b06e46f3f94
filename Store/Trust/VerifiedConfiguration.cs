namespace ContentTree.Store.Trust;

/// <summary>Proof that fleet keys signed this configuration. Only <see cref="TrustRoot.VerifyConfiguration"/> makes one.</summary>
public sealed class VerifiedConfiguration
{
    private readonly ConfigurationStatement _configuration;

    internal VerifiedConfiguration(ConfigurationStatement configuration, Envelope envelope)
    {
        _configuration = configuration;
        Envelope = envelope;
    }

    /// <summary>The configuration file itself.</summary>
    public Envelope Envelope { get; }

    /// <summary>The device that it is for.</summary>
    public KeyId Device => _configuration.Device;

    /// <summary>Of one device it only ever rises.</summary>
    public long Counter => _configuration.Counter;

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created => _configuration.Created;

    /// <summary>From when on no device begins to use it.</summary>
    public DateTimeOffset Expires => _configuration.Expires;

    /// <summary>All of the device's values.</summary>
    public IReadOnlyDictionary<ConfigurationKey, ConfigurationValue> Values => _configuration.Values;
}
