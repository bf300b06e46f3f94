using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Repositories;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Repositories;

/// <summary>A repository that leaves its files' bytes to a bucket: what is in its directory is in the bucket, whoever is stopped when.</summary>
public sealed class BucketTests : IDisposable
{
    private const long Cache = 1 << 20;
    private static readonly TimeSpan AnyAge = TimeSpan.FromSeconds(-60);

    private readonly TemporaryDirectory _temporary = new();
    private readonly DirectoryBucket _bucket;
    private readonly Repository _repository;

    public BucketTests()
    {
        _bucket = new DirectoryBucket(_temporary["bucket"]);
        Repository.Create(_temporary["repo"]).Dispose();
        _repository = Open();
    }

    public void Dispose()
    {
        _repository.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public void The_directory_has_places_and_the_bucket_has_bytes()
    {
        var (commit, tree, file) = Publish("some content");

        var place = Path.Combine(_temporary["repo"], file.RelativePath);
        Shell.Run($"stat -c '%a %b' {place}").Trim().Should().Be("0 0", "no web server is to send it, and it takes no room");
        _repository.StoredSize(file).Should().Be(new FileInfo(_bucket.PathOf(file.RelativePath)).Length);
        new[] { commit, tree, file }.Should().OnlyContain(name => File.Exists(_bucket.PathOf(name.RelativePath)));
        ForgetCache();
        Read(file).Should().Equal("some content"u8.ToArray());
        _bucket.Transfers.Should().Be(4, "three were put and the file was fetched; tree and commit are here too");
        Read(file);
        _bucket.Transfers.Should().Be(4, "it is in the cache now");
        RepositoryCheck.Run(_repository).Damage.Should().BeEmpty();
    }

    [Fact]
    public void Without_files_that_have_no_names_it_is_the_same()
    {
        var bytes = "written again"u8.ToArray();
        var name = new ObjectName(ObjectKind.File, ObjectId.Of(bytes));
        for (var round = 0; round < 2; round++)
        {
            using var writer = _repository.BeginWriting(rewrite: true);
            using var encoder = new Lz4Encoder();
            writer.Write(name, bytes, encoder);
            writer.Complete();
            Read(name).Should().Equal(bytes);
            File.WriteAllText(_bucket.PathOf(name.RelativePath), "damaged");
            ForgetCache();
        }
    }

    [Fact]
    public void What_the_bucket_does_not_take_has_no_place()
    {
        _bucket.Before = (request, key) =>
        {
            if (request == "put" && key.EndsWith(".file", StringComparison.Ordinal))
                throw new BucketException("away");
        };
        FluentActions.Invoking(() => Put(ObjectKind.File, "x"u8.ToArray())).Should().Throw<BucketException>();
        _repository.Contains(new ObjectName(ObjectKind.File, ObjectId.Of("x"u8))).Should().BeFalse();

        _bucket.Before = (_, _) => { };
        var file = Put(ObjectKind.File, "x"u8.ToArray());
        Read(file).Should().Equal("x"u8.ToArray());
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("cut")]
    [InlineData("longer")]
    [InlineData("another")]
    public void What_the_bucket_has_lost_or_changed_is_refused_and_not_kept(string fault)
    {
        var (_, _, file) = Publish("the right content");
        var (_, _, other) = Publish("the wrong content");
        var (path, right) = (_bucket.PathOf(file.RelativePath), File.ReadAllBytes(_bucket.PathOf(file.RelativePath)));
        ForgetCache();
        if (fault == "gone")
            File.Delete(path);
        else
            File.WriteAllBytes(path, fault switch { "cut" => right[..^5], "longer" => [.. right, 0], _ => File.ReadAllBytes(_bucket.PathOf(other.RelativePath)) });

        FluentActions.Invoking(() => Read(file)).Should().Throw<CorruptObjectException>();
        RepositoryCheck.Run(_repository).Damage.Should().ContainSingle().Which.What.Should().Be(file.ToString());

        File.WriteAllBytes(path, right);
        Read(file).Should().Equal("the right content"u8.ToArray());
    }

    [Fact]
    public void Another_encoders_frame_of_the_same_content_is_as_good()
    {
        var content = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i * 7919 % 1000} ")));
        var file = Put(ObjectKind.File, content);
        File.WriteAllBytes(_temporary["content"], content);
        Shell.Run($"lz4 -q -9 --content-size -f {_temporary["content"]} {_bucket.PathOf(file.RelativePath)}");
        new FileInfo(_bucket.PathOf(file.RelativePath)).Length.Should().NotBe(_repository.StoredSize(file), "else nothing is tried");
        ForgetCache();
        Read(file).Should().Equal(content);
    }

