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
/// The files are the truth; a list can be written anew from them. One process at a time makes or removes any.
/// </summary>
internal sealed class DeltaStore : IDisposable
{
    private const int MaxListBytes = 1024 * 1024;
    private const int FilePermissions = 0x1a4;
    private static readonly TimeSpan WaitStep = TimeSpan.FromMilliseconds(200);

    // How exactly uses are remembered: each writes an inode.
    private static readonly TimeSpan UseGrain = TimeSpan.FromHours(1);

    private readonly DataDirectory _data;
    private readonly SafeFileHandle _deltas;
    private readonly PartCache _parts;

    public DeltaStore(DataDirectory data)
    {
        _data = data;
        _deltas = Posix.OpenDirectory(Path.Combine(data.Repository.Path, "deltas"));
        _parts = new PartCache(Path.Combine(data.Path, "cache", "parts"));
        Costs = new DeltaCosts(Path.Combine(data.Path, "cache", "delta-costs"));
    }

    /// <summary>What the deltas cost that were made here.</summary>
    public DeltaCosts Costs { get; }

    /// <summary>The path of a delta's file.</summary>
    public string PathOf(DeltaName name) => Path.Combine(_data.Repository.Path, "deltas", name.ToString());

    /// <summary>Every delta, those used last first.</summary>
    public IReadOnlyList<StoredDelta> List() =>
        [.. new DirectoryInfo(Path.Combine(_data.Repository.Path, "deltas")).EnumerateFiles("*.ctd")
            .Select(file => DeltaName.TryParse(file.Name, out var name) ? new StoredDelta(name, file.Length, file.LastWriteTimeUtc) : null)
            .OfType<StoredDelta>().OrderByDescending(d => d.Used).ThenBy(d => d.Name.ToString(), StringComparer.Ordinal)];

    /// <summary>The deltas that lead to a commit.</summary>
    public IReadOnlyList<DeltaOffer> To(ObjectId commit)
    {
        try
        {
            return DurableFiles.TryRead(_deltas, ListName(commit), MaxListBytes) is { } json &&
                JsonSerializer.Deserialize(json, ProtocolJson.Default.DeltaList) is { Deltas: { } deltas } ? deltas : [];
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            // A convenience: a damaged list is written anew with the next delta or by gc, and must not keep a head from devices.
            return [];
        }
    }

    /// <summary>The delta between two commits, or null when it was not made yet.</summary>
    public DeltaOffer? Find(ObjectId? from, ObjectId to) =>
        To(to).FirstOrDefault(o => DeltaName.TryParse(o.Name, out var name) && name.From == from && File.Exists(PathOf(name)));

    /// <summary>What a delta's file says of itself.</summary>
    /// <exception cref="CorruptDeltaException">It is damaged, or none.</exception>
    public static DeltaHeader ReadHeader(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[DeltaHeader.PrefixBytes];
        file.ReadExactly(prefix);
        var header = new byte[DeltaHeader.LengthOf(prefix)];
        file.Position = 0;
        file.ReadExactly(header);
        return DeltaHeader.Decode(header);
    }

    /// <summary>Bytes of content that each byte of a delta makes, beside itself; 0 where it cannot be known.</summary>
    public double GainOf(DeltaName name)
    {
        try
        {
            var header = ReadHeader(PathOf(name));
            return (double)header.Parts.Sum(part => part.OutputLength) / header.FileLength - 1;
        }
        catch (Exception e) when (e is IOException or CorruptDeltaException)
        {
            return 0;
        }
    }

    /// <summary>Remembers that a delta is of use: it is not the next to go.</summary>
    public void Touch(DeltaName name)
    {
        var path = PathOf(name);
        // One that is gone meanwhile has another time than any file and is not made by this.
        if (File.Exists(path) && DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > UseGrain)
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
    }

    /// <summary>Makes the delta unless it is there, and lists it. Waits while another process makes one.</summary>
    /// <exception cref="DeltaCheckException">What was made is no delta that a device would take.</exception>
    public MadeDelta Make(ObjectId? from, ObjectId to, DeltaOptions options, Action<int, int>? progress, CancellationToken cancellation)
    {
        using var turn = Alone(cancellation);
        if (Find(from, to) is { } present)
            return new MadeDelta(present, null);
        RemoveAbandoned();
        var (name, length, made) = Write(from, to, new DeltaGeneration(_data.Repository, options, _parts) { OnProgress = progress }, cancellation);
        var offer = new DeltaOffer(name.ToString(), length);
        WriteList(to, [.. To(to).Where(o => o.Name != offer.Name), offer]);
        Costs.Add(offer.Name, made);
        return new MadeDelta(offer, made);
    }

