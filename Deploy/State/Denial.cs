using System.Globalization;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>A commit that is not taken, and why.</summary>
/// <param name="Commit">Which one.</param>
/// <param name="Reason">One word.</param>
/// <param name="Text">For people.</param>
/// <param name="Count">The how manieth denial of this commit it is.</param>
/// <param name="Until">When it ends by itself; never if absent.</param>
internal sealed record Denial(ObjectId Commit, string Reason, string Text, int Count = 1, DateTimeOffset? Until = null)
{
    /// <summary>Its line, without the end of it.</summary>
    public string Format() => string.Create(CultureInfo.InvariantCulture,
        $"{Commit} {Reason} count={Count} {(Until is { } until ? $"until={until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} " : "")}{Text}");
}
