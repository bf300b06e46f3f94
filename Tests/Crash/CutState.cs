namespace ContentTree.Tests.Crash;

/// <summary>What a power cut may leave: everything up to a flush, and some of what was written after it.</summary>
/// <param name="Kind">How it was chosen.</param>
/// <param name="Start">The first write after the flush.</param>
/// <param name="End">Where the power went: what was acknowledged before counts.</param>
/// <param name="Kept">Which of the writes from <paramref name="Start"/> to <paramref name="End"/> reached the medium.</param>
/// <param name="Torn">How many bytes of the last of them did; 0 is all.</param>
internal sealed record CutState(string Kind, int Start, int End, IReadOnlyList<int> Kept, int Torn = 0)
{
    public const string Prefix = "prefix", Lost = "lost write", Cut = "torn write", Subset = "random subset", CutSuperblock = "torn superblock";

    public override string ToString() => $"{Kind} at {End}, {Kept.Count} of {End - Start} writes since the flush at {Start}" + (Torn > 0 ? $", the last one cut at byte {Torn}" : "");

    /// <summary>
    /// Every prefix, every single lost write of a flush's epoch, every superblock of ext4 torn in its middle, writes torn at sectors, then
    /// random subsets: as many as there is room for, in the order of the log.
    /// </summary>
    public static IReadOnlyList<CutState> Choose(IReadOnlyList<BlockWrite> writes, int room, Random random)
    {
        var epochs = Epochs(writes).ToArray();
        var all = new List<CutState>();
        foreach (var kind in new[] { epochs.SelectMany(Prefixes), epochs.SelectMany(LostOnes), epochs.SelectMany(epoch => TornSuperblocks(epoch, writes)), epochs.SelectMany(epoch => TornOnes(epoch, writes)) })
            all.AddRange(Spread([.. kind], room - all.Count));
        var wide = epochs.Where(epoch => epoch.End - epoch.Start > 2).ToArray();
        for (var left = room - all.Count; left > 0 && wide.Length > 0; left--)
            all.Add(RandomOne(wide[random.Next(wide.Length)], random));
        return [.. all.OrderBy(state => state.Start)];
    }

    /// <summary>Every prefix, every single lost write and every write torn at a sector, in no order.</summary>
    public static IEnumerable<CutState> All(IReadOnlyList<BlockWrite> writes)
    {
        var epochs = Epochs(writes).ToArray();
        return epochs.SelectMany(Prefixes).Concat(epochs.SelectMany(LostOnes)).Concat(epochs.SelectMany(epoch => TornWrites(epoch, writes)));
    }

    /// <summary>As many of some as there is room for, evenly.</summary>
    public static IEnumerable<CutState> Spread(CutState[] states, int room) => CrashProfile.Spread(states.Length, Math.Max(0, room)).Select(number => states[(int)number - 1]);

    /// <summary>A random subset of everything up to some point, as if no flush had ever come through.</summary>
    public static CutState OfWhole(int writes, Random random) => RandomOne((0, writes), random);

    private static IEnumerable<(int Start, int End)> Epochs(IReadOnlyList<BlockWrite> writes)
    {
        var start = 0;
        for (var index = 0; index <= writes.Count; index++)
        {
            if (index < writes.Count && !writes[index].IsFlush)
                continue;
            if (index > start)
                yield return (start, index);
            start = index + 1;
        }
    }

    private static IEnumerable<CutState> Prefixes((int Start, int End) epoch) =>
        Enumerable.Range(epoch.Start + 1, epoch.End - epoch.Start).Select(end => new CutState(Prefix, epoch.Start, end, [.. Enumerable.Range(epoch.Start, end - epoch.Start)]));

    // Without the last one it is a prefix.
    private static IEnumerable<CutState> LostOnes((int Start, int End) epoch) => Enumerable.Range(epoch.Start, epoch.End - epoch.Start - 1)
        .Select(lost => new CutState(Lost, epoch.Start, epoch.End, [.. Enumerable.Range(epoch.Start, epoch.End - epoch.Start).Where(index => index != lost)]));

    /// <summary>Whether the last write that arrived is ext4's superblock, and half of it.</summary>
    public bool TearsSuperblock(IReadOnlyList<BlockWrite> writes) =>
        Torn > 0 && writes[Kept[^1]].Offset + Torn == CutDisk.RootStart + CutDisk.Superblock + BlockLog.Sector;

    private static IEnumerable<CutState> TornOnes((int Start, int End) epoch, IReadOnlyList<BlockWrite> writes) =>
        TornWrites(epoch, writes).Where(torn => !torn.TearsSuperblock(writes));

    private static IEnumerable<CutState> TornWrites((int Start, int End) epoch, IReadOnlyList<BlockWrite> writes) =>
        from index in Enumerable.Range(epoch.Start, epoch.End - epoch.Start)
        from sector in Enumerable.Range(1, writes[index].Data.Length / BlockLog.Sector - 1)
        select new CutState(Cut, epoch.Start, index + 1, [.. Enumerable.Range(epoch.Start, index + 1 - epoch.Start)], sector * BlockLog.Sector);

    private static IEnumerable<CutState> TornSuperblocks((int Start, int End) epoch, IReadOnlyList<BlockWrite> writes) =>
        TornWrites(epoch, writes).Where(torn => torn.TearsSuperblock(writes)).Select(torn => torn with { Kind = CutSuperblock });

    private static CutState RandomOne((int Start, int End) epoch, Random random)
    {
        var end = random.Next(epoch.Start + 3, epoch.End + 1);
        return new CutState(Subset, epoch.Start, end, [.. Enumerable.Range(epoch.Start, end - epoch.Start).Where(_ => random.Next(2) == 0)]);
    }
}
