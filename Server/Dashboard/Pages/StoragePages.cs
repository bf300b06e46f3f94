using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Monitoring;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>What the repository holds and costs, and what a garbage collection would take.</summary>
internal sealed class StoragePages(Gate gate, PageRenderer renderer, DataDirectory data, DeltaStore deltas, Devices devices, TimeProvider time)
{
    private const int ShownDeltas = 50;

    internal sealed record KindSize(ObjectKind Kind, long Objects, long Bytes);

    /// <param name="TreeBytes">The files of every commit's tree, as if each tree were kept by itself.</param>
    internal sealed record Counted(IReadOnlyList<KindSize> Kinds, long TreeBytes)
    {
        public long Commits => Kinds.Single(k => k.Kind == ObjectKind.Commit).Objects;

        public long Bytes => Kinds.Sum(k => k.Bytes);
    }

    internal sealed record Stored(
        DriveInfo Disk, long DatabaseBytes, IReadOnlyList<(StoredDelta Delta, DeltaCost? Cost)> Deltas, int AllDeltas, long DeltaBytes, long Found, long Wanted, Counted? Counted = null, GarbageInfo? Garbage = null);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/storage", gate.Page(visitor => renderer.ShowAsync<StoragePage>(visitor, Read())));
        // Both walk the repository: asked for by a form, so that nobody does it by looking.
        routes.MapPost("/storage/count", gate.Action((visitor, _) => renderer.ShowAsync<StoragePage>(visitor, Read() with { Counted = Count(visitor.Context.RequestAborted) }), TokenRole.Operator));
        routes.MapPost("/storage/preview", gate.Action((visitor, _) => renderer.ShowAsync<StoragePage>(visitor, Read() with { Garbage = Preview(visitor.Context.RequestAborted) }), TokenRole.Operator));
    }

    private Stored Read()
    {
        var (all, costs) = (deltas.List(), deltas.Costs.Read());
        var newest = all.OrderByDescending(d => d.Used).Take(ShownDeltas).Select(d => (d, costs.GetValueOrDefault(d.Name.ToString()))).ToArray();
        var day = new TrafficBook(data.OpenDatabase()).LastDay(time.GetUtcNow());
        return new Stored(new DriveInfo(Path.GetFullPath(data.Path)), data.OpenDatabase().Size, newest, all.Count, all.Sum(d => d.Bytes), day.Sum(h => h.Found), day.Sum(h => h.Found + h.Missed));
    }

    private Counted Count(CancellationToken cancellation)
    {
        var treeBytes = 0L;
        var sizes = Enum.GetValues<ObjectKind>().ToDictionary(kind => kind, _ => (Objects: 0L, Bytes: 0L));
        for (var first = 0; first <= byte.MaxValue; first++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var name in data.Repository.List((byte)first))
            {
                sizes[name.Kind] = (sizes[name.Kind].Objects + 1, sizes[name.Kind].Bytes + (data.Repository.StoredSize(name) ?? 0));
                if (name.Kind == ObjectKind.Commit)
                    treeBytes += BytesOf(name.Id);
            }
        }
        return new Counted([.. sizes.Select(s => new KindSize(s.Key, s.Value.Objects, s.Value.Bytes))], treeBytes);
    }

    private long BytesOf(ObjectId commit)
    {
        try
        {
            return data.Repository.ReadCommit(commit).Bytes;
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            // fsck tells of it.
            return 0;
        }
    }

    private GarbageInfo Preview(CancellationToken cancellation) => new Garbage(data, devices, deltas, time).Collect(new GarbageRequest(DryRun: true), [], cancellation);
}
