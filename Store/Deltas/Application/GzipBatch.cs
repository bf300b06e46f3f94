using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>
/// Contents that wait for gzip, which packs many in one run: starting it takes longer than packing one. For one thread.
/// </summary>
/// <param name="done">Called with each content's number and its id, or null when packing made something else than the publisher's.</param>
internal sealed class GzipBatch(Action<int, ObjectId?> done) : IDisposable
{
    private const int MaxContents = 64;
    private const long MaxBytes = 8 << 20;

    private readonly List<(int Content, ContentSink Sink)> _waiting = [];
    private long _bytes;

    /// <summary>Takes over a sink that is whole and has a level.</summary>
    public void Add(int content, ContentSink sink)
    {
        if (_waiting.Count > 0 && _waiting[0].Sink.GzipLevel != sink.GzipLevel)
            Run();
        _waiting.Add((content, sink));
        _bytes += sink.CodedSize;
        if (_waiting.Count == MaxContents || _bytes >= MaxBytes)
            Run();
    }

    /// <summary>Packs all that wait.</summary>
    public void Run()
    {
        for (var next = 0; next < _waiting.Count;)
            next = PackFrom(next);
        Dispose();
    }

    public void Dispose()
    {
        foreach (var (_, sink) in _waiting)
            sink.Dispose();
        _waiting.Clear();
        _bytes = 0;
    }

    // One that comes out otherwise says nothing about those behind it, but where they begin is unknown: they are packed anew.
    private int PackFrom(int next)
    {
        using var members = TryStart(next);
        for (; next < _waiting.Count; next++)
        {
            var (content, sink) = _waiting[next];
            var id = members is null ? null : sink.CompleteFrom(members);
            done(content, id);
            if (members is not null && id is null)
                return next + 1;
        }
        TryEnd(members);
        return next;
    }

    private Stream? TryStart(int first)
    {
        try
        {
            return GzipPacking.Pack([.. _waiting.Skip(first).Select(w => w.Sink.Unpacked)], _waiting[first].Sink.GzipLevel!.Value);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Everything was checked by its id: how the program ends is of no interest, only that it does.
    private static void TryEnd(Stream? members)
    {
        try
        {
            members?.ReadByte();
        }
        catch (IOException)
        {
        }
    }
}
