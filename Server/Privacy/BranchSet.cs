using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Privacy;

/// <summary>A set of branches in a file beside the heads that it speaks of, <c>repo/(name).json</c>. Of a deleted branch the mark stays, because its heads and objects do.</summary>
internal abstract class BranchSet(DataDirectory data, string name)
{
    private const int MaxBytes = 1024 * 1024;

    private readonly byte[] _file = Encoding.ASCII.GetBytes($"{name}.json");
    private readonly string _path = Path.Combine(data.Repository.Path, $"{name}.json");
    private readonly byte[] _lock = Encoding.ASCII.GetBytes($"{name}.lock");

    /// <exception cref="IOException">The file is damaged; nobody guesses what it said.</exception>
    public IReadOnlySet<BranchName> Read()
    {
        // Asked by every request, and on most servers there is none: to find that out by a failure costs more than to serve an object.
        if (!File.Exists(_path))
            return FrozenSet<BranchName>.Empty;
        using var root = Posix.OpenDirectory(data.Repository.Path);
        return Read(root);
    }

    public bool Contains(BranchName branch) => Read().Contains(branch);

    /// <summary>Puts a branch in or out; false when it was so.</summary>
    public bool Set(BranchName branch, bool isIn)
    {
        using var turn = Lock();
        using var root = Posix.OpenDirectory(data.Repository.Path);
        var branches = Read(root).ToHashSet();
        if (!(isIn ? branches.Add(branch) : branches.Remove(branch)))
            return false;
        var names = new JsonArray([.. branches.Select(b => b.ToString()).Order(StringComparer.Ordinal).Select(b => JsonValue.Create(b))]);
        DurableFiles.Replace(root, _file, Encoding.UTF8.GetBytes(new JsonObject { [name] = names }.ToJsonString() + "\n"));
        return true;
    }

    /// <summary>Waits until no other process changes the set, or notes what follows from it, and keeps the next one waiting until disposed.</summary>
    public IDisposable Lock()
    {
        using var root = Posix.OpenDirectory(data.Repository.Path);
        var file = Posix.OpenOrCreateAt(root, _lock, 0x1a4);
        try
        {
            Posix.TryLock(file, exclusive: true, wait: true, "lock of branches");
            return new HeldLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private HashSet<BranchName> Read(SafeFileHandle root)
    {
        if (DurableFiles.TryRead(root, _file, MaxBytes) is not { } json)
            return [];
        try
        {
            return JsonNode.Parse(json)?[name] is JsonArray names
                ? [.. names.Select(n => BranchName.Parse(n?.GetValue<string>()))]
                : throw new IOException($"repo/{name}.json: no list of branches in it");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new IOException($"repo/{name}.json: {e.Message}", e);
        }
    }
}
