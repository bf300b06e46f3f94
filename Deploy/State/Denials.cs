using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>
/// The deny list, <c>state/denied</c>: <c>(64 hex) (reason) count=N [until=TIME] (text)</c> lines, written here and read by the selector
/// as well. A denial that has ended stays for its count: the next one lasts longer.
/// </summary>
internal sealed class Denials(DeviceRoot root, TimeProvider clock)
{
    public const string FailedBoot = "failed-boot";
    public const string NeverRan = "never-ran";
    public const string FailedHealth = "failed-health";
    public const string LostNetwork = "lost-network";
    public const string Interrupted = "interrupted";
    public const string NotConfirmed = "not-confirmed";
    public const string ByPerson = "denied-by-person";

    private const int MaxBytes = 1 << 20;

    // What may have been nobody's fault is tried again, ever later, and in the end no more.
    private static readonly TimeSpan[] Doubtful = [TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(7)];

    /// <summary>Denials that hold now.</summary>
    public IReadOnlyList<Denial> List() => [.. Lines().Select(Parse).OfType<Denial>().Where(IsValid)];

    public Denial? Find(ObjectId commit) => List().FirstOrDefault(d => d.Commit == commit);

    /// <summary>Durable when it returns. A commit that is denied already keeps its first reason.</summary>
    public Denial Add(ObjectId commit, string reason, string text)
    {
        var lines = Lines();
        var before = lines.Select(Parse).OfType<Denial>().FirstOrDefault(d => d.Commit == commit);
        if (before is not null && IsValid(before))
            return before;
        var count = (before?.Count ?? 0) + 1;
        DateTimeOffset? until = reason is Interrupted or LostNetwork or NeverRan or NotConfirmed && count <= Doubtful.Length ? clock.GetUtcNow() + Doubtful[count - 1] : null;
        var denial = new Denial(commit, reason, text.ReplaceLineEndings(" "), count, until);
        Write([.. lines.Where(line => Parse(line)?.Commit != commit), denial.Format()]);
        return denial;
    }

    /// <summary>False when it was not denied.</summary>
    public bool Remove(ObjectId commit)
    {
        var lines = Lines();
        var left = lines.Where(line => !line.StartsWith(commit.ToString(), StringComparison.Ordinal)).ToArray();
        if (left.Length == lines.Length)
            return false;
        Write(left);
        return true;
    }

    private bool IsValid(Denial denial) => denial.Until is not { } until || until > clock.GetUtcNow();

    private string[] Lines()
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        var bytes = DurableFiles.TryRead(state, "denied"u8, MaxBytes);
        return bytes is null ? [] : Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private void Write(string[] lines)
    {
        using var state = Posix.OpenDirectory(root.Layout.State);
        var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
        SpareFiles.Replace(state, "denied"u8, bytes);
        if (lines.Length > 0 && !DenyList.Read(root.Layout.Denied).Contains(lines[^1][..ObjectId.HexSize]))
            throw new IOException($"{root.Layout.Denied} does not read back as written");
    }

    private static Denial? Parse(string line)
    {
        if (line.Split(' ', 3) is not [var id, var reason, .. var rest] || !ObjectId.TryParse(id, out var commit))
            return null;
        var words = string.Concat(rest).Split(' ');
        var count = 1;
        if (words[0].StartsWith("count=", StringComparison.Ordinal) && int.TryParse(words[0][6..], NumberStyles.None, CultureInfo.InvariantCulture, out count))
            words = words[1..];
        DateTimeOffset? until = null;
        if (words is [var first, ..] && first.StartsWith("until=", StringComparison.Ordinal) &&
            DateTimeOffset.TryParse(first[6..], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            (until, words) = (time, words[1..]);
        return new Denial(commit, reason, string.Join(' ', words), count, until);
    }
}
