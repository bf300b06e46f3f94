using System.CommandLine;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Commands;

/// <summary>What can be said about a source whose tree is made here: of <c>publish</c> and <c>follow set</c>.</summary>
internal sealed class SourceSettings
{
    public Option<(uint, uint)?> Owner { get; } = new("--owner")
    {
        Description = "numeric owner and group of every entry (default: the files' own)",
        HelpName = "UID:GID",
        CustomParser = result => PublishSettings.ParseOwner(result.Tokens[0].Value) ?? CommandContext.Fail<(uint, uint)?>(result, "--owner wants two numbers, for instance 0:0"),
    };

    public Option<bool> Build { get; } = new("--build") { Description = "publish what the source's own program .ctree/build makes of it, in a sandbox (bubblewrap)" };

    public Option<double> Minutes { get; } = new("--build-minutes") { Description = "how long it may take", HelpName = "N", DefaultValueFactory = _ => BuildLimits.Default.Time.TotalMinutes };

    public Option<long> Memory { get; } = new("--build-memory") { Description = "memory of each of its processes", HelpName = "BYTES", DefaultValueFactory = _ => BuildLimits.Default.Memory };

    public Option<bool> Describe { get; } = new("--describe") { Description = "without --version: the version is what 'git describe --tags' says" };

    public Option<EntryPath?> Stamp { get; } = PathOption("--stamp", "put a file there that says of what the tree was made: branch, version, source and its revision", "etc/ctree-source");

    public Option<EntryPath?> Subdirectory { get; } = PathOption("--subdir", "only this directory of a git repository", "device/root");

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { Owner, Subdirectory, Build, Minutes, Memory, Describe, Stamp })
            command.Add(option);
    }

    private static Option<EntryPath?> PathOption(string name, string description, string example) => new(name)
    {
        Description = description,
        HelpName = "PATH",
        CustomParser = result => ParsePath(result.Tokens[0].Value) ?? CommandContext.Fail<EntryPath?>(result, $"{name} wants a path in the tree, for instance {example}"),
    };

    private static EntryPath? ParsePath(string text)
    {
        try
        {
            return EntryPath.Parse(text.TrimStart('/')) is { Names.Count: > 0 } path ? path : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
