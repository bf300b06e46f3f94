using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>Statements that openssl signed, and hostile ones: each refused for the reason in the file beside it.</summary>
public sealed class StatementVectorTests
{
    public static TheoryData<string> RefusedHeads => TestFiles.Names("statement", "refused-head-*.json");

    public static TheoryData<string> RefusedRoots => TestFiles.Names("statement", "refused-root-*.json");

    [Theory]
    [InlineData("root", "head")]
    [InlineData("root-2-of-3", "head-2-of-3")]
    public void A_head_that_openssl_signed_is_verified(string root, string head)
    {
        var trust = TrustRoot.Load(TestFiles.Vector("statement", root + ".json"));

        var verified = trust.VerifyHead(TestFiles.Vector("statement", head + ".json"), Statements.Branch);

        verified.Id.ToString().Should().Be(TestFiles.VectorText("statement", head + ".id"));
        verified.Commit.ToString().Should().Be(TestFiles.VectorText("commit", "full.id"));
        verified.Sequence.Should().Be(7);
        verified.Created.Should().Be(Statements.Created);
        verified.Expires.Should().Be(Statements.Created.AddYears(1));
    }

    [Theory, MemberData(nameof(RefusedHeads))]
    public void A_head_that_breaks_a_rule_is_refused_for_that_rule(string name)
    {
        var root = name.Contains("2-of-3", StringComparison.Ordinal) ? "root-2-of-3.json" : "root.json";
        var trust = TrustRoot.Load(TestFiles.Vector("statement", root));

        AssertRefused(name, bytes => trust.VerifyHead(bytes, Statements.Branch));
    }

    [Theory, MemberData(nameof(RefusedRoots))]
    public void A_root_that_breaks_a_rule_is_refused_for_that_rule(string name) => AssertRefused(name, bytes => TrustRoot.Load(bytes));

    private static void AssertRefused(string name, Action<byte[]> verify)
    {
        var act = () => verify(TestFiles.Vector("statement", name + ".json"));

        var refusal = act.Should().Throw<VerificationException>().Which;
        $"{refusal.Failure}: {refusal.Message}".Should().Be(TestFiles.VectorText("statement", name + ".txt"));
    }
}
