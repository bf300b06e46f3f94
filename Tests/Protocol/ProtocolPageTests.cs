using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Protocol;

/// <summary>docs/protocol.md says what the code does.</summary>
public sealed class ProtocolPageTests
{
    private static readonly string Page = TestFiles.Page("protocol.md");

    /// <summary>Every message there is: the records of this namespace that the page's examples are about.</summary>
    public static TheoryData<string> Messages => [.. typeof(ProtocolJson).GetProperties()
        .Where(p => p.PropertyType.IsGenericType && p.PropertyType.GetGenericTypeDefinition() == typeof(JsonTypeInfo<>))
        .Select(p => p.PropertyType.GetGenericArguments()[0])
        .Where(t => t.Namespace == typeof(ProtocolJson).Namespace && t is { IsClass: true } && t != typeof(RawJson) && t != typeof(ReportEvent))
        .Select(t => t.Name)];

    [Theory, MemberData(nameof(Messages))]
    public void The_example_of_a_message_is_read_and_written_unchanged(string name)
    {
        var example = TestFiles.Block(Page, "### " + name, "json");
        var type = ProtocolJson.Default.GetTypeInfo(typeof(ProtocolJson).Assembly.GetType($"ContentTree.Store.Protocol.{name}", true)!)!;

        var written = JsonSerializer.Serialize(JsonSerializer.Deserialize(example, type), type);

        JsonNode.DeepEquals(JsonNode.Parse(written), JsonNode.Parse(example)).Should().BeTrue($"{written} should be {example}");
    }

    [Fact]
    public void The_problems_are_those_of_the_code() =>
        TestFiles.Table(Page, "problem").Select(row => string.Join('|', row)).Should()
            .Equal(ProblemCode.All.Select(k => $"{k.Code}|{k.Status}|{(int)k.ExitCode}|{k.Title}"));

    [Fact]
    public void The_exit_codes_are_those_of_the_code() =>
        TestFiles.Table(Page, "exit code").Select(row => $"{row[0]} {row[1]}").Should()
            .Equal(Enum.GetValues<ExitCode>().Select(c => string.Create(CultureInfo.InvariantCulture, $"{(int)c} {c}")));

    [Fact]
    public void The_routes_are_those_of_the_code()
    {
        var known = typeof(Routes).GetFields().Select(f => (string)f.GetRawConstantValue()!).Where(r => r != Routes.Repository).ToList();
        var onPage = TestFiles.Table(Page, "route").Select(row => row[0]).ToList();

        known.Should().OnlyContain(route => onPage.Any(p => p == route || p.StartsWith(route + "/", StringComparison.Ordinal)));
        onPage.Should().OnlyContain(p => p.StartsWith("/api/v1/", StringComparison.Ordinal) || p.StartsWith("/repo/", StringComparison.Ordinal) || p.StartsWith("/healthz", StringComparison.Ordinal) || p.StartsWith("/openapi/", StringComparison.Ordinal) || p == "/metrics");
    }
}
