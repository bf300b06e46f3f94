using System.Text.RegularExpressions;
using ContentTree.Store.Objects;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>docs/pipelines.md, line by line, in the shell of a build machine that has nothing but the program and a token.</summary>
[Trait("Category", "Slow")]
public sealed partial class PipelineTests : IAsyncLifetime
{
    private static readonly string Page = File.ReadAllText(ProjectFiles.PathOf("docs/pipelines.md"));

    private TestServer _server = null!;
    private string _token = "";

    private string Project => _server["project"];

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _token = (await ServerCommand.DoAsync("--data", _server.DataPath, "token", "create", "--role", "publisher")).LastLine;
        Shell.Run($"""
            mkdir '{Project}'; cd '{Project}'; git init -q .
            printf 'install:\n\tinstall -D tool $(DESTDIR)/usr/bin/tool\n' > Makefile; printf 'one' > tool; printf 'root\n' > .gitignore
            git add -A; git -c user.name=a -c user.email=a@e commit -qm 'The first one'; git tag v1.0 -m v1.0
            """);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Make_install_makes_a_tree_and_says_where_it_came_from()
    {
        Run(Block("sh", after: "## make install"));
        (await ServerCommand.DoAsync("--data", _server.DataPath, "ls", "-R", "test")).Out.Should().Contain("-0755     0     0            3 usr/bin/tool");
        var head = Commit("test");
        (head.Version, head.Subject).Should().Be(("v1.0", "The first one"));
        Run(Block("sh", after: "## make install"));
        (await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "list", "--json")).Out.Should().Contain("\"sequence\": 1", "the same again makes no commit");
    }

    [Fact]
    public void The_lines_for_GitHub_publish() => Publishes(Line().Matches(Block("yaml", after: "## GitHub Actions")).Select(m => m.Groups["run"].Value));

    [Fact]
    public void The_lines_for_GitLab_publish_and_promote()
    {
        var lines = Item().Matches(Block("yaml", after: "## GitLab")).Select(m => m.Groups["line"].Value).ToArray();
        Publishes(lines[..2]);
        Run(lines[2]);
        Commit("stable").Tree.Should().Be(Commit("test").Tree);
    }

    [Theory]
    [InlineData("checkout --quiet -b main")]
    [InlineData("checkout --quiet --detach")]
    public void A_repository_is_published_as_it_is(string checkedOut)
    {
        Shell.Run($"git {checkedOut}", Project);
        Run(Block("sh", after: "## From the repository itself"));
        var commit = Commit("test");
        commit.Source.Kind.Should().Be(CommitSourceKind.Git);
        commit.Source.Revision.Should().Be(Shell.Run("git rev-parse HEAD", Project).Trim());
    }

    private void Publishes(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            Run(line);
        Commit("test").Version.Should().Be("v1.0");
    }

    private Commit Commit(string branch) => _server.Data.Repository.ReadCommit(
        new ContentTree.Server.Publishing.Branches(_server.Data, _server.Time).ReadHead(BranchName.Parse(branch)).Commit);

    private void Run(string lines)
    {
        var programs = Path.GetDirectoryName(BuiltProgram.Find("ctree-server", "Server", "Store"));
        Shell.Run($"set -e; export PATH='{programs}':$PATH HOME='{_server["home"]}' CTREE_SERVER='{_server.Url}' CTREE_TOKEN='{_token}'\n{lines}", Project);
    }

    private static string Block(string language, string after)
    {
        var section = Page[Page.IndexOf(after, StringComparison.Ordinal)..];
        var start = section.IndexOf($"```{language}\n", StringComparison.Ordinal) + language.Length + 4;
        return section[start..section.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    [GeneratedRegex(@"^      - run: (?<run>.*)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"^    - (?<line>.*)$", RegexOptions.Multiline)]
    private static partial Regex Item();
}
