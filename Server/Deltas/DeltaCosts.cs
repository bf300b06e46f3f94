using System.Globalization;
using System.Text;
using ContentTree.Store.Deltas.Generation;

namespace ContentTree.Server.Deltas;

/// <summary>What deltas cost, a line each, for people to look at; without the file nothing else changes.</summary>
internal sealed class DeltaCosts(string path)
{
    private const long MaxBytes = 16 * 1024 * 1024;

    public void Add(string name, GeneratedDelta made)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
            File.Delete(path);
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1);
        file.Write(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{name} {made.Cpu.TotalSeconds:F2} {made.Header.Parts.Count} {made.KnownParts}\n")));
    }

    /// <summary>By the deltas' names.</summary>
    public IReadOnlyDictionary<string, DeltaCost> Read()
    {
        var costs = new Dictionary<string, DeltaCost>(StringComparer.Ordinal);
        if (!File.Exists(path))
            return costs;
        foreach (var line in File.ReadLines(path))
        {
            if (line.Split(' ') is [var name, var cpu, var parts, var known] &&
                double.TryParse(cpu, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) &&
                int.TryParse(parts, NumberStyles.None, CultureInfo.InvariantCulture, out var all) &&
                int.TryParse(known, NumberStyles.None, CultureInfo.InvariantCulture, out var before))
                costs[name] = new DeltaCost(seconds, all, before);
        }
        return costs;
    }
}
