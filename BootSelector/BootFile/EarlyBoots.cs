using System.Globalization;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// How often a confirmed deployment was started in a row without lasting: <c>state/early-boots</c>, one sector that the selector overwrites
/// in place. The agent makes the file, and sets it back whenever a boot has lasted; without it nothing is counted.
/// </summary>
/// <param name="Deployment">Whose boots they are; those of others are not counted.</param>
/// <param name="Count">Boots that may not have lasted.</param>
/// <param name="IsWaiting">The selector waits before the last of them; when that is read, the wait was cut off.</param>
public sealed record EarlyBoots(DeploymentName Deployment, int Count = 0, bool IsWaiting = false)
{
    /// <summary>Bytes of the file.</summary>
    public const int Size = 64;

    /// <summary>Higher counts are not told apart.</summary>
    public const int MaxCount = 99;

    /// <summary>A boot that lasts so long is no early end, and the count begins anew. Short: who uses a device for some minutes at a time is not to wait for it.</summary>
    public static readonly TimeSpan Lasting = TimeSpan.FromMinutes(2);

    private const int WithoutWait = 5;
    private const int LongestWaitSeconds = 60;

    /// <summary>The file's bytes: one line, filled up with blanks.</summary>
    public byte[] Encode() => Encoding.ASCII.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{Deployment} {Count} {(IsWaiting ? "waiting" : "started")}").PadRight(Size - 1) + "\n");

    /// <summary>The count with one more boot.</summary>
    public EarlyBoots Next() => this with { Count = Math.Min(Count + 1, MaxCount), IsWaiting = false };

    /// <summary>What the next boot is to wait: nothing after a few, then twice as long each time, and nothing when the last wait was cut off.</summary>
    /// <param name="first">The first wait, in seconds; 0 for none at all.</param>
    public int WaitSeconds(int first) => IsWaiting || Count < WithoutWait
        ? 0
        : (int)Math.Min((long)first << Math.Min(Count - WithoutWait, 16), Math.Max(first, LongestWaitSeconds));

    /// <summary>Null when there is no such file, or it says nothing that can be read.</summary>
    public static EarlyBoots? Read(string path)
    {
        if (RegularFile.TryReadAll(path, Size) is not { Length: Size } bytes)
            return null;
        var words = Encoding.ASCII.GetString(bytes).TrimEnd('\n').TrimEnd(' ').Split(' ');
        return words is [var name, var count, "waiting" or "started"] && DeploymentName.TryParse(name, out var deployment) &&
            int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxCount
            ? new EarlyBoots(deployment, number, words[2] == "waiting")
            : null;
    }

    /// <summary>Overwrites the file that is there, durably: no block is asked for, and a cut leaves the old line or the new one.</summary>
    /// <exception cref="IOException">It did not reach the medium.</exception>
    public void Overwrite(string path)
    {
        using var file = RegularFile.Open(path, Kernel.O_WRONLY);
        file.Overwrite(Encode());
        file.FlushInPlace();
    }
}
