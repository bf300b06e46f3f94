using ContentTree.Server.Commands;
using ContentTree.Server.Compositions;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Follows;

/// <summary>A branch here and the branch or tag of a git repository that it follows: what was asked for, checked.</summary>
internal sealed record Follow
{
    private const int MaxText = 200;
    private const int MaxSource = 2000;
    private const int MaxWords = 16;
    private const int MinSeconds = 10;
    private const int MaxSeconds = 7 * 24 * 3600;
    private const int DefaultSeconds = 60;
    private const double MaxBuildMinutes = 24 * 60;

    private readonly PublishOptions _options;

    private Follow(FollowRequest settings, GitAddress address, PublishOptions options)
    {
        (Settings, Address, _options) = (settings, address, options);
    }

    /// <summary>As they were asked for, with all that the address says.</summary>
    public FollowRequest Settings { get; }

    public GitAddress Address { get; }

    public TimeSpan Every => TimeSpan.FromSeconds(Settings.Every ?? DefaultSeconds);

    /// <summary>The address for people.</summary>
    public string Shown => SourceOpening.GitPrefix + Address.Shown + (Address.Revision is { } revision ? $"#{revision}" : "");

    /// <exception cref="FormatException">Something asked for makes no sense; the message says what.</exception>
    public static Follow Parse(FollowRequest request)
    {
        var address = ParseAddress(request.Source);
        if (request.Every is < MinSeconds or > MaxSeconds)
            throw new FormatException($"it is looked every {MinSeconds} seconds at most and every {MaxSeconds} at least, not every {request.Every}");
        if (request.Describe == true && request.Version is not null)
            throw new FormatException("a version is either said or what 'git describe' says");
        var options = new PublishOptions
        {
            Branch = request.Branch,
            Source = "",
            Version = Text("version", request.Version),
            DescribesVersion = request.Describe == true,
            Compatible = [.. Words("compatible", request.Compatible)],
            Requires = [.. Words("requires", request.Requires).Select(Requirement.Parse)],
            Subdirectory = Path("subdir", request.Subdir),
            Owner = request.Owner is { } owner ? PublishSettings.ParseOwner(owner) ?? throw new FormatException($"owner is two numbers such as 0:0, not '{owner}'") : null,
            Stamp = request.Stamp is { } stamp && Path("stamp", stamp) is { Names.Count: > 0 } path ? path : null,
            Build = request.Build is { } build ? Checked(build) : null,
            Verb = BranchMove.Follow,
        };
        return new Follow(request with { Hook = null }, address, options);
    }

    /// <summary>How a revision is published.</summary>
    /// <param name="revision">40 hex digits, in the mirror already.</param>
    public PublishOptions Options(string revision) => _options with
    {
        Source = $"{SourceOpening.GitPrefix}{Address.Url}#{revision}",
        By = $"follow {Shown}",
        Reason = revision,
    };

    private static GitAddress ParseAddress(string source)
    {
        if (!source.StartsWith(SourceOpening.GitPrefix, StringComparison.Ordinal) || source.Length > MaxSource)
            throw new FormatException($"what is followed is {SourceOpening.GitPrefix}REPOSITORY#REF, a branch or a tag");
        try
        {
            var text = source[SourceOpening.GitPrefix.Length..];
            var address = GitAddress.Parse(text);
            if (address.IsLocal && !text.StartsWith('/') && !text.StartsWith("file://", StringComparison.Ordinal))
                throw new FormatException($"{text}: a path on the server's machine begins with '/'");
            return address.Revision is { Length: 40 } revision && revision.All(char.IsAsciiHexDigit)
                ? throw new FormatException($"{revision} is a commit, which stays where it is; name a branch or a tag")
                : address;
        }
        catch (UnsupportedSourceException e)
        {
            throw new FormatException(e.Message, e);
        }
    }

    private static IEnumerable<string> Words(string name, IReadOnlyList<string>? words) => words is null ? [] : words.Count <= MaxWords
        ? words.Select(word => Text(name, word))
        : throw new FormatException($"{name}: more than {MaxWords}");

    private static string Text(string name, string? text) => text is null ? "" : text.Length <= MaxText && !text.Any(char.IsControl)
        ? text
        : throw new FormatException($"{name} is one line of at most {MaxText} characters");

    private static EntryPath Path(string name, string? text)
    {
        try
        {
            return EntryPath.Parse(Text(name, text).TrimStart('/'));
        }
        catch (FormatException e)
        {
            throw new FormatException($"{name}: '{text}' {e.Message}", e);
        }
    }

    private static BuildLimits Checked(FollowBuild build) => build.Minutes is > 0 and <= MaxBuildMinutes && build.Memory > 0
        ? new BuildLimits(TimeSpan.FromMinutes(build.Minutes), build.Memory)
        : throw new FormatException($"a build has up to {MaxBuildMinutes} minutes and some memory");
}
