using System.Globalization;
using System.Net;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage.Buckets;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Storage;

/// <summary><c>server.conf</c> of a data directory: <c>key = value</c> lines, <c>#</c> begins a comment. Without it everything has its default.</summary>
internal sealed class ServerSettings
{
    public const string FileName = "server.conf";
    public const string DatabaseKey = "database";
    public const string ObjectsKey = "objects";

    private const string ObjectsCache = "objects.cache";
    private const string ObjectsCacheSize = "objects.cache-mb";
    private const string ObjectsRedirect = "objects.redirect";
    private const string Privileged = "publish.privileged";
    private const string Hours = "timestamp.hours";
    private const string ReleaseKeys = "release.keys";
    private const string FastDeltas = "deltas.fast";
    private const string VersionsOnce = "versions.once";
    private const string History = "history.keep";
    private const string Silent = "retention.silent-days";
    private const string SilentPollsKey = "silent.polls";
    private const string BackupDaysKey = "backup.days";
    private const string Metrics = "metrics";
    private const string Addresses = "proxy.addresses";
    private const string Sources = "publish.directories";
    private const string Upload = "publish.upload-mb";
    private const string Webhooks = "webhooks.allow";
    private const string ProxyHeader = "login.proxy-header";
    private const string ProxyAddresses = "login.proxy-addresses";
    private const string ProxyGroups = "login.proxy-groups-header";
    private const string ProxyRoles = "login.proxy-roles";
    private const string ProxyRole = "login.proxy-role";
    private const string Issuer = "login.issuer";
    private const string IssuerClient = "login.issuer-client";
    private const string IssuerSecret = "login.issuer-secret-file";
    private const string IssuerOwn = "login.issuer-return";
    private const string IssuerName = "login.issuer-name";
    private const string IssuerGroups = "login.issuer-groups";
    private const string IssuerRoles = "login.issuer-roles";
    private const string IssuerRole = "login.issuer-role";
    private const string Everything = "*";
    private const int MaxHours = 24 * 366;
    private const int MaxDays = 100 * 366;

    private IReadOnlySet<string> _fast = new HashSet<string>();
    private IReadOnlyList<string> _versioned = [];
    private IReadOnlyDictionary<string, int> _history = new Dictionary<string, int>();

    private ServerSettings()
    {
    }

    /// <summary>Publishes that give a path new privileges are refused, unless whoever publishes here says that it is meant.</summary>
    public bool RefusesPrivileged { get; private set; }

    /// <summary>How long a device believes that a head is the newest.</summary>
    public TimeSpan TimestampValidity { get; private set; } = TimeSpan.FromHours(24);

    /// <summary>A running server never opens <c>keys/</c>: what is published over HTTP brings its signatures with it.</summary>
    public bool KeepsReleaseKeysElsewhere { get; private set; }

    /// <summary>Anybody may read <c>/metrics</c>.</summary>
    public bool HasPublicMetrics { get; private set; }

    /// <summary>Proxies that are believed about whom they speak for, beside those of this machine.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; private set; } = [];

    /// <summary>The PostgreSQL database of a server with many devices; null for <c>server.db</c>.</summary>
    public PostgresAddress? Database { get; private set; }

    /// <summary>The bucket that has the objects; null for the repository's directory.</summary>
    public BucketAddress? Objects { get; private set; }

    /// <summary>Where objects out of the bucket are kept while they are of use; null for the data directory.</summary>
    public string? ObjectsCachePath { get; private set; }

    /// <summary>About how many bytes of them.</summary>
    public long ObjectsCacheBytes { get; private set; } = 10L << 30;

    /// <summary>Whoever wants the whole of an object is sent to the bucket for it.</summary>
    public bool RedirectsToBucket { get; private set; }

    /// <summary>Addresses that webhooks may reach though they are no public ones.</summary>
    public IReadOnlyList<IPNetwork> WebhookNetworks { get; private set; } = [];

    /// <summary>Whether deltas on a branch are to take devices half the time, for some more bytes.</summary>
    public bool PrefersFastDeltas(BranchName branch) => _fast.Contains(Everything) || _fast.Contains(branch.ToString());

