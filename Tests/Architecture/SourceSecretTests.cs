using System.Text.RegularExpressions;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Architecture;

/// <summary>What must not be in the source: secrets, and code that takes any certificate.</summary>
public sealed partial class SourceSecretTests
{
    private static readonly string[] Programs = ["Store", "Deploy", "BootSelector", "Server", "packaging", "scripts"];

    [Fact]
    public void There_is_no_private_key_and_no_token_in_the_repository()
    {
        var files = Shell.Run("git ls-files", ProjectFiles.Root).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        files.Should().HaveCountGreaterThan(500);
        files.Where(file => new FileInfo(ProjectFiles.PathOf(file)) is { Exists: true, Length: < 4 << 20 } && IsSecret(File.ReadAllText(ProjectFiles.PathOf(file)))).Should().BeEmpty();
    }

    // Each with a plus sign in it, so that this file is none of what it looks for.
    [Theory]
    [InlineData("-----BEGIN PRIVATE+KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n", true)]
    [InlineData("-----BEGIN EC PRIVATE+KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n", true)]
    [InlineData("gh+p_0123456789abcdefghijklmnopqrstuvwxyz", true)]
    [InlineData("AK+IAIOSFODNN7EXAMPL0", true)]
    [InlineData("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0123456789\n", false)]
    [InlineData("throw new FormatException(\"no PEM PRIVATE KEY\")", false)]
    public void A_secret_is_known_by_its_form(string text, bool isSecret) => IsSecret(text.Replace("PRIVATE+KEY", "PRIVATE KEY", StringComparison.Ordinal).Replace("gh+p", "ghp", StringComparison.Ordinal).Replace("AK+I", "AKI", StringComparison.Ordinal)).Should().Be(isSecret);

    [Fact]
    public void No_program_takes_certificates_by_a_judgement_of_its_own_or_speaks_an_old_tls()
    {
        var sources = Programs.SelectMany(folder => Directory.EnumerateFiles(ProjectFiles.PathOf(folder), "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)).ToArray();
        sources.Should().HaveCountGreaterThan(400);
        sources.Where(path => OwnJudgement().IsMatch(File.ReadAllText(path))).Should().BeEmpty();
    }

    private static bool IsSecret(string text) => Secret().IsMatch(text);

    [GeneratedRegex(@"-----BEGIN (?:EC |RSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{40}|\bgh[pousr]_[A-Za-z0-9]{36}|\bAKIA[0-9A-Z]{16}\b")]
    private static partial Regex Secret();

    [GeneratedRegex(@"CertificateCustomValidation|RemoteCertificateValidation|DangerousAccept|ServerCertificateValidationCallback|SslProtocols\.(?:Ssl|Tls\b|Tls11)|CheckCertificateRevocationList = false")]
    private static partial Regex OwnJudgement();
}
