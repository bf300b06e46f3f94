using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>An OSTree repository, and a ref or commit of it.</summary>
/// <param name="Place">An absolute path, or an address that ends in '/'.</param>
/// <param name="Url">The address; null for a path.</param>
/// <param name="Revision">A ref, "REMOTE:REF" or a commit's checksum; null where there is only one ref.</param>
internal sealed record OstreeAddress(string Place, Uri? Url, string? Revision)
{
    public const string Prefix = "ostree:";

    /// <summary>Without name and password.</summary>
    public string Shown => Url is null ? Place : Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    /// <summary>Reads REPO or REPO#REF.</summary>
    /// <exception cref="UnsupportedSourceException">It is no such address.</exception>
    public static OstreeAddress Parse(string text)
    {
        var hash = text.LastIndexOf('#');
        var (place, revision) = hash < 0 ? (text, null) : (text[..hash], text[(hash + 1)..]);
        if (revision is not null && !IsRevision(revision))
            throw Refused(revision, "is no ref and no commit of OSTree");
        return place.Contains("://", StringComparison.Ordinal) ? OfUrl(place, revision) : OfPath(place, revision);
    }

    /// <summary>Whether a text can be a ref's name, also with the name of a remote before it.</summary>
    public static bool IsRevision(string text)
    {
        var parts = text.Split(':');
        return parts.Length <= 2 && text.Length <= 512 && parts.All(part => part.Split('/').All(IsSegment));
    }

    private static bool IsSegment(string segment) =>
        segment is not ("" or "." or "..") && segment.All(c => char.IsAsciiLetterOrDigit(c) || "._-".Contains(c, StringComparison.Ordinal));

    private static OstreeAddress OfPath(string place, string? revision) => place.Length > 0 && !place.Any(char.IsControl)
        ? new OstreeAddress(Path.GetFullPath(place), null, revision)
        : throw Refused(place, "is no address of an OSTree repository");

    private static OstreeAddress OfUrl(string place, string? revision)
    {
        if (place.StartsWith("file://", StringComparison.Ordinal))
            return OfPath(Uri.UnescapeDataString(place["file://".Length..]), revision);
        if (place.Any(char.IsControl) || !Uri.TryCreate(place.TrimEnd('/') + "/", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            throw Refused(place, "is neither http://, https:// nor a path on this machine");
        return url.Query.Length > 0 ? throw Refused(place, "has a query, below which nothing can be read") : new OstreeAddress(url.ToString(), url, revision);
    }

    // Whatever could be a name and a password is not shown.
    private static UnsupportedSourceException Refused(string what, string why) =>
        new(Posix.Display(System.Text.Encoding.UTF8.GetBytes(what.Contains('@', StringComparison.Ordinal) ? what[(what.LastIndexOf('@') + 1)..] : what)), why);

    /// <summary>The revision as a commit's checksum, or null when it is a ref.</summary>
    public ObjectId? Commit => Revision is not null && ObjectId.TryParse(Revision, out var id) ? id : null;
}
