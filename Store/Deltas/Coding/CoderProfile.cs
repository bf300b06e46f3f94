namespace ContentTree.Store.Deltas.Coding;

/// <summary>How much work a coded byte may cost the device; the value stands in the delta (docs/format/delta-coder.md).</summary>
internal enum CoderProfile : byte
{
    Smallest = 1,
    Fast = 2,
}
