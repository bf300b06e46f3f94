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
            return [.. pages.SelectMany(page => Row().Matches(page)).SelectMany(m => Name().Matches(m.Groups[1].Value)).Select(m => m.Groups[1].Value).Distinct()];
        }
    }

    [Fact]
    public void Every_attack_has_a_number_and_a_test()
    {
        var page = File.ReadAllText(ProjectFiles.PathOf("docs/threat-model.md"));
        var rows = page.Split("\n## Attacks")[1].Split("\n## ")[0].Split('\n').Where(line => line.StartsWith('|')).Skip(2).ToArray();
        rows.Should().HaveCountGreaterThan(120);
        rows.Where(row => !Attack().IsMatch(row) || !Row().IsMatch(row)).Should().BeEmpty("each begins with the attack's number and ends with the tests");
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

    // A last cell of nothing but names of tests.
    [GeneratedRegex(@"^\|.* \| (`[A-Z]\w*(?:\.[A-Z]\w*)+`(?:, `[A-Z]\w*(?:\.[A-Z]\w*)+`)*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"^\| A\d+(, A\d+)* \| [^|]+ \| [^|]+ \| `")]
    private static partial Regex Attack();
}
