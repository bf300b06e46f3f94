using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>
/// A git repository and a revision of it. What git would take for an option, a helper program or another host's business is refused
/// (CVE-2017-1000117 and its kin).
/// </summary>
/// <param name="Url">For git; a path on this machine is absolute.</param>
/// <param name="Revision">A branch, a tag or a commit; null is the branch that the repository itself checks out.</param>
internal sealed record GitAddress(string Url, string? Revision)
{
    private const string FileScheme = "file://";

    private static readonly string[] Schemes = ["https", "http", "ssh"];

    /// <summary>A repository on this machine.</summary>
    public bool IsLocal => Url.StartsWith('/');

    /// <summary>Without what may be a secret: over HTTP a name alone is often a token, over SSH it is part of the address.</summary>
    public string Shown => WithoutSecrets(Url);

    private static string WithoutSecrets(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal);
        var end = start < 0 ? -1 : url.IndexOfAny(['/', '?', '#'], start + 3);
        var at = start < 0 ? -1 : url.LastIndexOf('@', end < 0 ? url.Length - 1 : end - 1);
        if (at < start + 3)
            return url;
        var name = url.StartsWith("ssh:", StringComparison.Ordinal) ? url[(start + 3)..at].Split(':')[0] + "@" : "";
        return url[..(start + 3)] + name + url[(at + 1)..];
    }

    /// <summary>Reads REPO or REPO#REV.</summary>
    /// <exception cref="UnsupportedSourceException">git must not be given it.</exception>
    public static GitAddress Parse(string text)
    {
        var hash = text.LastIndexOf('#');
        var (url, revision) = hash < 0 ? (text, null) : (text[..hash], text[(hash + 1)..]);
        if (revision is not null && !IsRevision(revision))
            throw Refused(text, $"'{revision}' is no branch, tag or commit");
        return new GitAddress(Checked(url), revision);
    }

    /// <summary>A submodule's repository: relative ones start from this one, as in .gitmodules.</summary>
    /// <exception cref="UnsupportedSourceException">It leads to this machine, or above where it starts.</exception>
    public GitAddress Submodule(string url, string revision)
    {
        if (!url.StartsWith("./", StringComparison.Ordinal) && !url.StartsWith("../", StringComparison.Ordinal))
        {
            var other = new GitAddress(Checked(url), revision);
            return other.IsLocal && !IsLocal ? throw Refused(url, "is a submodule on this machine of a repository elsewhere") : other;
        }
        var at = Url.TrimEnd('/');
        foreach (var segment in url.Split('/').Where(s => s is not ("." or "")))
        {
            if (segment != "..")
                at += "/" + segment;
            else if (at.LastIndexOf('/') is > 0 and var slash && slash >= PathStart)
                at = at[..slash];
            else
                throw Refused(url, "is a submodule that leads above its repository's host");
        }
        return new GitAddress(Checked(at), revision);
    }

    // Where the path begins, behind the host.
    private int PathStart => IsLocal ? 0 : Url.Contains("://", StringComparison.Ordinal)
        ? Url.IndexOf('/', Url.IndexOf("://", StringComparison.Ordinal) + 3)
        : Url.IndexOf(':');

    private static string Checked(string url)
    {
        if (url.Length == 0 || url.StartsWith('-') || url.Any(char.IsControl))
            throw Refused(url, "is no address of a git repository");
        // "ext::sh -c ..." and its kin; a host of IPv6 has its colons behind a bracket.
        if (url.Split("::")[0] is { Length: > 0 } helper && helper.Length < url.Length && helper.All(c => char.IsAsciiLetterOrDigit(c) || "+.-".Contains(c)))
            throw Refused(url, "names a program for git to run, which is not allowed");
        if (url.StartsWith(FileScheme, StringComparison.Ordinal))
            return CheckedPath(url);
        if (url.Contains("://", StringComparison.Ordinal))
            return CheckedUri(url);
        var colon = url.IndexOf(':');
        var slash = url.IndexOf('/');
        if (colon < 0 || (slash >= 0 && slash < colon))
            return Path.GetFullPath(url);
        var host = url[..colon].Split('@')[^1];
        return host.Length > 0 && host[0] != '-' ? url : throw Refused(url, "has no host");
    }

    private static string CheckedPath(string url) =>
        Uri.UnescapeDataString(url[FileScheme.Length..]) is ['/', ..] path && !path.Any(char.IsControl) ? Path.GetFullPath(path) : throw Refused(url, "is no path on this machine");

    private static string CheckedUri(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || !Schemes.Contains(uri.Scheme))
            throw Refused(url, "is none of https://, http://, ssh://, host:path and a path on this machine");
        // Programs differ in what a '#' within an address ends.
        return uri.Host.Length > 0 && !url.Contains('#') && uri.Host[0] != '-' && !uri.UserInfo.StartsWith('-') ? url : throw Refused(url, "has no host, or a '#' in it");
    }

    // What git-check-ref-format allows, or digits of a commit.
    private static bool IsRevision(string text) =>
        text.Length is > 0 and <= 250 && text[0] is not ('-' or '/' or '.') && text[^1] is not ('/' or '.') &&
        !text.Contains("..", StringComparison.Ordinal) && !text.Contains("@{", StringComparison.Ordinal) && !text.Any(c => char.IsControl(c) || " ~^:?*[\\".Contains(c));

    private static UnsupportedSourceException Refused(string what, string why) => new(Display(WithoutSecrets(what)), why);

    private static string Display(string text) => Store.Posix.Display(System.Text.Encoding.UTF8.GetBytes(text));
}