    /// <summary>Whether a branch has each version once.</summary>
    public bool HasVersionsOnce(BranchName branch) => _versioned.Any(prefix => branch.ToString().StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Directories of this machine from which the dashboard may publish, also git repositories in them; none is the default.</summary>
    public IReadOnlyList<string> SourceDirectories { get; private set; } = [];

    /// <summary>Bytes that somebody may upload at once.</summary>
    public long MaxUpload { get; private set; } = 4096L << 20;

    /// <summary>After so long a device that keeps commits and is silent is named by <c>gc</c>.</summary>
    public TimeSpan SilentAfter { get; private set; } = TimeSpan.FromDays(90);

    /// <summary>Days after which the last backup counts as too old; 0 for never.</summary>
    public int BackupDays { get; private set; } = 7;

    /// <summary>Who has logged in at a proxy, which says so in a header; off unless the header is named.</summary>
    public ProxyLoginSettings ProxyLogin { get; private set; } = new();

    /// <summary>Who has logged in at an identity provider; off unless one is named.</summary>
    public IssuerLoginSettings IssuerLogin { get; private set; } = new();

    /// <summary>Polls that a device may miss before it counts as silent; 0 for any number.</summary>
    public int SilentPolls { get; private set; } = 3;

    /// <summary>How many of a branch's positions stay, newest first; null for all.</summary>
    public int? HistoryOf(BranchName branch) =>
        _history.TryGetValue(branch.ToString(), out var own) || _history.TryGetValue(PrefixOf(branch), out own) || _history.TryGetValue(Everything, out own) ? own : null;

    /// <exception cref="FormatException">A line cannot be used; the message names it.</exception>
    public static ServerSettings Load(string dataPath)
    {
        var settings = new ServerSettings();
        var path = Path.Combine(dataPath, FileName);
        if (!File.Exists(path))
            return settings;
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Split('#')[0].Trim() is { Length: > 0 } text)
                settings.Take(text, $"{path}:{number}");
        }
        if (settings.ProxyLogin is { IsOn: true, Addresses.Count: 0 })
            throw new FormatException($"{path}: {ProxyHeader} needs {ProxyAddresses}: whoever is believed in it is believed to be anybody");
        if (settings.IssuerLogin is { IsOn: true } and not { Client.Length: > 0, Own: not null })
            throw new FormatException($"{path}: {Issuer} needs {IssuerClient} and {IssuerOwn}");
        return settings;
    }

    private void Take(string text, string place)
    {
        switch (text.Split('=', 2, StringSplitOptions.TrimEntries))
        {
            case [Privileged, "report"]:
                RefusesPrivileged = false;
                break;
            case [Privileged, "refuse"]:
                RefusesPrivileged = true;
                break;
            case [Privileged, var other]:
                throw new FormatException($"{place}: {Privileged} is 'report' or 'refuse', not '{other}'");
            case [ReleaseKeys, "local"]:
                KeepsReleaseKeysElsewhere = false;
                break;
            case [ReleaseKeys, "external"]:
                KeepsReleaseKeysElsewhere = true;
                break;
            case [ReleaseKeys, var other]:
                throw new FormatException($"{place}: {ReleaseKeys} is 'local' or 'external', not '{other}'");
            case [Metrics, "token"]:
                HasPublicMetrics = false;
                break;
            case [Metrics, "public"]:
                HasPublicMetrics = true;
                break;
            case [Metrics, var other]:
                throw new FormatException($"{place}: {Metrics} is 'token' or 'public', not '{other}'");
            case [Addresses, var proxies]:
                Proxies = Networks(Addresses, proxies, place);
                break;
            case [Webhooks, var networks]:
                WebhookNetworks = Networks(Webhooks, networks, place);
                break;
            case [DatabaseKey, var address]:
                Database = Parsed(DatabaseKey, address, PostgresAddress.Parse, place);
                break;
            case [ObjectsKey, var address]:
                Objects = Parsed(ObjectsKey, address, BucketAddress.Parse, place);
                break;
            case [ObjectsCache, var path]:
                ObjectsCachePath = Path.IsPathFullyQualified(path) ? path : throw new FormatException($"{place}: {ObjectsCache} is an absolute path, not '{path}'");
                break;
            case [ObjectsCacheSize, var megabytes]:
                ObjectsCacheBytes = int.TryParse(megabytes, NumberStyles.None, CultureInfo.InvariantCulture, out var room) && room > 0
                    ? (long)room << 20
                    : throw new FormatException($"{place}: {ObjectsCacheSize} is a number above 0, not '{megabytes}'");
                break;
            case [ObjectsRedirect, ("yes" or "no") and var redirect]:
                RedirectsToBucket = redirect == "yes";
                break;
            case [ObjectsRedirect, var other]:
                throw new FormatException($"{place}: {ObjectsRedirect} is 'yes' or 'no', not '{other}'");
            case [FastDeltas, var branches]:
                _fast = branches.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
                if (_fast.FirstOrDefault(b => b != Everything && !BranchName.TryParse(b, out _)) is { } wrong)
                    throw new FormatException($"{place}: {FastDeltas} is '{Everything}' or branches with commas between them, and '{wrong}' is none");
                break;
            case [VersionsOnce, var prefixes]:
                _versioned = prefixes.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
                if (_versioned.FirstOrDefault(p => p is not [.. var name, '/'] || !BranchName.TryParse(name, out BranchName _)) is { } unusable)
                    throw new FormatException($"{place}: {VersionsOnce} is beginnings of branch names, each with '/' at its end, and '{unusable}' is none");
                break;
            case [History, var rules]:
                _history = rules.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(rule => HistoryRule(rule, place)).ToDictionary();
                break;
            case [Silent, var days]:
                SilentAfter = int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= MaxDays
                    ? TimeSpan.FromDays(count)
                    : throw new FormatException($"{place}: {Silent} is a number from 1 to {MaxDays}, not '{days}'");
                break;
            case [ProxyHeader, var header]:
                ProxyLogin = ProxyLogin with { Header = HeaderName(ProxyHeader, header, place) };
                break;
            case [ProxyGroups, var header]:
                ProxyLogin = ProxyLogin with { GroupsHeader = HeaderName(ProxyGroups, header, place) };
                break;
            case [ProxyAddresses, var believed]:
                ProxyLogin = ProxyLogin with { Addresses = Networks(ProxyAddresses, believed, place) };
                break;
            case [ProxyRole, var role]:
                ProxyLogin = ProxyLogin with { Role = RoleName(ProxyRole, role, place) };
                break;
            case [ProxyRoles, var roles]:
                ProxyLogin = ProxyLogin with { Roles = [.. roles.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(rule => RoleRule(ProxyRoles, rule, place))] };
                break;
            case [Issuer, var issuer]:
                IssuerLogin = IssuerLogin with { Issuer = WebAddress(Issuer, issuer, place) };
                break;
            case [IssuerOwn, var own]:
                IssuerLogin = IssuerLogin with { Own = WebAddress(IssuerOwn, own, place) };
                break;
            case [IssuerClient, { Length: > 0 } client]:
                IssuerLogin = IssuerLogin with { Client = client };
                break;
            case [IssuerSecret, var file]:
                IssuerLogin = IssuerLogin with { SecretFile = file };
                break;
            case [IssuerName, { Length: > 0 } claim]:
                IssuerLogin = IssuerLogin with { NameClaim = claim };
                break;
            case [IssuerGroups, { Length: > 0 } claim]:
                IssuerLogin = IssuerLogin with { GroupsClaim = claim };
                break;
            case [IssuerRole, var role]:
                IssuerLogin = IssuerLogin with { Role = RoleName(IssuerRole, role, place) };
                break;
            case [IssuerRoles, var roles]:
                IssuerLogin = IssuerLogin with { Roles = [.. roles.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(rule => RoleRule(IssuerRoles, rule, place))] };
                break;
            case [BackupDaysKey, var days]:
                BackupDays = int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out var old) && old <= MaxDays
                    ? old
                    : throw new FormatException($"{place}: {BackupDaysKey} is a number from 0 to {MaxDays}, not '{days}'");
                break;
            case [SilentPollsKey, var polls]:
                SilentPolls = int.TryParse(polls, NumberStyles.None, CultureInfo.InvariantCulture, out var missed) && missed <= Groups.MostPolls
                    ? missed
                    : throw new FormatException($"{place}: {SilentPollsKey} is a number from 0 to {Groups.MostPolls}, not '{polls}'");
                break;
            case [Hours, var hours]:
                TimestampValidity = int.TryParse(hours, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= MaxHours
                    ? TimeSpan.FromHours(number)
                    : throw new FormatException($"{place}: {Hours} is a number from 1 to {MaxHours}, not '{hours}'");
                break;
            case [Sources, var directories]:
                SourceDirectories = directories.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
                if (SourceDirectories.FirstOrDefault(d => !Path.IsPathFullyQualified(d)) is { } relative)
                    throw new FormatException($"{place}: {Sources} is absolute paths with commas between them, and '{relative}' is none");
                break;
            case [Upload, var megabytes]:
                MaxUpload = int.TryParse(megabytes, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0
                    ? (long)most << 20
                    : throw new FormatException($"{place}: {Upload} is a number above 0, not '{megabytes}'");
                break;
            case [var name, ..]:
                throw new FormatException($"{place}: '{name}' is no setting; docs/operations.md lists them");
        }
    }

    private static T Parsed<T>(string key, string address, Func<string, T> parse, string place)
    {
        try
        {
            return parse(address);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{place}: {key}: {e.Message}", e);
        }
    }

    private static IPNetwork[] Networks(string key, string list, string place) =>
        [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(text => ParseNetwork(text)
            ?? throw new FormatException($"{place}: {key} is addresses and networks such as 10.0.0.2 or 10.1.0.0/16 with commas between them, and '{text}' is none"))];

    private static IPNetwork? ParseNetwork(string text) => IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;

    private static string HeaderName(string key, string text, string place) => text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
        ? text
        : throw new FormatException($"{place}: {key} is a header's name such as Remote-User, not '{text}'");

    private static string RoleName(string key, string text, string place) => Dashboard.Login.Users.Roles.Contains(text)
        ? text
        : throw new FormatException($"{place}: {key} is a role ({string.Join(", ", Dashboard.Login.Users.Roles)}), not '{text}'");

    // Whoever listens between here and the issuer would be whoever he likes.
    private static Uri WebAddress(string key, string text, string place) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback)) && address is { Query: "", Fragment: "", UserInfo: "" }
            ? address
            : throw new FormatException($"{place}: {key} is an address that begins with https://, not '{text}'");

    private static (string Group, string Role) RoleRule(string key, string rule, string place) => rule.Split(':', StringSplitOptions.TrimEntries) is [{ Length: > 0 } group, var role]
        ? (group, RoleName(key, role, place))
        : throw new FormatException($"{place}: {key} is GROUP:ROLE with commas between them, and '{rule}' is none");

    private string PrefixOf(BranchName branch) =>
        _history.Keys.Where(key => key.EndsWith('/') && branch.ToString().StartsWith(key, StringComparison.Ordinal)).MaxBy(key => key.Length) ?? Everything;

    private static KeyValuePair<string, int> HistoryRule(string rule, string place)
    {
        var (branch, number) = rule.Split(':', StringSplitOptions.TrimEntries) switch
        {
            [var all] => (Everything, all),
            [var one, var own] => (one, own),
            _ => ("", ""),
        };
        return (branch == Everything || BranchName.TryParse(branch.EndsWith('/') ? branch[..^1] : branch, out BranchName _)) && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var positions) && positions > 0
            ? new(branch, positions)
            : throw new FormatException($"{place}: {History} is a number above 0, or BRANCH:NUMBER or PREFIX/:NUMBER, with commas between them, and '{rule}' is neither");
    }
}
