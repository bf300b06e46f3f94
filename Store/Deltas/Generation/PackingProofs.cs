using System.Globalization;
using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// What proving found out about compressed contents, kept in a file: packing again takes longer than all else, and a content
/// stays what it is. One line each, appended; a line that is not whole is not there. A damaged one costs a device one plain
/// download, because the rebuilt object's hash decides.
/// </summary>
internal sealed class PackingProofs
{
    private const string Unprovable = "-";

    private readonly string _path;
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectId, PlannedPacking?> _known = [];

    /// <summary>The file is named by the library's version: another may pack otherwise.</summary>
    public PackingProofs(string directory)
    {
        _path = Path.Combine(directory, $"packings-{XzNative.lzma_version_number()}.proofs");
        if (!File.Exists(_path))
            return;
        foreach (var line in File.ReadLines(_path))
        {
            if (TryParse(line, out var id, out var packing))
                _known[id] = packing;
        }
    }

    public bool TryGet(ObjectId id, out PlannedPacking? packing)
    {
        lock (_lock)
            return _known.TryGetValue(id, out packing);
    }

    public void Add(ObjectId id, PlannedPacking? packing)
    {
        var line = packing is null
            ? $"{id} 0 {Unprovable}\n"
            : string.Create(CultureInfo.InvariantCulture, $"{id} {packing.UnpackedSize} {Convert.ToHexStringLower(packing.Repacking.Encode())}.\n");
        lock (_lock)
        {
            _known[id] = packing;
            // One write a line: those of several processes do not mix.
            using var file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1);
            file.Write(Encoding.ASCII.GetBytes(line));
        }
    }

    private static bool TryParse(string line, out ObjectId id, out PlannedPacking? packing)
    {
        (id, packing) = (default, null);
        if (line.Split(' ') is not [var name, var size, var packed] || !ObjectId.TryParse(name, out id))
            return false;
        if (packed == Unprovable)
            return true;
        // The full stop tells a whole line from the beginning of one.
        if (packed is not [.. var hex, '.'] || hex.Length % 2 != 0 || !hex.All(char.IsAsciiHexDigitLower) ||
            !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var unpacked) ||
            !Repacking.TryDecode(Convert.FromHexString(hex), out var repacking) || repacking is null)
            return false;
        packing = new PlannedPacking(repacking, unpacked, PlannedPacking.CheckOf(id));
        return true;
    }
}
