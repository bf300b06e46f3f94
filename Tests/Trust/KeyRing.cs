using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>Several keys that sign together.</summary>
internal sealed class KeyRing(int count) : IDisposable
{
    private readonly SigningKey[] _keys = [.. Enumerable.Range(0, count).Select(_ => SigningKey.Generate())];

    public IReadOnlyList<PublicKey> Public => [.. _keys.Select(k => k.Public)];

    public SigningKey this[int index] => _keys[index];

    public Envelope Sign(Statement statement, int signers) =>
        _keys[1..signers].Aggregate(_keys[0].Sign(statement), (envelope, key) => envelope.SignedAlsoBy(key));

    public void Dispose()
    {
        foreach (var key in _keys)
            key.Dispose();
    }
}
