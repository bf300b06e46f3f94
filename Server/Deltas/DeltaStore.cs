using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Deltas;

/// <summary>
/// The repository's deltas: immutable files and, for every commit that some lead to, a list of them for servers of plain files.
/// The files are the truth; a list can be written anew from them.
/// </summary>
internal sealed class DeltaStore : IDisposable
{
    private const int MaxListBytes = 1024 * 1024;
    private const int FilePermissions = 0x1a4;

    private readonly DataDirectory _data;
    private readonly SafeFileHandle _deltas;

    public DeltaStore(DataDirectory data)
    {
        _data = data;
        _deltas = Posix.OpenDirectory(Path.Combine(data.Repository.Path, "deltas"));
        Parts = new PartCache(Path.Combine(data.Path, "cache", "parts"));
    }

    /// <summary>Coded parts: what they make is made once.</summary>
    public PartCache Parts { get; }

    /// <summary>The path of a delta's file.</summary>
    public string PathOf(DeltaName name) => Path.Combine(_data.Repository.Path, "deltas", name.ToString());

    /// <summary>The deltas that lead to a commit.</summary>
    public IReadOnlyList<DeltaOffer> To(ObjectId commit) =>
        DurableFiles.TryRead(_deltas, ListName(commit), MaxListBytes) is { } json && JsonSerializer.Deserialize(json, ProtocolJson.Default.DeltaList) is { } list
            ? list.Deltas
            : [];

    /// <summary>The delta between two commits, or null when it was not made yet.</summary>
    public DeltaOffer? Find(ObjectId? from, ObjectId to) =>
        To(to).FirstOrDefault(o => DeltaName.TryParse(o.Name, out var name) && name.From == from && File.Exists(PathOf(name)));

    /// <summary>Makes the delta unless it is there, and lists it.</summary>
    public DeltaOffer Make(ObjectId? from, ObjectId to, DeltaOptions options, Action<int, int>? progress, CancellationToken cancellation)
    {
        if (Find(from, to) is { } present)
            return present;
        var (name, length) = Write(from, to, new DeltaGeneration(_data.Repository, options, Parts) { OnProgress = progress }, cancellation);
        var offer = new DeltaOffer(name.ToString(), length);
        List(to, [.. To(to).Where(o => o.Name != offer.Name), offer]);
        return offer;
    }

    public void Dispose() => _deltas.Dispose();

    private (DeltaName Name, long Length) Write(ObjectId? from, ObjectId to, DeltaGeneration generation, CancellationToken cancellation)
    {
        var temporary = Encoding.ASCII.GetBytes($".new-{Guid.NewGuid():N}");
        try
        {
            using var file = Posix.CreateAt(_deltas, temporary, FilePermissions);
            using var hash = SHA256.Create();
            using (var stream = new FileStream(file, FileAccess.Write))
            using (var hashing = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            {
                generation.Write(from, to, hashing, cancellation);
                hashing.FlushFinalBlock();
                stream.Flush();
                Posix.Fsync(file, "delta");
                var name = DeltaName.Of(from, to, new ObjectId(hash.Hash));
                Posix.RenameAt(_deltas, temporary, _deltas, Encoding.ASCII.GetBytes(name.ToString()));
                Posix.Fsync(_deltas, "deltas");
                return (name, stream.Length);
            }
        }
        catch
        {
            if (Posix.StatAt(_deltas, temporary) is not null)
                Posix.UnlinkAt(_deltas, temporary);
            throw;
        }
    }

    private void List(ObjectId to, IReadOnlyList<DeltaOffer> offers) =>
        DurableFiles.Replace(_deltas, ListName(to), JsonSerializer.SerializeToUtf8Bytes(new DeltaList(offers), ProtocolJson.Default.DeltaList));

    private static byte[] ListName(ObjectId commit) => Encoding.ASCII.GetBytes($"{commit}.json");
}
