using System.Diagnostics;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>Runs the very lines of docs/format/statement.md with jq and openssl.</summary>
public sealed class StatementPageTests : IDisposable
{
    private readonly Statements _s = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("ctree-statement-").FullName;

    [Fact]
    public void The_lines_for_verifying_by_hand_accept_our_head()
    {
        Write("root.json", _s.Trust.Envelope.Bytes);
        Write("head.json", _s.Release.Sign(Statements.Head()).Bytes);

        var (exitCode, output) = Run("## Verifying by hand");

        output.Should().EndWith("Verified OK\n");
        exitCode.Should().Be(0);
    }

    [Fact]
    public void The_lines_for_verifying_by_hand_refuse_a_changed_head()
    {
        var head = _s.Release.Sign(Statements.Head());
        Write("root.json", _s.Trust.Envelope.Bytes);
        Write("head.json", Envelope.Create((Statements.Head() with { Sequence = 8 }).Encode(), head.Signatures).Bytes);

        var (exitCode, output) = Run("## Verifying by hand");

        output.Should().NotContain("Verified OK");
        exitCode.Should().NotBe(0);
    }

    [Fact]
    public void The_lines_for_verifying_by_hand_refuse_a_key_of_another_role()
    {
        Write("root.json", _s.Trust.Envelope.Bytes);
        Write("head.json", _s.RootKey.Sign(Statements.Head()).Bytes);

        Run("## Verifying by hand").ExitCode.Should().NotBe(0);
    }

    [Fact]
    public void A_head_signed_by_hand_is_verified()
    {
        Write("signed", Statements.Head().Encode());
        File.WriteAllText(Path.Combine(_folder, "release.key"), _s.Release.ToPem());

        Run("## Signing by hand").Should().Be((0, ""));

        var bytes = File.ReadAllBytes(Path.Combine(_folder, "head.json"));
        _s.Trust.VerifyHead(bytes, Statements.Branch).Commit.Should().Be(Statements.Commit);
    }

    public void Dispose()
    {
        _s.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Write(string name, ReadOnlyMemory<byte> bytes) => File.WriteAllBytes(Path.Combine(_folder, name), bytes.Span);

    private (int ExitCode, string Output) Run(string heading)
    {
        var lines = TestFiles.Block(TestFiles.Page("format/statement.md"), heading, "sh");
        var start = new ProcessStartInfo("bash", ["-eu", "-o", "pipefail", "-c", lines])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
