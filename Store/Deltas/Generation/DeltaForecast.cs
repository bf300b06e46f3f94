using System.Buffers;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>What a delta would hold and what a device would need for it, found from trees and names alone: nothing is coded.</summary>
/// <param name="Contents">File contents to rebuild.</param>
/// <param name="Bytes">Bytes of them.</param>
/// <param name="WithBase">How many have an old file to be made from, by its name: those found by what they hold come on top.</param>
/// <param name="Compressed">How many begin like gzip or xz: they travel unpacked where packing them again can be proved.</param>
/// <param name="TransferBytes">A guess from what deltas of such contents took.</param>
/// <param name="DiskBytes">Blocks of 4 KiB for new objects and for the directories of a deployment.</param>
/// <param name="DiskInodes">Objects, and the directories, symlinks and special files of a deployment.</param>
public sealed record DeltaForecast(int Contents, long Bytes, int WithBase, int Compressed, long TransferBytes, long DiskBytes, long DiskInodes)
{
    // Of 100 bytes, with and without an old file: between what the system trees and the kernels of the benchmarks took.
    private const int PercentWithBase = 10;
    private const int PercentWithout = 35;

    /// <param name="from">The commit that devices have; null for none.</param>
    /// <exception cref="ObjectNotFoundException">The repository lacks something that the commits reach.</exception>
    public static DeltaForecast Of(Repository repository, ObjectId? from, ObjectId to)
    {
        var old = from is { } id ? repository.ReadCommit(id) : null;
        var commit = repository.ReadCommit(to);
        var index = new OldIndex(repository.ReadTree, old?.Tree, commit.Tree);
        var plan = new ArrayBufferWriter<byte>();
        PlanEncoder.WriteCommit(plan, commit.Encode());
        var edits = new TreeEdits(repository.ReadTree, index, plan);
        edits.Write(old?.Tree, commit.Tree);
        var pairing = new BasePairing(index);
        var based = edits.Contents.Where(c => pairing.Find(c) is not null).ToHashSet();
        var transfer = PlanCoding.Encode(plan.WrittenSpan, old).Length + edits.Contents.Sum(c => c.Size * (based.Contains(c) ? PercentWithBase : PercentWithout) / 100);
        using var reader = new StoredContent(repository);
        var disk = DeviceDisk.Of(repository.ReadTree, old?.Tree, commit.Tree);
        return new DeltaForecast(
            edits.Contents.Count, edits.Contents.Sum(c => c.Size), based.Count, edits.Contents.Count(c => SourceContents.MayBePacked(reader, c.Id)),
            transfer, disk.Bytes, disk.Inodes);
    }
}
