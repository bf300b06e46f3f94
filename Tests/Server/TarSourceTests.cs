using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Archives made by GNU tar, published: the same tree as the directory, or a clear refusal and nothing published.</summary>
public sealed class TarSourceTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public TarSourceTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls", "")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls --sparse", "")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls --sparse --sparse-version=0.0", " | gzip")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls --sparse --sparse-version=0.1", " | xz -1")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls", " | zstd -1")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls", " | lz4 -1")]
    [InlineData("--format=posix --xattrs --xattrs-include=* --acls", " | bzip2 -1")]
    public async Task An_archive_with_all_attributes_is_the_directory_it_was_made_of(string options, string packing)
    {
        AwkwardTree.Make(_temporary["source"]);
        Shell.Run($"tar --numeric-owner {options} -C source -cf - .{packing} > tar", _temporary.Path);
        (await TreeOfAsync("tar")).Should().Be(await TreeOfAsync("source"));
    }

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=gnu --sparse")]
    [InlineData("--format=ustar")]
    [InlineData("--format=v7")]
    public async Task Older_formats_bring_all_that_they_hold(string options)
    {
        Shell.Run("""
            mkdir -p source/deep; cd source; umask 022
            truncate -s 3000000 holes; for at in 0 100000 300000 500000 700000 900000 1100000 1300000 1500000 1700000 1900000 2100000 2300000 2500000 2700000; do printf piece | dd of=holes bs=1 seek=$at conv=notrunc status=none; done
            printf one > plain; ln plain deep/hard; ln -s plain link; chown 12:34 plain; chmod 4711 plain; mkdir empty; printf end >> holes
            """, _temporary.Path);
        if (!options.Contains("ustar") && !options.Contains("v7"))
            Shell.Run("d=deep/$(printf 'x%.0s' $(seq 150)); mkdir -p $d/$d; printf long > $d/$d/$(printf 'n\\377%.0s' $(seq 100)); ln -s $d/$d source-link; chown 3000000000:4000000000 source-link -h; mv source-link link2", _temporary["source"]);
        Shell.Run($"tar --numeric-owner {options} -C source -cf tar .", _temporary.Path);
        (await TreeOfAsync("tar")).Should().Be(await TreeOfAsync("source"));
    }

    [Fact]
    public async Task A_list_of_what_to_leave_out_counts_under_each_of_its_names()
    {
        Shell.Run("mkdir -p s/a s/b; cd s; printf '*.o\\n' > a/.ctreeignore; ln a/.ctreeignore b/.ctreeignore; touch a/1.o b/2.o b/keep; tar --sort=name -cf ../tar .; cd ..; tar --sort=name -C s --transform 's,a/.ctreeignore,a/rules,' -cf other .", _temporary.Path);
        await TreeOfAsync("tar");
        (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out.Should().Contain("keep").And.NotContain(".o");
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", _temporary["other"]);
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain("put the file itself there");
    }

    [Fact]
    public async Task Parents_that_the_archive_does_not_name_are_made_and_whiteouts_take_away()
    {
        Shell.Run("""
            mkdir -p a/b c d/e; printf 1 > a/b/file; printf 2 > c/gone; printf 3 > c/stays; printf 4 > d/e/gone; printf 5 > d/gone
            : > c/.wh.gone; : > d/.wh..wh..opq; printf 6 > d/new
            tar -cf tar a/b/file c/gone c/stays d/e/gone d/gone c/.wh.gone d/.wh..wh..opq d/new
            """, _temporary.Path);
        await PublishAsync("tar");
        var listed = (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "stable")).Out;
        foreach (var path in new[] { "a/b/file", "c/stays", "d/new" })
            listed.Should().Contain(path);
        listed.Should().NotContain("gone").And.NotContain(".wh.");
    }

    [Fact]
    public async Task A_later_member_replaces_an_earlier_one_and_the_commit_says_where_it_came_from()
    {
        Shell.Run("printf old > file; tar -cf one.tar file; printf new > file; tar -rf one.tar file", _temporary.Path);
        var published = await PublishAsync("one.tar");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "file")).Out.Should().Be("new");
        using var data = DataDirectory.Open(Data);
        var commit = data.Repository.ReadCommit(ObjectId.Parse(published.LastLine));
        commit.Source.Should().Be(new CommitSource(CommitSourceKind.Tar, "one.tar"));
        (commit.Entries, commit.Bytes).Should().Be((1, 3));
    }

    [Theory]
    [InlineData("tar -P --transform 's,^,/abs/,' -cf tar file", "absolute path")]
    [InlineData("tar -P --transform 's,^,../,' -cf tar file", "leads out of the tree")]
    [InlineData("tar -P --transform 's,^,a/../../,' -cf tar file", "leads out of the tree")]
    [InlineData("ln -s /etc up; tar -cf tar up; mkdir x; cp file x/passwd; tar -P --transform 's,^x,up,' -rf tar x/passwd", "which is no directory")]
    [InlineData("mkdir d; printf 1 > d/f; tar -cf tar d; tar --transform 's,file,d,' -rf tar file", "a directory and something else")]
    [InlineData("ln file hard; tar -cf two file hard; tar --delete -f two file; mv two tar", "did not come before it")]
    [InlineData("tar -cf - file | head -c 700 > tar", "ends too early")]
    [InlineData("tar -cf - file | head -c 1024 > tar", "ends too early")]
    [InlineData("tar -cf - file | gzip | head -c 60 > tar", "cannot be unpacked")]
    [InlineData("tar -cf - file | gzip > tar; printf x | dd of=tar bs=1 seek=40 conv=notrunc status=none", "cannot be unpacked")]
    [InlineData("seq 1 1000 > tar", "no tar archive")]
    [InlineData(": > tar", "ends too early")]
    [InlineData("tar -cf tar file; printf 9 | dd of=tar bs=1 seek=3 conv=notrunc status=none", "damaged")]
    [InlineData("touch snapshot; mkdir d; tar -g snapshot -cf tar d", "incremental")]
    [InlineData("mkdir d; setfattr -n trusted.overlay.opaque -v y d; tar --xattrs --xattrs-include='*' --format=posix -cf tar d", "overlay")]
    [InlineData("setfattr -n user.large -v 0x$(printf '00%.0s' $(seq 3000)) file; tar --xattrs --format=posix -cf tar file", "extended attributes")]
    public async Task What_is_hostile_or_damaged_is_refused_and_nothing_is_published(string script, string reason)
    {
        File.WriteAllText(_temporary["file"], "content");
        Shell.Run(script, _temporary.Path);
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", _temporary["tar"]);
        refused.Exit.Should().Be(1, refused.Error);
        refused.Error.Should().Contain(reason).And.NotContain("bug");
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task No_flipped_bit_does_more_than_another_tree_or_a_refusal()
    {
        Shell.Run("mkdir d; printf 1 > d/file; truncate -s 9000 d/holes; printf x >> d/holes; ln d/file d/hard; ln -s file d/link; tar --sparse --format=posix --xattrs -cf good d; tar --sparse --format=gnu -cf good2 d", _temporary.Path);
        var random = new Random(4242);
        foreach (var archive in new[] { "good", "good2" })
        {
            var good = File.ReadAllBytes(_temporary[archive]);
            for (var i = 0; i < 150; i++)
            {
                var bad = (byte[])good.Clone();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                    bad[random.Next(Math.Min(bad.Length, 8192))] = (byte)random.Next(256);
                File.WriteAllBytes(_temporary["tar"], bad);
                var published = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "fuzz", _temporary["tar"]);
                published.Exit.Should().BeOneOf([0, 1], $"{published.Error} (mutation {i} of {archive})");
                published.Error.Should().NotContain("bug", $"mutation {i} of {archive}");
            }
        }
    }

    private Task<ServerCommand> PublishAsync(string source) =>
        ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", "--created", "@1795232700", _temporary[source]);

    private async Task<ObjectId> TreeOfAsync(string source)
    {
        var published = await PublishAsync(source);
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(ObjectId.Parse(published.LastLine)).Tree;
    }
}
