using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Privacy;

/// <summary>
/// Which branches are private: <c>repo/private.json</c>, beside the heads that it speaks of. Of a deleted branch the mark stays, because its
/// heads and objects do.
/// </summary>
internal sealed class PrivateBranches(DataDirectory data)
{
    private const int MaxBytes = 1024 * 1024;

    private static ReadOnlySpan<byte> FileName => "private.json"u8;

    /// <exception cref="IOException">The file is damaged; nothing is taken for public then.</exception>
    public IReadOnlySet<BranchName> Read()
    {
        using var root = Posix.OpenDirectory(data.Repository.Path);
        return Read(root);
    }

    public bool Contains(BranchName branch) => Read().Contains(branch);

    /// <summary>Makes a branch private or public; false when it was so.</summary>
    public bool Set(BranchName branch, bool isPrivate)
    {
        using var turn = Lock();
        using var root = Posix.OpenDirectory(data.Repository.Path);
        var branches = Read(root).ToHashSet();
        if (!(isPrivate ? branches.Add(branch) : branches.Remove(branch)))
            return false;
        var names = new JsonArray([.. branches.Select(b => b.ToString()).Order(StringComparer.Ordinal).Select(b => JsonValue.Create(b))]);
        DurableFiles.Replace(root, FileName, Encoding.UTF8.GetBytes(new JsonObject { ["private"] = names }.ToJsonString() + "\n"));
        return true;
    }

    /// <summary>Waits until no other process changes what is private, or notes what is public, and keeps the next one waiting until disposed.</summary>
    public IDisposable Lock()
    {
        using var root = Posix.OpenDirectory(data.Repository.Path);
        var file = Posix.OpenOrCreateAt(root, "private.lock"u8, 0x1a4);
        try
        {
            Posix.TryLock(file, exclusive: true, wait: true, "lock of private branches");
            return new Turn(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static HashSet<BranchName> Read(SafeFileHandle root)
    {
        if (DurableFiles.TryRead(root, FileName, MaxBytes) is not { } json)
            return [];
        try
        {
            return JsonNode.Parse(json)?["private"] is JsonArray names
                ? [.. names.Select(n => BranchName.Parse(n?.GetValue<string>()))]
                : throw new IOException("repo/private.json: no list of private branches in it");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new IOException($"repo/private.json: {e.Message}", e);
        }
    }

    private sealed class Turn(SafeFileHandle file) : IDisposable
    {
        public void Dispose()
        {
            // A process that another thread is just starting has a copy of it.
            Posix.Unlock(file);
            file.Dispose();
        }
    }
}
