namespace ContentTree.Store.Protocol;

/// <summary>The longest body of each request, in bytes; a longer one is refused with <see cref="ProblemCode.TooLarge"/>.</summary>
public static class BodyLimits
{
    /// <summary>Poll, and every request without a line of its own here.</summary>
    public const int Small = 4 << 10;

    /// <summary>Enrol: <see cref="KeyChain.MaxKeys"/> keys with their signatures fit.</summary>
    public const int Enrol = 64 << 10;

    /// <summary>Report.</summary>
    public const int Report = 256 << 10;

    /// <summary>A head: the longest envelope fits.</summary>
    public const int Head = Trust.Envelope.MaxBytes + 1024;

    /// <summary>A report that a stick brought: its events may be escaped, and all of it is base64.</summary>
    public const int OfflineReport = 4 << 20;

    /// <summary>A black box: its text may be escaped.</summary>
    public const int BlackBox = 512 << 10;

    /// <summary>Packs: <see cref="Packs.PackRequest.MaxObjects"/> objects fit.</summary>
    public const int Packs = ContentTree.Store.Packs.PackRequest.MaxBytes;

    /// <summary>Publish, missing: <see cref="MissingRequest.MaxObjects"/> names fit.</summary>
    public const int Missing = 1 << 20;

    /// <summary>Values of a configuration: they may be escaped.</summary>
    public const int Configuration = 512 << 10;

    /// <summary>A list of expected devices: 100,000 lines of some 160 bytes.</summary>
    public const int ExpectedDevices = 16 << 20;

    /// <summary>What a git server says of a push; it is hashed and not kept.</summary>
    public const int Hook = 4 << 20;

    /// <summary>Any answer a device reads whole.</summary>
    public const int Answer = 128 << 10;
}
