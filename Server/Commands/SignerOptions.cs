using System.CommandLine;
using ContentTree.Server.Trust;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>Keys that are named on the command line: files, or a program that signs with a key it keeps to itself.</summary>
internal sealed class SignerOptions
{
    private const int MaxKeyBytes = 16 * 1024;

    private readonly Option<string[]> _key = new("--key") { Description = "a private key (PEM) that signs; may be given several times", HelpName = "FILE" };

    private readonly Option<string?> _signer = new("--signer")
    {
        Description = "a command that gets the bytes on stdin and writes the ECDSA signature in DER to stdout; with --public",
        HelpName = "COMMAND",
    };

    private readonly Option<string?> _public = new("--public") { Description = "the public key (PEM) of --signer", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        command.Add(_key);
        command.Add(_signer);
        command.Add(_public);
    }

    public IReadOnlyList<ISigner> Read(ParseResult parsed)
    {
        var signers = (parsed.GetValue(_key) ?? []).Select(ISigner (path) => FileSigner.Read(path)).ToList();
        var (command, key) = (parsed.GetValue(_signer), parsed.GetValue(_public));
        if ((command is null) != (key is null))
            throw new UsageException("--signer and --public belong together: the command, and the key it signs with");
        if (command is not null && key is not null)
            signers.Add(new ProgramSigner(command, ReadPublic(key)));
        return signers;
    }

    /// <summary>The public key of a PEM file with either part of a key.</summary>
    public static PublicKey ReadPublic(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MaxKeyBytes })
            throw new FormatException($"{path}: too large for a key");
        var pem = File.ReadAllText(path);
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
            return FileSigner.Read(path).Public;
        try
        {
            return PublicKey.Parse(pem);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}", e);
        }
    }
}
