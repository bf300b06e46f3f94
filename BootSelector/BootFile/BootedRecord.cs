using System.Globalization;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// What the selector did at this boot, as <c>key=value</c> lines: <c>/run/ctree/booted</c>. A tree learns from it which
/// deployment and commit it is.
/// </summary>
public sealed record BootedRecord
{
    /// <summary>Where it stands in a booted system.</summary>
    public const string DefaultPath = "/run/ctree/booted";

    private const int MaxSize = 4096;

    /// <summary>The deployment that was chosen.</summary>
    public required DeploymentName Deployment { get; init; }

    /// <summary>Its full commit id, 64 lower-case hex digits.</summary>
    public required string Commit { get; init; }

    /// <summary>Its place in the order of choice.</summary>
    public required BootReason Reason { get; init; }

    /// <summary>The boot record's state after counting; null (<c>none</c>) without a valid one.</summary>
    public BootState? State { get; init; }

    /// <summary>Tries left after this boot; 0 without a boot record.</summary>
    public int Tries { get; init; }

    /// <summary>The selector's version.</summary>
    public string Selector { get; init; } = "";

    /// <summary>What was wrong with the boot file, or "".</summary>
    public string Problem { get; init; } = "";

    public override string ToString() => Format();

    /// <summary>The file's text.</summary>
    public string Format() => new StringBuilder()
        .Append(CultureInfo.InvariantCulture, $"deployment={Deployment}\ncommit={Commit}\n")
        .Append(CultureInfo.InvariantCulture, $"reason={NameOf(Reason)}\n")
        .Append(CultureInfo.InvariantCulture, $"state={(State is { } state ? BootRecordFormat.NameOf(state) : "none")}\n")
        .Append(CultureInfo.InvariantCulture, $"tries={Tries}\noverride={(Reason == BootReason.Override ? 1 : 0)}\n")
        .Append(CultureInfo.InvariantCulture, $"selector={Selector}\nproblem={OneLine(Problem)}\n")
        .ToString();

    /// <summary>Reads the file's text; unknown keys are left alone.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out BootedRecord? record)
    {
        record = null;
        var fields = Fields(text);
        if (!DeploymentName.TryParse(fields.GetValueOrDefault("deployment"), out var name) ||
            fields.GetValueOrDefault("commit") is not { Length: 64 } commit || !Text.IsLowerHex(commit) ||
            !TryReason(fields.GetValueOrDefault("reason"), out var reason))
            return false;
        _ = int.TryParse(fields.GetValueOrDefault("tries"), NumberStyles.None, CultureInfo.InvariantCulture, out var tries);
        record = new BootedRecord
        {
            Deployment = name,
            Commit = commit,
            Reason = reason,
            State = StateOf(fields.GetValueOrDefault("state")),
            Tries = tries,
            Selector = fields.GetValueOrDefault("selector", ""),
            Problem = fields.GetValueOrDefault("problem", ""),
        };
        return true;
    }

    /// <summary>The record in <paramref name="path"/>, or null when there is none that can be read.</summary>
    public static BootedRecord? Read(string path)
    {
        var bytes = RegularFile.TryReadAll(path, MaxSize);
        return bytes is not null && TryParse(Encoding.UTF8.GetString(bytes), out var record) ? record : null;
    }

    private static Dictionary<string, string> Fields(ReadOnlySpan<char> text)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var range in text.Split('\n'))
        {
            if (Text.TrySplit(text[range], out var key, out var value))
                fields.TryAdd(key.ToString(), value.ToString());
        }
        return fields;
    }

    // By hand: the names are a format, and the static selector stays without the reflection data of enums.
    private static string NameOf(BootReason reason) => reason switch
    {
        BootReason.Override => "override",
        BootReason.Wanted => "wanted",
        BootReason.Previous => "previous",
        BootReason.Recovery => "recovery",
        _ => "newest",
    };

    private static bool TryReason(string? text, out BootReason reason)
    {
        for (reason = BootReason.Override; reason <= BootReason.Newest; reason++)
        {
            if (NameOf(reason) == text)
                return true;
        }
        return false;
    }

    private static BootState? StateOf(string? text) => text switch
    {
        "trial" => BootState.Trial,
        "good" => BootState.Good,
        "fallback" => BootState.Fallback,
        _ => null,
    };

    private static string OneLine(string text) => text.Length > 1000 ? OneLine(text[..1000]) : text.ReplaceLineEndings(" ");
}