    [Fact]
    public void What_is_larger_than_the_cache_is_read_all_the_same()
    {
        var content = Noise(3, (int)Cache * 3);
        var file = Put(ObjectKind.File, content);
        ForgetCache();
        var before = _bucket.Transfers;
        Read(file).Should().Equal(content);
        _bucket.Transfers.Should().Be(before + 1);
    }

    [Fact]
    public void A_check_looks_at_the_bucket_and_not_at_the_cache()
    {
        var (commit, _, file) = Publish("checked");
        Read(file);
        File.Delete(_bucket.PathOf(file.RelativePath));
        File.Delete(_bucket.PathOf(commit.RelativePath));
        RepositoryCheck.Run(_repository).Damage.Select(d => d.What).Should().BeEquivalentTo(commit.ToString(), file.ToString());

        _bucket.Before = (_, _) => throw new BucketException("away");
        FluentActions.Invoking(() => RepositoryCheck.Run(_repository)).Should().Throw<BucketException>("what a bucket has that is away is not known");
    }

    [Fact]
    public void The_cache_is_trimmed_of_what_was_used_longest_ago()
    {
        var files = Enumerable.Range(0, 40).Select(i => Put(ObjectKind.File, Noise(i, 100_000))).ToArray();
        ForgetCache();
        foreach (var file in files)
        {
            Read(file);
            foreach (var cached in CachedFiles())
                cached.LastWriteTimeUtc -= TimeSpan.FromMinutes(1);
        }
        CachedFiles().Sum(f => f.Length).Should().BeInRange(Cache / 2, Cache + Cache / 8);
        var before = _bucket.Transfers;
        Read(files[^1]);
        _bucket.Transfers.Should().Be(before);
        Read(files[0]).Should().Equal(Noise(0, 100_000));
        _bucket.Transfers.Should().Be(before + 1);
    }

    [Fact]
    public async Task Many_who_want_the_same_at_once_fetch_it_once()
    {
        var file = Put(ObjectKind.File, Noise(1, 100_000));
        ForgetCache();
        var before = _bucket.Transfers;
        using var go = new ManualResetEventSlim();
        _bucket.Before = (_, _) => go.Wait();
        var readers = Enumerable.Range(0, 20).Select(_ => Task.Run(() => Read(file))).ToArray();
        await Task.Delay(100);
        go.Set();
        (await Task.WhenAll(readers)).Should().OnlyContain(content => content.Length == 100_000);
        _bucket.Transfers.Should().Be(before + 1);
    }

    [Fact]
    public async Task Its_length_or_a_few_bytes_of_it_do_not_fetch_it_and_the_rest_does_once()
    {
        var content = Noise(1, 300_000);
        var file = Put(ObjectKind.File, content);
        var frame = File.ReadAllBytes(_bucket.PathOf(file.RelativePath));
        ForgetCache();
        var (before, asked) = (_bucket.Transfers, new List<string>());
        _bucket.Before = (request, _) => asked.Add(request);

        await using (var untouched = await _repository.OpenLazilyAsync(file, isPart: false, default))
            untouched.Length.Should().Be(frame.Length);
        await using (var part = await _repository.OpenLazilyAsync(file, isPart: true, default))
        {
            part.Position = 200_000;
            var some = new byte[10];
            await part.ReadExactlyAsync(some);
            some.Should().Equal(frame[200_000..200_010]);
            asked.Should().Equal("find", "find", "part");
            _bucket.Transfers.Should().Be(before);
            var rest = new MemoryStream();
            await part.CopyToAsync(rest);
            rest.ToArray().Should().Equal(frame[200_010..]);
        }
        _bucket.Transfers.Should().Be(before + 1, "whoever takes more gets it from the whole");
        asked.Clear();
        await using var cached = await _repository.OpenLazilyAsync(file, isPart: true, default);
        cached.Length.Should().Be(frame.Length);
        asked.Should().BeEmpty("it is in the cache now");
    }

    [Fact]
    public async Task What_is_on_its_way_counts_in_the_cache()
    {
        var files = Enumerable.Range(0, 6).Select(i => Put(ObjectKind.File, Noise(i, 150_000))).ToArray();
        var large = Put(ObjectKind.File, Noise(9, 700_000));
        ForgetCache();
        foreach (var file in files)
            Read(file);
        foreach (var cached in CachedFiles())
            cached.LastWriteTimeUtc -= TimeSpan.FromMinutes(1);
        using var go = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        _bucket.Before = (_, _) =>
        {
            begun.Set();
            go.Wait();
        };

        var reading = Task.Run(() => Read(large));
        begun.Wait();

        CachedFiles().Sum(f => f.Length).Should().BeLessThanOrEqualTo(Cache, "there is room before it comes");
        go.Set();
        (await reading).Should().HaveCount(700_000);
        CachedFiles().Sum(f => f.Length).Should().BeLessThanOrEqualTo(Cache);
    }

