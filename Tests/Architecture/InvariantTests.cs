using System.Reflection;
using System.Text.RegularExpressions;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Architecture;

/// <summary>docs/architecture.md promises; every promise names a test that is there.</summary>
public sealed partial class InvariantTests
{
    public static TheoryData<string> Promises
    {
        get
        {
            var page = File.ReadAllText(ProjectFiles.PathOf("docs/architecture.md"));
            return [.. Row().Matches(page).Select(m => m.Groups[1].Value)];
        }
    }

    [Fact]
    public void The_page_lists_its_promises() => Promises.Should().HaveCountGreaterThan(15);

    [Theory]
    [MemberData(nameof(Promises))]
    public void The_test_behind_a_promise_exists(string name)
    {
        var assembly = typeof(InvariantTests).Assembly;
        var type = assembly.GetType($"ContentTree.Tests.{name}");
        if (type is not null)
        {
            type.GetMethods().Should().Contain(m => m.GetCustomAttributes<FactAttribute>().Any());
            return;
        }
        var dot = name.LastIndexOf('.');
        var method = assembly.GetType($"ContentTree.Tests.{name[..dot]}")?.GetMethod(name[(dot + 1)..]);
        method.Should().NotBeNull($"{name} stands in docs/architecture.md");
        method!.GetCustomAttributes<FactAttribute>().Should().NotBeEmpty();
    }

    [GeneratedRegex(@"^\| \d+ \| .* \| `([A-Za-z.0-9_]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
