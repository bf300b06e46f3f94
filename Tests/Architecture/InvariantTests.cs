using System.Reflection;
using System.Text.RegularExpressions;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Architecture;

/// <summary>docs/architecture.md and docs/threat-model.md promise; every promise names a test that is there.</summary>
public sealed partial class InvariantTests
{
    private static readonly string[] Pages = ["docs/architecture.md", "docs/threat-model.md"];

    public static TheoryData<string> Promises
    {
        get
        {
            var pages = Pages.Select(page => File.ReadAllText(ProjectFiles.PathOf(page)));
            return [.. pages.SelectMany(page => Row().Matches(page)).Select(m => m.Groups[1].Value).Distinct()];
        }
    }

    [Fact]
    public void The_pages_list_their_promises() => Promises.Should().HaveCountGreaterThan(70);

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
        method.Should().NotBeNull($"{name} stands in {string.Join(" or ", Pages)}");
        method!.GetCustomAttributes<FactAttribute>().Should().NotBeEmpty();
    }

    [GeneratedRegex(@"^\| A?\d+ \| .* \| `([A-Za-z.0-9_]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