    [Fact]
    public void A_pack_says_what_it_waits_for_and_its_frames_are_the_same()
    {
        var names = Enumerable.Range(0, 5).Select(i => Put(ObjectKind.File, Noise(i, 1000))).ToArray();
        var request = new PackRequest(names, 0);
        var awaited = new List<ObjectName>();
        var all = Frames(null);

        Frames(name => false).Should().Equal(all);
        awaited.Should().Equal(names);

        byte[] Frames(Func<ObjectName, bool>? isAtHand)
        {
            using var pack = new PackWriter(_repository, request, isAtHand);
            using var bytes = new MemoryStream();
            while (true)
            {
                var frame = pack.Next(out var waiting);
                if (waiting is { } name)
                    awaited.Add(name);
                else if (frame.IsEmpty)
                    return bytes.ToArray();
                else
                    bytes.Write(frame.Span);
            }
        }
    }

    [Fact]
    public async Task What_comes_back_from_the_bucket_is_young_and_leaves_nothing_behind()
    {
        var (_, _, file) = Publish("comes back");
        var place = Path.Combine(_temporary["repo"], file.RelativePath);
        File.WriteAllText(_temporary["repo/staging/exchanged-killed"], "half");

        await _repository.BringBackAsync(file, default);
        _repository.RemoveUnexchanged();

        Shell.Run($"stat -c '%a' {place}").Trim().Should().Be("644");
        Read(file).Should().Equal("comes back"u8.ToArray());
        File.GetLastWriteTimeUtc(place).Should().BeAfter(DateTime.UtcNow.AddMinutes(-5), "somebody may have renewed its age meanwhile");
        Directory.GetFiles(_temporary["repo/staging"]).Should().BeEmpty();
    }

    [Fact]
    public void What_nothing_needs_leaves_the_bucket_too()
    {
        var (kept, tree, file) = Publish("kept");
        var (gone, goneTree, goneFile) = Publish("gone");

        var collected = GarbageCollection.Run(_repository, [kept.Id], AnyAge, dryRun: false);

        collected.Removed.Should().Be(3);
        new[] { gone, goneTree, goneFile }.Should().OnlyContain(name => !File.Exists(_bucket.PathOf(name.RelativePath)) && !_repository.Contains(name));
        new[] { kept, tree, file }.Should().OnlyContain(name => File.Exists(_bucket.PathOf(name.RelativePath)) && _repository.Contains(name));
        Directory.GetFiles(_temporary["repo/trash"]).Should().BeEmpty();
    }

    [Fact]
    public async Task What_is_written_while_it_is_removed_is_there_afterwards()
    {
        var (_, _, file) = Publish("put again");
        Task? again = null;
        _bucket.Before = (request, key) =>
        {
            if (request != "delete" || key != file.RelativePath || again is not null)
                return;
            again = Task.Run(() => Put(ObjectKind.File, "put again"u8.ToArray()));
            // Time enough to put it before it is removed, for whoever does not wait.
            Thread.Sleep(500);
        };

        GarbageCollection.Run(_repository, [], AnyAge, dryRun: false);
        again.Should().NotBeNull();
        await again!;

        _repository.Contains(file).Should().BeTrue();
        ForgetCache();
        Read(file).Should().Equal("put again"u8.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_collection_that_is_killed_at_the_bucket_leaves_nothing_that_is_half_there(int requests)
    {
        var names = Publish("garbage");
        var others = Enumerable.Range(0, 5).Select(i => Put(ObjectKind.File, [(byte)i])).ToArray();
        _bucket.Before = (request, _) =>
        {
            if (request == "delete" && requests-- == 0)
                throw new BucketException("killed");
        };
        FluentActions.Invoking(() => GarbageCollection.Run(_repository, [], AnyAge, dryRun: false)).Should().Throw<BucketException>();
        _bucket.Before = (_, _) => { };

        // Any publish puts back what it finds set aside.
        Put(ObjectKind.File, "unrelated"u8.ToArray());

        foreach (var name in others.Append(names.Commit).Append(names.Tree).Append(names.File).Where(_repository.Contains))
            File.Exists(_bucket.PathOf(name.RelativePath)).Should().BeTrue($"{name} has a place");
        Publish("garbage");
        ForgetCache();
        Read(names.File).Should().Equal("garbage"u8.ToArray());
        Directory.GetFiles(_temporary["repo/trash"]).Should().BeEmpty();
    }

    [Fact]
    public void What_a_killed_publisher_left_in_the_bucket_goes_when_it_is_old_and_nobody_publishes()
    {
        var (commit, _, file) = Publish("kept");
        var stray = new ObjectName(ObjectKind.File, ObjectId.Of("stray"u8));
        var young = new ObjectName(ObjectKind.File, ObjectId.Of("young"u8));
        foreach (var name in new[] { stray, young })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_bucket.PathOf(name.RelativePath))!);
            File.WriteAllText(_bucket.PathOf(name.RelativePath), "frame");
        }
        File.SetLastWriteTimeUtc(_bucket.PathOf(stray.RelativePath), DateTime.UtcNow.AddHours(-25));
        File.SetLastWriteTimeUtc(_bucket.PathOf(file.RelativePath), DateTime.UtcNow.AddHours(-25));

