using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Application;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

/// <summary>Many contents packed by one run of gzip: each is what a run of its own makes, and a wrong one spoils no other.</summary>
public sealed class GzipBatchTests : IDisposable
{
    private readonly DeltaWorkshop _workshop = new();
    private readonly StorePull _pull;

    public GzipBatchTests() => _pull = _workshop.Store.BeginPull();

    public void Dispose()
    {
        _pull.Dispose();
        _workshop.Dispose();
    }

    [Fact]
    public void Every_content_becomes_what_it_is_alone_and_wrong_ones_spoil_no_other()
    {
        var made = new Dictionary<int, ObjectId?>();
        using (var batch = new GzipBatch(made.Add))
        {
            for (var i = 0; i < 150; i++)
                batch.Add(i, Sink(i));
            batch.Run();
        }
        made.Keys.Should().BeEquivalentTo(Enumerable.Range(0, 150));
        foreach (var (i, id) in made)
            id.Should().Be(IsAnotherLength(i) || IsAnotherContent(i) ? null : ObjectId.Of(Packed(i)), $"of content {i}");
    }

    [Fact]
    public void What_waits_when_something_fails_is_closed()
    {
        var sink = Sink(1);
        using (var batch = new GzipBatch((_, _) => { }))
            batch.Add(1, sink);
        sink.Unpacked.IsClosed.Should().BeTrue();
    }

    private static bool IsAnotherLength(int i) => i is 0 or 40 or 41;

    private static bool IsAnotherContent(int i) => i is 70 or 149;

    private static int Level(int i) => i < 100 ? 9 : 6;

    private static byte[] Content(int i) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 400 * (i % 7)).Select(n => $"line {n * i}\n")));

    private static byte[] Packed(int i)
    {
        using var packed = GzipPacking.Pack(new MemoryStream(Content(i)), Level(i));
        using var all = new MemoryStream();
        packed.CopyTo(all);
        return all.ToArray();
    }

    private ContentSink Sink(int i)
    {
        var (content, packed) = (Content(i), Packed(i));
        var check = PlannedPacking.CheckOf(ObjectId.Of(packed)) + (IsAnotherContent(i) ? 1u : 0);
        var planned = new PlannedContent(packed.Length + (IsAnotherLength(i) ? 3 : 0), null)
        {
            Packing = new PlannedPacking(new Repacking.Gzip(Level(i)), content.Length, check),
        };
        planned.Variants.Add(new Metadata(0x1a4, 0, 0, []));
        var sink = new ContentSink(planned, _pull, isSliced: false);
        sink.Write(0, content);
        return sink;
    }
}
