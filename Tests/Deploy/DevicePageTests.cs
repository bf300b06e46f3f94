using System.Text.RegularExpressions;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Deploy;

/// <summary>docs/device.md says what the code does.</summary>
public sealed partial class DevicePageTests
{
    private static readonly string Page = TestFiles.Page("device.md");

    [Fact]
    public void The_verbs_are_those_of_the_program() =>
        TestFiles.Table(Page, "verb").Select(row => row[0]).Should().BeEquivalentTo(TestVerbs.All());

    [Fact]
    public void The_keys_and_defaults_are_those_of_the_code()
    {
        using var empty = new TemporaryDirectory();
        var settings = AgentConfig.Load(new DeviceRoot(empty.Path, IsGiven: true)).Effective.ToDictionary(s => s.Key, s => s.Value);
        // These two are the machine's own.
        settings["device.name"] = "the host's name";
        settings["device.architecture"] = "the machine's own";
        TestFiles.Table(Page, "key").ToDictionary(row => row[0], row => row[1]).Should().BeEquivalentTo(settings);
    }

    [Fact]
    public void The_exit_codes_are_among_those_of_all_programs()
    {
        var codes = TestFiles.Table(Page, "code").Select(row => int.Parse(row[0])).ToArray();
        codes.Should().OnlyContain(code => Enum.IsDefined((ExitCode)code)).And.BeInAscendingOrder();
        codes.Should().Contain([0, 1, 2, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 77, 130]);
    }

    [Fact]
    public void Every_schema_that_the_code_writes_is_on_the_page_and_no_other()
    {
        var written = Directory.GetFiles(ProjectFiles.PathOf("Deploy"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/")).SelectMany(path => Schema().Matches(File.ReadAllText(path))).Select(m => m.Value).Distinct();
        Schema().Matches(Page).Select(m => m.Value).Distinct().Should().BeEquivalentTo(written);
    }

    [GeneratedRegex(@"ctree\.[a-z]+/[0-9]")]
    private static partial Regex Schema();
}
