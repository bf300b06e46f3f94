using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Trees;

public sealed class ImportTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Repository _repository;

    public ImportTests() => _repository = Repository.Create(_directory["repo"]);

    private string Source => _directory["source"];

    public void Dispose()
    {
        _repository.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Every_kind_of_entry_comes_back_as_it_was()
    {
        AwkwardTree.Make(Source);
        var result = Import(Source);
        RepositoryCheckout.Run(_repository, result.Tree, _directory["out"]);
        AwkwardTree.Describe(_directory["out"]).Should().Be(AwkwardTree.Describe(Source));
        result.Architecture.Should().Be(Shell.Run("uname -m").Trim());
    }

    [Fact]
    public void Holes_stay_holes()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("truncate -s 200M hole; printf end >> hole", Source);
        RepositoryCheckout.Run(_repository, Import(Source).Tree, _directory["out"]);
        Shell.Run("cmp source/hole out/hole", _directory.Path);
        long.Parse(Shell.Run("stat -c %b out/hole", _directory.Path)).Should().BeLessThan(1000);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_file_of_four_gigabytes_and_one_byte_comes_back()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("truncate -s 4294967297 huge; printf middle | dd of=huge bs=1 seek=4294967290 conv=notrunc status=none", Source);
        var result = Import(Source);
        result.Bytes.Should().Be(4294967297);
        RepositoryCheckout.Run(_repository, result.Tree, _directory["out"]);
        Shell.Run("cmp source/huge out/huge", _directory.Path);
    }

    [Fact]
    public void Objects_at_rest_are_lz4_frames_that_ordinary_programs_confirm()
    {
        AwkwardTree.Make(Source);
        Import(Source);
        var wrong = Shell.Run("""
            n=0; for f in $(find repo/objects -name '*.file'); do
              id=$(basename $(dirname $f))$(basename $f .file)
              [ "$(lz4 -q -d -c $f | sha256sum | cut -c1-64)" = $id ] || echo $f
              n=$((n+1))
            done; [ $n -gt 60 ]
            """, _directory.Path);
        wrong.Should().BeEmpty();
    }

    [Fact]
    public void The_same_tree_has_the_same_id_however_it_is_read()
    {
        AwkwardTree.Make(Source);
        var first = Import(Source, new ImportOptions { Workers = 1 }).Tree;
        Shell.Run("cp -a --no-preserve=links source copy", _directory.Path);
        var second = Import(_directory["copy"], new ImportOptions { Workers = 4 }).Tree;
        second.Should().Be(first);
    }

    [Fact]
    public void A_socket_is_refused_by_its_path()
    {
        Directory.CreateDirectory(Source + "/run");
        Shell.Run("python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('run/app.sock')\" || perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"run/app.sock\"))'", Source);
        var import = () => Import(Source);
        import.Should().Throw<UnsupportedSourceException>().WithMessage("*/run/app.sock: is a socket*");
    }

    [Fact]
    public void Too_large_attributes_are_refused_by_path()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("printf x > file; setfattr -n user.big -v \"$(head -c 2100 /dev/zero | tr '\\0' v)\" file", Source);
        var import = () => Import(Source);
        import.Should().Throw<UnsupportedSourceException>().WithMessage("*/file: *2048*");
    }

    [Fact]
    public void A_file_that_changes_while_it_is_read_is_noticed()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("head -c 60000000 /dev/urandom > moving", Source);
        using var stop = new CancellationTokenSource();
        var writer = new Thread(() =>
        {
            using var file = File.OpenWrite(Source + "/moving");
            for (byte b = 0; !stop.IsCancellationRequested; b++)
            {
                file.Position = 30_000_000;
                file.WriteByte(b);
                file.Flush();
            }
        });
        writer.Start();
        var import = () => Import(Source);
        import.Should().Throw<SourceChangedException>().WithMessage("*/moving: changed*");
        stop.Cancel();
        writer.Join();
    }

    [Fact]
    public void What_stops_a_worker_is_told_also_when_the_walk_goes_on()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("mkdir a b; printf x > a/0; setfattr -n user.big -v \"$(head -c 2100 /dev/zero | tr '\\0' v)\" a/0; for d in a b; do (cd $d; seq -f 'file%.0f' 1 6000 | xargs touch); done", Source);
        for (var round = 0; round < 5; round++)
        {
            var import = () => Import(Source);
            import.Should().Throw<UnsupportedSourceException>().WithMessage("*/a/0:*");
        }
    }

    [Fact]
    public void A_write_through_a_memory_map_is_a_change()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("head -c 8192 /dev/zero > mapped", Source);
        using var map = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(Source + "/mapped");
        using var view = map.CreateViewAccessor();
        view.Write(0, 1);
        WaitUntil(() => DateTime.UtcNow - File.GetLastWriteTimeUtc(Source + "/mapped") > TimeSpan.FromSeconds(2.2));
        ImportCached();
        view.Write(0, 2);
        ImportCached().Tree.Should().Be(Import(Source).Tree);
    }

    [Fact]
    public void Only_changed_files_are_read_again()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("for i in $(seq 1 50); do echo $i > $i; done; setfattr -n user.note -v kept 7", Source);
        // The cache trusts a change time only when it is two seconds old.
        WaitUntil(() => DateTime.UtcNow - File.GetLastWriteTimeUtc(Source + "/50") > TimeSpan.FromSeconds(2.2));
        var first = ImportCached();
        first.FilesRead.Should().Be(50);
        var second = ImportCached();
        (second.FilesRead, second.FilesUnchanged, second.Tree).Should().Be((0, 50, first.Tree));
        Shell.Run("touch -r 8 stamp; echo eight > 8; touch -r stamp 8; rm stamp", Source);
        var third = ImportCached();
        (third.FilesRead, third.FilesUnchanged).Should().Be((1, 49), "a restored modification time does not hide a change");
        third.Tree.Should().NotBe(first.Tree);
        third.Tree.Should().Be(Import(Source).Tree);
    }

    [Fact]
    public void A_damaged_stat_cache_is_an_empty_one()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo a > a; touch -d '1 hour ago' a", Source);
        WaitUntil(() => DateTime.UtcNow - File.GetCreationTimeUtc(Source + "/a") > TimeSpan.FromSeconds(2.2));
        ImportCached();
        var bytes = File.ReadAllBytes(_directory["cache"]);
        for (var at = 0; at < bytes.Length; at++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= 1;
            File.WriteAllBytes(_directory["cache"], damaged);
            ImportCached().FilesUnchanged.Should().Be(0, $"byte {at} of the cache was flipped");
        }
    }

    private ImportResult Import(string path, ImportOptions? options = null)
    {
        using var writer = _repository.BeginWriting();
        var result = DirectoryImport.Run(path, writer, options ?? new ImportOptions());
        writer.Complete();
        return result;
    }

    private ImportResult ImportCached()
    {
        using var directory = Posix.OpenDirectory(_directory.Path);
        var cache = StatCache.Load(directory, "cache"u8);
        var result = Import(Source, new ImportOptions { Cache = cache });
        cache.Save(directory, "cache"u8);
        return result;
    }

    private static void WaitUntil(Func<bool> condition) => SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)).Should().BeTrue();
}
