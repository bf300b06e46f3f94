using System.Buffers.Binary;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deltas;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Images that mkfs, debugfs and mksquashfs made, published: the same tree as the directory they were made of, or a clear refusal.</summary>
public sealed class ImageSourceTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public ImageSourceTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [ImageTheory]
    [Trait("Category", "Slow")]
    [InlineData("ext4", "")]
    [InlineData("ext4", "-O inline_data -I 512")]
    [InlineData("ext4", "-O ^64bit,^metadata_csum -b 1024 -I 128")]
    [InlineData("ext4", "-O ea_inode,large_dir,casefold,encrypt -b 4096")]
    [InlineData("ext4", "-O ^extent,^64bit -b 1024")]
    [InlineData("ext3", "-b 2048")]
    [InlineData("ext2", "-b 1024")]
    public async Task An_ext_image_is_the_directory_it_was_made_of(string kind, string options)
    {
        AwkwardTree.Make(_temporary["source"]);
        // mkfs makes no link that is longer than a block.
        Run("cd source; ln -sfn $(printf 't%.0s' $(seq 900)) long-target");
        // A sparse file that needs every kind of pointer, and a directory of many blocks.
        Run("cd source; for at in 0 100 5000 70000 400000; do printf piece | dd of=holes bs=1k seek=$at conv=notrunc status=none; done; mkdir many; cd many; for i in $(seq 3000); do : > \"a rather long name $i\"; done");
        Run($"mkfs.{kind} -q {options} -N 8000 -d source image 200M");
        (await TreeOfAsync("image")).Should().Be(await TreeOfAsync("source"));
        Commit("image").Source.Should().Be(new CommitSource(CommitSourceKind.Image, "image"));
    }

    [ImageFact]
    public async Task A_squashfs_image_is_the_directory_it_was_made_of()
    {
        AwkwardTree.Make(_temporary["source"]);
        // Squashfs has no access lists; whiteouts mean something in archives only.
        Run("setfacl -b source/listed source/listed-directory; : > source/.wh.plain; mksquashfs source image -quiet -no-progress; mksquashfs source zstd -comp zstd -quiet -no-progress");
        (await TreeOfAsync("image")).Should().Be(await TreeOfAsync("source"));
        (await TreeOfAsync("zstd")).Should().Be(await TreeOfAsync("source"));
        Commit("image").Source.Kind.Should().Be(CommitSourceKind.Image);
    }

    [ImageFact]
    public async Task What_an_image_says_of_itself_holds_and_lost_files_are_not_lost()
    {
        Run("mkdir -p source/.ctree source/d/lost+found; printf '/kept owner=7:8\\n' > source/.ctree/metadata; printf 'left\\n' > source/d/.ctreeignore; printf 1 > source/d/left; printf 1 > source/kept");
        Run("mkfs.ext4 -q -d source image 8M; mkfs.ext4 -q -d source found 8M; debugfs -w -R 'write source/kept lost+found/one' found");
        await PublishAsync("image");
        var listed = (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "image")).Out;
        listed.Should().Contain("kept").And.Contain("d/lost+found").And.NotContain("left").And.NotContain(".ctree");
        listed.Should().NotMatchRegex("(?m)(^| |/)lost\\+found\\s*$(?<!d/lost\\+found)");
        await PublishAsync("found");
        (await ServerCommand.DoAsync("--data", Data, "ls", "-R", "found")).Out.Should().Contain("lost+found/one");
    }

    [ImageTheory]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'feature needs_recovery' image", "e2fsck -p")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'ssv state 0' image", "e2fsck -p")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; truncate -s 4M image", "shorter than its filesystem")]
    [InlineData("mkfs.ext4 -q -O meta_bg,^resize_inode -d tree image 8M", "features that cannot be read")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file flags 0x80800' image", "/d/file: is encrypted")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'ln d d/again' image", "another place")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file block[5] 0x7fffffff' image", "/d/file")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file block[0] 0x0009f30a' image", "/d/file: its extents make no sense")]
    [InlineData("mkfs.ext2 -q -d tree image 8M; debugfs -w -R 'sif d/file block[0] 0x7fffffff' image", "/d/file: has the block")]
    [InlineData("mkfs.ext2 -q -d tree image 8M; debugfs -w -R 'sif d/file size 0x7fffffffffffffff' image", "/d/file")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file mode 0140644' image", "/d/file: is a socket")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file mode 0' image", "/d/file: is of a kind")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d block[4] 0' image", "/d: its extents make no sense")]
    [InlineData("mksquashfs tree image -quiet -no-progress; truncate -s 200 image", "image: cannot be unpacked")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d size 8192' image", "/d: is a directory with a hole")]
    [InlineData("mkfs.ext4 -q -d tree image 8M; debugfs -w -R 'sif d/file size 0x3ffffffffff' image", "nobody can mean")]
    [InlineData("mksquashfs tree image -quiet -no-progress; printf '\\377' | dd of=image bs=1 seek=20 conv=notrunc status=none", "image: cannot be unpacked")]
    [InlineData("truncate -s 4M image; printf '\\203' | dd of=image bs=1 seek=450 conv=notrunc status=none; printf '\\125\\252' | dd of=image bs=1 seek=510 conv=notrunc status=none", "partition table")]
    [InlineData("truncate -s 4M image; printf '\\125\\252EFI PART' | dd of=image bs=1 seek=510 conv=notrunc status=none", "partition table")]
    public async Task What_cannot_be_read_is_refused_and_nothing_is_published(string script, string reason)
    {
        Run("mkdir -p tree/d; head -c 20000 /dev/urandom > tree/d/file; printf x > tree/other");
        Run(script);
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", _temporary["image"]);
        refused.Exit.Should().Be(1, refused.Error);
        refused.Error.Should().Contain(reason).And.NotContain("bug");
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Trait("Category", "Slow")]
    [ImageTheory]
    [InlineData("ext4 -O inline_data -I 256")]
    [InlineData("ext2 -b 1024")]
    public async Task A_damaged_image_is_refused_or_published_and_never_a_bug(string kind)
    {
        Run($"mkdir -p tree/d/e; head -c 30000 /dev/urandom > tree/d/file; printf x > tree/small; ln -s d tree/link; setfattr -n user.a -v b tree/small; setfacl -m u:7:r tree/small; mkfs.{kind} -q -N 16 -d tree image 512K");
        var image = await File.ReadAllBytesAsync(_temporary["image"]);
        var used = Enumerable.Range(0, image.Length / 64).Where(i => image.AsSpan(i * 64, 64).ContainsAnyExcept((byte)0)).ToArray();
        for (var seed = 0; seed < Math.Min(Mutation.Count(400), 2000); seed++)
        {
            var (random, mutant) = (new Random(seed), (byte[])image.Clone());
            // What is used, and more of it where the tables are than in contents.
            for (var times = 1 + random.Next(3); times > 0; times--)
                BinaryPrimitives.WriteUInt16LittleEndian(mutant.AsSpan(used[random.Next(random.Next(used.Length) + 1)] * 64 + random.Next(31) * 2), (ushort)random.Next(random.Next(2) == 0 ? 8 : 65536));
            await File.WriteAllBytesAsync(_temporary["mutant"], mutant);
            var result = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "fuzz", _temporary["mutant"]);
            result.Exit.Should().BeOneOf([0, 1], $"seed {seed}: {result.Error}");
            result.Error.Should().NotContain("bug", $"seed {seed}");
        }
    }

    private Commit Commit(string branch)
    {
        using var data = DataDirectory.Open(Data);
        return data.Repository.ReadCommit(new ContentTree.Server.Publishing.Branches(data, TimeProvider.System).ReadHead(BranchName.Parse(branch)).Commit);
    }

    private async Task<ObjectId> TreeOfAsync(string source)
    {
        await PublishAsync(source);
        return Commit(source).Tree;
    }

    private Task<ServerCommand> PublishAsync(string source) => ServerCommand.DoAsync("--data", Data, "publish", "--branch", source, _temporary[source]);

    private string Run(string script) => Shell.Run("set -e; export PATH=$PATH:/sbin:/usr/sbin; " + script, _temporary.Path);
}