        using (_repository.BeginWriting())
            GarbageCollection.Run(_repository, [commit.Id], AnyAge, dryRun: false);
        File.Exists(_bucket.PathOf(stray.RelativePath)).Should().BeTrue("somebody may be about to give it a place");

        GarbageCollection.Run(_repository, [commit.Id], AnyAge, dryRun: false);
        File.Exists(_bucket.PathOf(stray.RelativePath)).Should().BeFalse();
        File.Exists(_bucket.PathOf(young.RelativePath)).Should().BeTrue();
        File.Exists(_bucket.PathOf(file.RelativePath)).Should().BeTrue();
    }

    [Fact]
    public async Task A_bucket_that_is_another_directorys_too_keeps_what_has_no_place_here()
    {
        var (commit, _, _) = Publish("kept");
        var theirs = new ObjectName(ObjectKind.File, ObjectId.Of("theirs"u8));
        Directory.CreateDirectory(Path.GetDirectoryName(_bucket.PathOf(theirs.RelativePath))!);
        File.WriteAllText(_bucket.PathOf(theirs.RelativePath), "frame");
        File.SetLastWriteTimeUtc(_bucket.PathOf(theirs.RelativePath), DateTime.UtcNow.AddDays(-2));
        using var other = new ObjectBucket(_bucket, _temporary["other"], Cache, "there");
        (await other.TryClaimAsync(default)).Should().BeTrue();
        (await other.TryClaimAsync(default)).Should().BeTrue("it is theirs already");

        FluentActions.Invoking(() => GarbageCollection.Run(_repository, [commit.Id], AnyAge, dryRun: false)).Should().Throw<BucketException>();
        File.Exists(_bucket.PathOf(theirs.RelativePath)).Should().BeTrue();

        await other.ReleaseAsync(default);
        GarbageCollection.Run(_repository, [commit.Id], AnyAge, dryRun: false);
        File.Exists(_bucket.PathOf(theirs.RelativePath)).Should().BeFalse();
        (await other.TryClaimAsync(default)).Should().BeFalse();
    }

    private Repository Open() => Repository.Open(_temporary["repo"], new ObjectBucket(_bucket, _temporary["cache"], Cache, "here"));

    private FileInfo[] CachedFiles() => new DirectoryInfo(_temporary["cache"]).GetFiles("*", SearchOption.AllDirectories);

    private void ForgetCache() => CachedFiles().ToList().ForEach(file => file.Delete());

    private byte[] Read(ObjectName name)
    {
        using var content = new StoredContent(_repository);
        using var bytes = new MemoryStream();
        content.Read(name, sink: piece => bytes.Write(piece));
        return bytes.ToArray();
    }

    private (ObjectName Commit, ObjectName Tree, ObjectName File) Publish(string content)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(content);
        var file = Put(ObjectKind.File, bytes);
        var tree = Put(ObjectKind.Tree, new Tree(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("file"), Metadata.Plain(0x1a4), bytes.Length, file.Id)]).Encode());
        return (Put(ObjectKind.Commit, (CommitSamples.Minimal with { Tree = tree.Id }).Encode()), tree, file);
    }

    private ObjectName Put(ObjectKind kind, byte[] content)
    {
        var name = new ObjectName(kind, ObjectId.Of(content));
        using var writer = _repository.BeginWriting();
        using var encoder = new Lz4Encoder();
        writer.Write(name, content, encoder);
        writer.Complete();
        return name;
    }

    private static byte[] Noise(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
