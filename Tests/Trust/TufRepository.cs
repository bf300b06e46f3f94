using System.Text;
using ContentTree.Deploy;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Trust;

/// <summary>A repository that a test steers key by key, and a device's trusted state that is refreshed from it.</summary>
internal sealed class TufRepository : IDisposable
{
    public static readonly BranchName Branch = BranchName.Parse("main");

    private readonly TemporaryDirectory _directory = new();
    private readonly SigningKey[] _keys = [.. Enumerable.Range(0, 10).Select(_ => SigningKey.Generate())];
    private readonly Dictionary<string, Part> _parts = new()
    {
        [Role.Root] = new([0], 1, [0]),
        [Role.Release] = new([1], 1, [1]),
        [Role.Timestamp] = new([2], 1, [2]),
        [Role.Fleet] = new([3], 1, [3]),
    };
    private readonly TrustState _trust;
    private readonly string _trustPath;

    public TufRepository(bool isSetUp = true)
    {
        var device = new DeviceRoot(_directory.Path, IsGiven: true);
        _trustPath = device.Trust;
        Directory.CreateDirectory(_trustPath);
        _trust = new TrustState(device, Time);
        if (isSetUp)
            SetUp();
    }

    public FixedTime Time { get; } = new();

    public List<byte[]> Roots { get; } = [];

    public long Sequence { get; set; } = 1;

    public string Commit { get; set; } = "one";

    public DateTimeOffset HeadCreated { get; set; } = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    public DateTimeOffset HeadExpires { get; set; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public DateTimeOffset TimestampCreated { get; set; } = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    public DateTimeOffset TimestampExpires { get; set; } = new(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);

    public long Counter { get; set; } = 1;

    public DateTimeOffset AssignmentExpires { get; set; } = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What the timestamp says of the head; as it is if null.</summary>
    public (ObjectId Head, long Sequence)? Vouched { get; set; }

    public long TrustedRoot => _trust.Root().Version;

    /// <summary>The device begins with this root.</summary>
    public void SetUp()
    {
        PublishRoot();
        _trust.WriteRoot(TrustRoot.Load(Roots[0]));
    }

    /// <summary>Who plays a role from the next root on, and who signs for it.</summary>
    public void Play(string role, int[] keys, int threshold, int[] signers) => _parts[role] = new(keys, threshold, signers);

    public void PublishRoot(DateTimeOffset? expires = null) => Roots.Add(Sign(Root(expires).Encode(), Role.Root));

    /// <summary>A root whose signed bytes were edited by somebody who has the keys.</summary>
    public void PublishRoot(string old, string now) =>
        Roots.Add(Sign(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Root(null).Encode()).Replace(old, now, StringComparison.Ordinal)), Role.Root));

    public void Accepted()
    {
        var refresh = Refresh;
        refresh.Should().NotThrow();
    }

    /// <summary>Refused, and nothing but the root is another one than before.</summary>
    public void Refused(VerificationFailure failure)
    {
        var before = Remembered();
        var refresh = Refresh;
        refresh.Should().Throw<VerificationException>().Which.Failure.Should().Be(failure);
        Remembered().Should().Be(before);
    }

    /// <summary>The part with the signature of its first signer as often as it should have signers.</summary>
    public void SignRepeatedly(string role) => _parts[role] = _parts[role] with { Signers = [.. Enumerable.Repeat(_parts[role].Signers[0], _parts[role].Threshold)] };

    public byte[] Head() => Sign(new HeadStatement
    {
        Branch = Branch,
        Commit = ObjectId.Of(Encoding.UTF8.GetBytes(Commit)),
        Sequence = Sequence,
        Created = HeadCreated,
        Expires = HeadExpires,
    }.Encode(), Role.Release);

    public void Dispose()
    {
        foreach (var key in _keys)
            key.Dispose();
        _directory.Dispose();
    }

    private void Refresh()
    {
        while (_trust.Root().Version < Roots.Count)
            _trust.Follow(Roots[(int)_trust.Root().Version]);
        var head = Head();
        var timestamp = Sign(new TimestampStatement
        {
            Branch = Branch,
            Head = Vouched?.Head ?? ObjectId.Of(head),
            Sequence = Vouched?.Sequence ?? Sequence,
            Created = TimestampCreated,
            Expires = TimestampExpires,
        }.Encode(), Role.Timestamp);
        _trust.Accept(new OfferedHead(head, timestamp) { Assignment = Assignment() }, Branch, _keys[9].Id);
        if (_trust.PassedOver is { } assignment)
            throw assignment;
    }

    private byte[] Assignment() => Sign(new AssignmentStatement
    {
        Device = _keys[9].Id,
        Branch = Branch,
        Counter = Counter,
        Action = AssignmentAction.Hold,
        Reason = "",
        Created = new DateTimeOffset(2026, 11, 20, 0, 0, 0, TimeSpan.Zero),
        Expires = AssignmentExpires,
    }.Encode(), Role.Fleet);

    private RootStatement Root(DateTimeOffset? expires) => new()
    {
        Version = Roots.Count + 1,
        Expires = expires ?? new DateTimeOffset(2040, 1, 1, 0, 0, 0, TimeSpan.Zero),
        Keys = _parts.Values.SelectMany(p => p.Keys).Distinct().ToDictionary(i => _keys[i].Id, i => _keys[i].Public),
        Roles = _parts.ToDictionary(p => p.Key, p => new Role([.. p.Value.Keys.Select(i => _keys[i].Id).Order()], p.Value.Threshold)),
    };

    private byte[] Sign(byte[] signed, string role) =>
        Envelope.Create(signed, [.. _parts[role].Signers.Select(i => new EnvelopeSignature(_keys[i].Id, _keys[i].Sign(signed)))]).Bytes.ToArray();

    private string Remembered() => string.Join('\n', Directory.GetFiles(_trustPath).Order(StringComparer.Ordinal)
        .Where(f => !f.EndsWith("root.json", StringComparison.Ordinal) && !f.EndsWith("first.json", StringComparison.Ordinal))
        .Select(f => $"{f} {ObjectId.Of(Said(f).Span)}"));

    // A head is signed anew for each refresh, and with an assignment that is passed over it is taken.
    private static ReadOnlyMemory<byte> Said(string file) => Path.GetFileName(file).StartsWith("head-", StringComparison.Ordinal)
        ? Envelope.Decode(File.ReadAllBytes(file)).SignedBytes
        : File.ReadAllBytes(file);

    private sealed record Part(int[] Keys, int Threshold, int[] Signers);

    /// <summary>Noon of the day that everything here begins on.</summary>
    internal sealed class FixedTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
