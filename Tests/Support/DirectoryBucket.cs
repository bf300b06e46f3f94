using System.Runtime.CompilerServices;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Tests.Support;

/// <summary>A bucket that is a directory, where a test can say what happens between two requests, and when something was put.</summary>
internal sealed class DirectoryBucket(string path) : IBucket
{
    /// <summary>Called with the request's name and its key before it is carried out; what it throws is what the request ends with.</summary>
    public Action<string, string> Before { get; set; } = (_, _) => { };

    public string Name => path;

    /// <summary>Requests so far that brought or took bytes.</summary>
    public int Transfers { get; private set; }

    public string PathOf(string key) => Path.Combine(path, key);

    public async Task PutAsync(string key, SafeFileHandle file, long size, CancellationToken cancellation)
    {
        Before("put", key);
        Transfers++;
        var bytes = new byte[size];
        Posix.ReadAt(file, 0, bytes, key).Should().Be((int)size);
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(key))!);
        await File.WriteAllBytesAsync(PathOf(key), bytes, cancellation);
    }

    public async Task<bool> TryGetAsync(string key, Stream target, long size, CancellationToken cancellation)
    {
        Before("get", key);
        Transfers++;
        if (!File.Exists(PathOf(key)))
            return false;
        await target.WriteAsync(await File.ReadAllBytesAsync(PathOf(key), cancellation), cancellation);
        return true;
    }

    public async Task<int?> TryGetPartAsync(string key, long offset, Memory<byte> target, CancellationToken cancellation)
    {
        Before("part", key);
        if (!File.Exists(PathOf(key)))
            return null;
        await using var file = File.OpenRead(PathOf(key));
        file.Position = offset;
        return await file.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellation);
    }

    public Task<long?> FindAsync(string key, CancellationToken cancellation)
    {
        Before("find", key);
        return Task.FromResult<long?>(File.Exists(PathOf(key)) ? new FileInfo(PathOf(key)).Length : null);
    }

    public Task<Uri?> LinkAsync(string key, TimeSpan validity) => Task.FromResult<Uri?>(null);

    public Task DeleteAsync(string key, CancellationToken cancellation)
    {
        Before("delete", key);
        File.Delete(PathOf(key));
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BucketEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Before("list", prefix);
        await Task.Yield();
        if (!Directory.Exists(PathOf(prefix)))
            yield break;
        foreach (var file in Directory.GetFiles(PathOf(prefix), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            yield return new BucketEntry(Path.GetRelativePath(path, file), new FileInfo(file).Length, File.GetLastWriteTimeUtc(file));
    }

    public bool HasSame(BucketEntry entry, SafeFileHandle file, long size)
    {
        var bytes = new byte[size];
        return Posix.ReadAt(file, 0, bytes, entry.Key) == size && File.ReadAllBytes(PathOf(entry.Key)).AsSpan().SequenceEqual(bytes);
    }

    public void Dispose()
    {
    }
}
