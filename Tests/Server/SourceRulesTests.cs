using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>What a source says of itself holds for directories, archives and git alike; git judges what is left out.</summary>
public sealed class SourceRulesTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public SourceRulesTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("*.o\n!keep.o")]
    [InlineData("/build\n")]
    [InlineData("build/")]
    [InlineData("docs/*.md")]
    [InlineData("**/deep")]
    [InlineData("src/**/deep")]
    [InlineData("src/**")]
    [InlineData("src/**\n!src/a\n!src/a/b")]
    [InlineData("*\n!*/\n!*.md")]
    [InlineData("build\n!build/keep.o")]
    [InlineData("[a-c]*.o\n[!k]eep.o")]
    [InlineData("file\\ with\\ space\n\\#hash\n\\!bang")]
    [InlineData("trailing   \n# comment\n\n  leading")]
    [InlineData("a?b\n")]
    [InlineData("src/*/deep\n")]
    [InlineData("a/**/b\n**\n!**/\n!keep.o")]
    [InlineData("deep/*\n!deep/keep.o\n")]
    [InlineData("\\*\n[]]\n[^x].o\n")]
    [InlineData("[[:alpha:]].o\n[[:space:]]*\n")]
    [InlineData("[![:lower:]]*\n![[:alpha:]_]*X*\n")]
    [InlineData("[\\]]\n[a\\-z].o\n[[:foo:]]\nfile[\\ x]with*\n")]
    [InlineData("[k\n[b-\n[a-]*\n")]
    public async Task What_is_left_out_is_what_git_leaves_out(string rules)
    {
        Make(rules, "*.tmp\n!important.tmp\n/only-here\n");
        var git = Shell.Run("cp -r source git; cd git; find . -name .ctreeignore | while read f; do mv \"$f\" \"$(dirname \"$f\")/.gitignore\"; done; git init -q .; git ls-files --others --exclude-per-directory=.gitignore -z | tr '\\0' '\\n' | grep -v gitignore | LC_ALL=C sort", _temporary.Path);
        (await FilesAsync(_temporary["source"])).Should().Be(git, rules);
        Shell.Run("tar -C source -cf tar .", _temporary.Path);
        (await FilesAsync(_temporary["tar"])).Should().Be(git, rules);
        Shell.Run("cp -r source repo; cd repo; git init -q .; git -c core.excludesFile=/dev/null add -Af .; git -c user.name=a -c user.email=a@e commit -qm all", _temporary.Path);
        (await FilesAsync("git:" + _temporary["repo"])).Should().Be(git, rules);
    }

    [Fact]
    public async Task What_is_left_out_never_reaches_the_repository()
    {
        Make("secret\n", "");
        File.WriteAllText(_temporary["source/secret"], "not for devices");
        Shell.Run("tar -C source -cf tar src secret .ctreeignore", _temporary.Path);
        await PublishAsync(_temporary["source"]);
        await PublishAsync(_temporary["tar"]);
        using var data = DataDirectory.Open(Data);
        data.Repository.Contains(new ObjectName(ObjectKind.File, ObjectId.Of("not for devices"u8))).Should().BeFalse();
    }

    [Fact]
    public async Task Owners_modes_attributes_empty_directories_and_nodes_come_from_the_metadata()
    {
        Shell.Run("""
            umask 022; mkdir -p source/.ctree source/bin source/etc; printf x > source/bin/tool; printf y > source/etc/conf; printf z > 'source/etc/a name'
            cat > source/.ctree/metadata <<'END'
            # what git cannot say
            /            owner=0:0
            /**          owner=0:0
            /bin/tool    mode=4750 owner=0:44 xattr.security.capability=0x0100000200040000000000000000000000000000
            /etc/        mode=0700
            /etc/*       mode=0600
            /etc/a\ name mode=0640
            /var/empty   type=directory mode=1777 owner=5:6
            /var/empty/in type=directory
            /dev/console type=char device=5:1
            /dev/disk    type=block device=8:0 mode=0660 owner=0:6
            /run/pipe    type=fifo mode=0622
            /etc/conf    type=directory
            END
            tar -C source -cf tar .; cp -r source repo; cd repo; git init -q .; git add -A; git -c user.name=a -c user.email=a@e commit -qm all
            """, _temporary.Path);
        var trees = new[] { await TreeAsync(_temporary["source"]), await TreeAsync(_temporary["tar"]), await TreeAsync("git:" + _temporary["repo"]) };
        trees.Distinct().Should().ContainSingle();
        var listed = (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out;
        foreach (var line in new[] { "-4750     0    44            1 bin/tool", "-0600     0     0            1 etc/conf", "-0640     0     0            1 etc/a name", "d1777     5     6", "c0600", "b0660     0     6", "p0622", "d0700     0     0            0 etc" })
            listed.Should().Contain(line);
        listed.Should().NotContain(".ctree");
        (await ServerCommand.DoAsync("--data", Data, "fsck")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task What_lines_add_is_the_same_in_every_kind_of_source_whoever_owns_it()
    {
        Shell.Run("""
            umask 022; mkdir -p source/.ctree source/bin; printf x > source/bin/tool
            cat > source/.ctree/metadata <<'END'
            /secret      mode=0700
            /secret/pipe type=fifo
            /secret      type=fifo
            /a/b/c       type=directory mode=0750
            /a/b/c/d     type=directory
            /a/b/dev     type=char device=1:3
            /bin/in      type=directory
            END
            tar -C source -cf tar .; cp -r source repo; cd repo; git init -q .; git add -A; git -c user.name=a -c user.email=a@e commit -qm all
            """, _temporary.Path);
        var trees = new List<ObjectId>();
        foreach (var source in new[] { _temporary["source"], _temporary["tar"], "git:" + _temporary["repo"] })
            trees.Add(await TreeAsync(source, "--owner", "5:6"));
        trees.Distinct().Should().ContainSingle();
        var listed = (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out;
        foreach (var line in new[] { "d0700     5     6            0 secret\n", "p0600     5     6            0 secret/pipe", "d0755     5     6            0 a/b\n", "d0750     5     6            0 a/b/c\n" })
            listed.Should().Contain(line);
    }

    [Theory]
    [InlineData("/bin/tool/in type=fifo")]
    [InlineData("/pipe type=fifo\n/pipe/in type=directory")]
    public async Task Nothing_is_added_below_what_is_no_directory(string lines)
    {
        Shell.Run("mkdir -p source/.ctree source/bin; printf x > source/bin/tool", _temporary.Path);
        File.WriteAllText(_temporary["source/.ctree/metadata"], lines + "\n");
        Shell.Run("tar -C source -cf tar .", _temporary.Path);
        foreach (var source in new[] { "source", "tar" })
        {
            var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", _temporary[source]);
            refused.Exit.Should().Be(1);
            refused.Error.Should().Contain("no directory");
        }
    }

    [Theory]
    [InlineData("/bin mode=9", "no mode")]
    [InlineData("/bin mode=17777", "no mode")]
    [InlineData("/bin owner=root", "UID:GID")]
    [InlineData("/bin colour=red", "none of mode")]
    [InlineData("/bin mode", "no KEY=VALUE")]
    [InlineData("*.o type=directory", "one path")]
    [InlineData("/x type=socket", "none of the types")]
    [InlineData("/x type=char", "device=MAJOR:MINOR")]
    [InlineData("/x xattr.user.a=0xzz", "no value")]
    [InlineData("/x xattr.user.a=1 xattr.user.a=2", "twice")]
    [InlineData("/x xattr.trusted.overlay.opaque=y", "no attribute")]
    [InlineData("/x xattr.foo=y", "no attribute")]
    [InlineData("/../x type=directory", "not a file name")]
    public async Task A_wrong_line_is_named_and_nothing_is_published(string line, string reason)
    {
        Shell.Run("mkdir -p source/.ctree; printf x > source/f", _temporary.Path);
        File.WriteAllText(_temporary["source/.ctree/metadata"], "# first\n" + line + "\n");
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", _temporary["source"]);
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain("line 2").And.Contain(reason);
    }

    [Fact]
    public void A_pattern_of_many_stars_takes_no_longer_than_path_times_pattern()
    {
        var pattern = PathPattern.Parse(System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a*", 120)) + "b"))!;
        var name = EntryName.Create(new string('a', 255));
        pattern.Matches([name], isDirectory: false).Should().BeFalse();
        var deep = PathPattern.Parse(System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("**/x/", 60)) + "y"))!;
        deep.Matches([.. Enumerable.Repeat(EntryName.Create("x"), 1000)], isDirectory: false).Should().BeFalse();
    }

    private void Make(string rules, string inner)
    {
        Shell.Run("""
            mkdir -p source/src/a/b/deep source/src/deep source/build/sub source/docs/more source/deep source/a/x/b; cd source
            for f in a.o b.o keep.o k.o 'file with space' '#hash' '!bang' trailing leading '  leading' aXb a/x/b/one a.md src/a/one.o src/a/b/keep.o src/a/b/deep/x src/deep/y build/out build/keep.o build/sub/z docs/one.md docs/more/two.md deep/keep.o deep/q only-here src/only-here src/t.tmp src/important.tmp src/a/u.tmp '*' ']' x.o; do printf "$f" > "$f"; done
            """, _temporary.Path);
        File.WriteAllText(_temporary["source/.ctreeignore"], rules);
        File.WriteAllText(_temporary["source/src/.ctreeignore"], inner);
    }

    private async Task<string> FilesAsync(string source)
    {
        await PublishAsync(source);
        Shell.Run("rm -rf out", _temporary.Path);
        await ServerCommand.DoAsync("--data", Data, "checkout", "stable", _temporary["out"]);
        return Shell.Run("cd out; find . ! -type d -printf '%P\\n' | LC_ALL=C sort", _temporary.Path);
    }

    private async Task<ServerCommand> PublishAsync(string source) => await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", source);

    private async Task<ObjectId> TreeAsync(string source, params string[] options)
    {
        var published = await ServerCommand.DoAsync(["--data", Data, "publish", "--branch", "stable", .. options, source]);
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(ObjectId.Parse(published.LastLine)).Tree;
    }
}
