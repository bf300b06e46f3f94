using ContentTree.Server.Storage;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>What a source's own program builds is published, and the program sees nothing but its source.</summary>
public sealed class BuildStepTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public BuildStepTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task What_is_built_is_the_same_tree_whatever_the_source_is_kept_in()
    {
        Make("""mkdir -p "$1/bin"; tr a-z A-Z < text > "$1/bin/text"; printf '/bin/text mode=0751\n' > rules; mkdir "$1/.ctree"; cp rules "$1/.ctree/metadata" """.Replace("> rules", "> /tmp/rules").Replace("cp rules", "cp /tmp/rules"));
        Shell.Run("tar -C source -cf tar .; cp -r source repo; cd repo; git init -q .; git add -A; git -c user.name=a -c user.email=a@e commit -qm built", _temporary.Path);
        var trees = new List<string>();
        foreach (var source in new[] { _temporary["source"], _temporary["tar"], "git:" + _temporary["repo"] })
        {
            var refused = await RunAsync(source);
            refused.Exit.Should().Be(1);
            refused.Error.Should().Contain("publish with --build");
            trees.Add((await DoneAsync(source, "--build", "--owner", "0:0")).LastLine);
        }
        trees.Distinct().Should().ContainSingle("an unchanged tree makes no commit");
        (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out.Should().Contain("-0751     0     0            5 bin/text").And.NotContain("source").And.NotContain(".ctree");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "bin/text")).Out.Should().Be("SOME\n");
        Directory.GetDirectories(Path.Combine(Data, "cache"), "build-*").Should().BeEmpty();
        Directory.GetFiles(Path.Combine(Data, "repo/objects"), "*.file", SearchOption.AllDirectories).Should().ContainSingle("the source itself is not for devices");
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("echo this went wrong >&2; exit 3", "ended with 3:\nthis went wrong")]
    [InlineData("sleep 60", "took longer than 0.1 minutes")]
    [InlineData("while :; do :; done", "took longer than 0.1 minutes")]
    [InlineData("head -c 3000000000 /dev/zero | sort -S 2G > /dev/null", "ended with")]
    [InlineData("head -c 300000000 /dev/zero > /tmp/a; head -c 300000000 /dev/zero > /tmp/b", "No space left")]
    [InlineData("echo changed > text", "Read-only")]
    [InlineData("mount -o remount,rw,bind /usr; touch /usr/ctree-probe", "superuser")]
    [InlineData("mount -o remount,rw,bind /source; touch /source/probe", "superuser")]
    [InlineData("unshare -Ur true", "unshare")]
    [InlineData("touch /probe", "Read-only")]
    [InlineData("touch /dev/probe", "Read-only")]
    [InlineData("head -c 300000000 /dev/zero > /dev/shm/a; head -c 300000000 /dev/zero > /dev/shm/b", "No space left")]
    [InlineData("head -c 900000000 /dev/zero > \"$1/full\"", "ended with")]
    public async Task A_build_that_fails_publishes_nothing_and_its_words_are_told(string script, string reason)
    {
        Make($"set -e; {script}; echo x > \"$1/x\"");
        var refused = await RunAsync(_temporary["source"], "--build", "--build-minutes", "0.1", "--build-memory", "400000000");
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain(reason);
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Fact]
    public async Task What_a_build_made_unwritable_is_published_and_gone_afterwards()
    {
        Make("mkdir \"$1/a\"; echo x > \"$1/a/b\"; chmod 555 \"$1/a\"");
        Shell.Run($"chown -R 65534 '{_temporary.Path}'");
        using (var nobody = ServerProcess.StartAs(65534, "--data", Data, "publish", "--branch", "stable", "--build", _temporary["source"]))
            (await nobody.WaitAsync()).Should().Be(0, nobody.Error);
        Directory.GetDirectories(Path.Combine(Data, "cache"), "build-*").Should().BeEmpty();
    }

    [Fact]
    public async Task A_build_sees_its_source_and_the_systems_programs_only()
    {
        Make($"""
            for place in '{Data}' /etc/passwd /root /home /var /sys /run; do [ ! -e "$place" ] || echo "$place" >> "$1/seen"; done
            grep -c : /proc/net/dev > "$1/devices"; ls -d /proc/[0-9]* | wc -l > "$1/processes"; env | sort > "$1/env"
            """);
        Environment.SetEnvironmentVariable("CTREE_SECRET", "of the server");
        await DoneAsync(_temporary["source"], "--build");
        (await ServerCommand.DoAsync("--data", Data, "ls", "stable")).Out.Should().NotContain("seen");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "devices")).Out.Trim().Should().Be("1", "the loopback device");
        int.Parse((await ServerCommand.DoAsync("--data", Data, "cat", "stable", "processes")).Out).Should().BeLessThan(8);
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "env")).Out.Should().NotContain("SECRET");
    }

    [Fact]
    public async Task A_stamp_says_of_what_the_tree_was_made()
    {
        Shell.Run("mkdir repo; cd repo; echo x > file; git init -q .; git add -A; git -c user.name=a -c user.email=a@e commit -qm first; git tag v1.0", _temporary.Path);
        await DoneAsync("git:" + _temporary["repo"], "--stamp", "/etc/made of", "--version", "1.0 \"$(x)\"", "--owner", "5:6");
        var revision = Shell.Run("git rev-parse HEAD", _temporary["repo"]).Trim();
        var stamp = (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "etc/made of")).Out;
        File.WriteAllText(_temporary["stamp"], stamp);
        Shell.Run("sh -c '. ./stamp; printf \"%s|%s|%s|%s\" \"$BRANCH\" \"$VERSION\" \"$SOURCE_REVISION\" \"$SOURCE_DESCRIBE\"'", _temporary.Path)
            .Should().Be($"stable|1.0 \"$(x)\"|{revision}|v1.0");
        (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out.Should().Contain("-0644     5     6").And.Contain("d0755     5     6            0 etc");
        (await ServerCommand.DoAsync("--data", Data, "fsck")).Exit.Should().Be(0);
    }

    private void Make(string script)
    {
        Shell.Run("mkdir -p source/.ctree; echo some > source/text", _temporary.Path);
        File.WriteAllText(_temporary["source/.ctree/build"], "#!/bin/sh\n" + script + "\n");
        Shell.Run("chmod 755 source/.ctree/build", _temporary.Path);
    }

    private Task<ServerCommand> RunAsync(string source, params string[] options) => ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "stable", .. options, source]);

    private async Task<ServerCommand> DoneAsync(string source, params string[] options)
    {
        var done = await RunAsync(source, options);
        done.Exit.Should().Be(0, done.Error);
        return done;
    }
}
