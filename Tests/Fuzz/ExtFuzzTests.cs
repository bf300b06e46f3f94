using System.Buffers.Binary;
using ContentTree.Server.Publishing.Sources.Images;
using ContentTree.Tests.Deltas;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Fuzz;

/// <summary>Images of ext with numbers that lie: every inode, directory, attribute and run of blocks is read, or refused as promised, and no more is read than there is.</summary>
public sealed class ExtFuzzTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Trait("Category", "Slow")]
    [ImageTheory]
    [InlineData("ext4 -O inline_data -I 256")]
    [InlineData("ext2 -b 1024")]
    public void A_damaged_image_is_read_or_refused_as_promised(string kind)
    {
        Shell.Run($"set -e; export PATH=$PATH:/sbin:/usr/sbin; mkdir -p tree/d/e; head -c 30000 /dev/urandom > tree/d/file; printf x > tree/small; ln -s d tree/link; setfattr -n user.a -v b tree/small; setfacl -m u:7:r tree/small; mkfs.{kind} -q -N 16 -d tree image 512K", _temporary.Path);
        var image = File.ReadAllBytes(_temporary["image"]);
        var used = Enumerable.Range(0, image.Length / 64).Where(i => image.AsSpan(i * 64, 64).ContainsAnyExcept((byte)0)).ToArray();
        using var file = new FileStream(_temporary["image"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        var (read, refused) = (0, 0);
        for (var seed = 0; seed < Mutation.Count(100_000); seed++)
        {
            var random = new Random(seed);
            // What is used, and more of it where the tables are than in contents.
            var places = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => used[random.Next(random.Next(used.Length) + 1)] * 64 + random.Next(31) * 2).ToArray();
            foreach (var place in places)
                Write(file, place, (ushort)random.Next(random.Next(2) == 0 ? 8 : 65536));
            try
            {
                ReadAll(_temporary["image"]);
                read++;
            }
            catch (FormatException)
            {
                refused++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{kind}, seed {seed}: {e}");
            }
            foreach (var place in places)
                Write(file, place, BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(place)));
        }
        (read, refused).Should().Match<(int, int)>(n => n.Item1 > 0 && n.Item2 > 0);
    }

    private static void Write(FileStream file, int place, ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        RandomAccess.Write(file.SafeFileHandle, bytes, place);
    }

    private static void ReadAll(string path)
    {
        using var image = new ExtImage(path);
        ExtTreeReader.ReadRules(image);
        var xattrs = new ExtXattrs(image);
        var (left, room) = (new Queue<uint>([image.Root.Number]), new byte[4096]);
        for (var looked = 0; left.TryDequeue(out var number) && looked < 64; looked++)
        {
            var inode = image.ReadInode(number);
            xattrs.Read(inode);
            if (inode.Kind == 0x4000)
            {
                foreach (var (_, child) in ExtDirectory.Read(image, inode))
                    left.Enqueue(child);
                continue;
            }
            using var content = new ExtContent(image, inode.IsInline ? inode.Pointers : default, inode.IsInline ? [] : ExtRuns.Of(image, inode), (long)Math.Min(inode.Size, 1 << 20));
            while (content.Read(room) > 0)
            {
            }
        }
    }
}
