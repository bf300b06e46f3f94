using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>A private key in a PEM file.</summary>
internal sealed class FileSigner : ISigner
{
    private readonly string _pem;

    /// <exception cref="FormatException">No private key in it.</exception>
    public FileSigner(string pem)
    {
        _pem = pem;
        using var key = SigningKey.Parse(pem);
        Public = key.Public;
    }

    public PublicKey Public { get; }

    public static FileSigner Read(string path)
    {
        try
        {
            return new FileSigner(File.ReadAllText(path));
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}", e);
        }
    }

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        // A key object serves one thread; signing is rare, so each call makes its own.
        using var key = SigningKey.Parse(_pem);
        return key.Sign(data);
    }
}