    /// <summary>
    /// Removes the deltas that were not used for longest until so many bytes are left, and coded parts likewise. What is being sent is
    /// sent to its end; a delta that another process makes gets its parts first.
    /// </summary>
    /// <param name="needed">Commits whose deltas stay: those that branches are at.</param>
    public void Trim(long maxBytes, long maxPartBytes, IReadOnlySet<ObjectId> needed, CancellationToken cancellation)
    {
        using var turn = Alone(cancellation);
        _parts.Trim(maxPartBytes);
        var deltas = List();
        var left = deltas.Sum(d => d.Bytes);
        var leaving = new List<StoredDelta>();
        foreach (var delta in deltas.Reverse().Where(d => !needed.Contains(d.Name.To)))
        {
            if (left <= maxBytes)
                break;
            left -= delta.Bytes;
            leaving.Add(delta);
        }
        Remove(leaving);
    }

    /// <summary>Removes deltas to commits that are gone and what killed processes left, and writes lists anew that do not fit.</summary>
    /// <param name="isThere">Whether the repository still has the commit.</param>
    /// <returns>How many deltas went or, in a dry run, would go, and their bytes.</returns>
    public (int Removed, long Bytes) Collect(Func<ObjectId, bool> isThere, bool dryRun, CancellationToken cancellation)
    {
        using var turn = Alone(cancellation);
        var deltas = List();
        var leaving = deltas.Where(d => !isThere(d.Name.To)).ToArray();
        if (!dryRun)
        {
            Remove(leaving);
            RemoveAbandoned();
            MendLists(deltas.Except(leaving).ToLookup(d => d.Name.To));
        }
        return (leaving.Length, leaving.Sum(d => d.Bytes));
    }

    public void Dispose() => _deltas.Dispose();

    private HeldLock Alone(CancellationToken cancellation)
    {
        var file = Posix.OpenOrCreateAt(_data.Cache, "deltas.lock"u8, FilePermissions);
        try
        {
            while (!Posix.TryLock(file, exclusive: true, wait: false, "lock of deltas"))
            {
                if (cancellation.WaitHandle.WaitOne(WaitStep))
                    cancellation.ThrowIfCancellationRequested();
            }
            return new HeldLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private (DeltaName Name, long Length, GeneratedDelta Made) Write(ObjectId? from, ObjectId to, DeltaGeneration generation, CancellationToken cancellation)
    {
        var temporary = Encoding.ASCII.GetBytes($".new-{Guid.NewGuid():N}");
        try
        {
            using var file = Posix.CreateAt(_deltas, temporary, FilePermissions);
            using var hash = SHA256.Create();
            using var stream = new FileStream(file, FileAccess.Write);
            using var hashing = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true);
            var made = generation.Write(from, to, hashing, cancellation);
            hashing.FlushFinalBlock();
            stream.Flush();
            Posix.Fsync(file, "delta");
            var name = DeltaName.Of(from, to, new ObjectId(hash.Hash));
            Posix.RenameAt(_deltas, temporary, _deltas, Encoding.ASCII.GetBytes(name.ToString()));
            Posix.Fsync(_deltas, "deltas");
            return (name, stream.Length, made);
        }
        catch (CorruptDeltaException e)
        {
            Discard(temporary);
            throw new DeltaCheckException(e);
        }
        catch
        {
            Discard(temporary);
            throw;
        }
    }

    private void Discard(byte[] temporary)
    {
        if (Posix.StatAt(_deltas, temporary) is not null)
            Posix.UnlinkAt(_deltas, temporary);
    }

    // A list names what is there: it forgets first.
    private void Remove(IEnumerable<StoredDelta> leaving)
    {
        foreach (var list in leaving.ToLookup(d => d.Name.To))
        {
            var names = list.Select(d => d.Name.ToString()).ToHashSet();
            var staying = To(list.Key).Where(o => !names.Contains(o.Name)).ToArray();
            if (staying.Length > 0)
                WriteList(list.Key, staying);
            else
                File.Delete(Path.Combine(_data.Repository.Path, "deltas", $"{list.Key}.json"));
            foreach (var name in names)
                Posix.UnlinkAt(_deltas, Encoding.ASCII.GetBytes(name));
        }
    }

    // Whose turn it is knows that nobody else is at it: what is begun was left by a process that was killed.
    private void RemoveAbandoned()
    {
        foreach (var file in new DirectoryInfo(Path.Combine(_data.Repository.Path, "deltas")).EnumerateFiles(".new-*"))
            file.Delete();
        _parts.RemoveAbandoned();
    }

    private void MendLists(ILookup<ObjectId, StoredDelta> there)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_data.Repository.Path, "deltas"), "*.json"))
        {
            if (ObjectId.TryParse(Path.GetFileNameWithoutExtension(file), out var commit) && !there.Contains(commit))
                File.Delete(file);
        }
        foreach (var list in there)
        {
            var wanted = list.Select(d => new DeltaOffer(d.Name.ToString(), d.Bytes)).ToHashSet();
            if (!wanted.SetEquals(To(list.Key)))
                WriteList(list.Key, [.. wanted]);
        }
    }

    private void WriteList(ObjectId to, IReadOnlyList<DeltaOffer> offers) =>
        DurableFiles.Replace(_deltas, ListName(to), JsonSerializer.SerializeToUtf8Bytes(new DeltaList(offers), ProtocolJson.Default.DeltaList));

    private static byte[] ListName(ObjectId commit) => Encoding.ASCII.GetBytes($"{commit}.json");
}
