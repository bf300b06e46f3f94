using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>What a commit's .gitmodules says: from where the submodules come. Read by git itself, as data.</summary>
internal sealed class GitModules
{
    private readonly GitAddress _address;
    private readonly Dictionary<string, string> _urls = new(StringComparer.Ordinal);

    public GitModules(GitMirror mirror, string commit, GitAddress address, CancellationToken cancellation)
    {
        _address = address;
        var listed = mirror.TryRead(cancellation, "config", "--blob", $"{commit}:.gitmodules", "--null", "--list");
        var modules = new Dictionary<string, (string? Path, string? Url)>(StringComparer.Ordinal);
        foreach (var setting in Encoding.UTF8.GetString(listed ?? []).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            const string Section = "submodule.";
            var line = setting.IndexOf('\n');
            var dot = line < 0 ? -1 : setting.LastIndexOf('.', line);
            if (dot <= Section.Length || !setting.StartsWith(Section, StringComparison.Ordinal))
                continue;
            var (name, key, value) = (setting[Section.Length..dot], setting[(dot + 1)..line], setting[(line + 1)..]);
            var known = modules.GetValueOrDefault(name);
            modules[name] = key switch
            {
                "path" => (value, known.Url),
                "url" => (known.Path, value),
                _ => known,
            };
        }
        foreach (var (path, url) in modules.Values)
        {
            if (path is not null && url is not null)
                _urls[path.TrimEnd('/')] = url;
        }
    }

    /// <param name="inside">Where the submodule stands in its repository.</param>
    /// <param name="path">Where it stands in the new tree, for messages.</param>
    /// <exception cref="UnsupportedSourceException">Nothing is said of it, or nothing that may be fetched.</exception>
    public GitAddress Find(EntryPath inside, EntryPath path, string commit) => _urls.TryGetValue(inside.ToString()[1..], out var url)
        ? _address.Submodule(url, commit)
        : throw new UnsupportedSourceException(path.ToString(), "is a submodule of which .gitmodules does not say where it comes from");
}
