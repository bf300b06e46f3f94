using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Deltas;

/// <summary>Takes a delta apart and puts it together again with other bytes and right checksums: a decoder must not rely on those.</summary>
internal sealed class DeltaForge
{
    private readonly byte[]? _from;

    public DeltaForge(byte[] delta, Commit? from)
    {
        _from = from?.Encode();
        Header = DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta)));
        Plan = new byte[Header.Plan.OutputLength];
        using (var decoder = new ZstdDecoder(26))
            decoder.DecodeFrame(delta.AsSpan((int)Header.Plan.Offset, (int)Header.Plan.CodedLength), Plan, _from);
        Parts = [.. Header.Parts.Select(p => delta.AsSpan((int)p.Offset, (int)p.CodedLength).ToArray())];
        var reader = new TreeReader(Plan);
        reader.ReadBytes(1, int.MaxValue, "commit");
        CommitBytes = Plan.Length - reader.Remaining;
    }

    public DeltaHeader Header { get; set; }

    public byte[] Plan { get; set; }

    /// <summary>Bytes of the plan up to the end of the commit.</summary>
    public int CommitBytes { get; }

    public byte[][] Parts { get; }

    public byte[] Build()
    {
        using var encoder = new ZstdEncoder(1);
        var plan = encoder.EncodeFrame(Plan, _from);
        var header = Header with
        {
            Plan = Header.Plan with { CodedLength = plan.Length, OutputLength = Plan.Length, Checksum = DeltaHeader.Checksum(plan) },
            Parts = [.. Header.Parts.Select((p, i) => p with { CodedLength = Parts[i].Length, Checksum = DeltaHeader.Checksum(Parts[i]) })],
        };
        return [.. header.Encode(), .. plan, .. Parts.SelectMany(p => p)];
    }
}
