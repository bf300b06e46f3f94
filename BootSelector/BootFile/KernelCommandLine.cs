using System.Globalization;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>The kernel's command line: words with or without a value; of a word that comes twice the last one counts.</summary>
public sealed class KernelCommandLine
{
    /// <summary>Where the kernel shows it.</summary>
    public const string DefaultPath = "/proc/cmdline";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Double quotes keep blanks together, as in the kernel.</summary>
    public KernelCommandLine(string text)
    {
        var word = new StringBuilder();
        var quoted = false;
        foreach (var c in text + " ")
        {
            if (c == '"')
                quoted = !quoted;
            else if (quoted || !char.IsWhiteSpace(c))
                word.Append(c);
            else
                Take(word);
        }
        Take(word);
    }

    /// <summary>Null when the word is absent, "" when it has no value.</summary>
    public string? this[string word] => _values.GetValueOrDefault(word);

    /// <summary>This boot's; empty while /proc is not mounted.</summary>
    public static KernelCommandLine Read() => Read(DefaultPath);

    /// <summary>The one in a file; empty when that cannot be read.</summary>
    public static KernelCommandLine Read(string path) => new(RegularFile.ReadUnsized(path));

    /// <summary>The word is there and not switched off by 0, no or off.</summary>
    public bool IsSet(string word) => this[word] is not (null or "0" or "no" or "off");

    /// <summary>The word's value as seconds, or <paramref name="otherwise"/> when it is absent or no number up to a day.</summary>
    public int Seconds(string word, int otherwise) =>
        int.TryParse(this[word], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 86_400 ? seconds : otherwise;

    /// <summary>The program a tree is started with.</summary>
    public string Init => this["init"] is { Length: > 0 } asked ? asked : "/sbin/init";

    /// <summary>A person wants no update while this boot lasts: the agent's word, not the selector's.</summary>
    public bool IsWithoutUpdate => IsSet("ctree.noupdate");

    /// <summary>The deployment a person asked for, or null.</summary>
    public DeploymentName? OverrideName => DeploymentName.TryParse(this["ctree.deployment"], out var name) ? name : null;

    private void Take(StringBuilder word)
    {
        if (word.Length == 0)
            return;
        var text = word.ToString();
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        _values[equals < 0 ? text : text[..equals]] = equals < 0 ? "" : text[(equals + 1)..];
        word.Clear();
    }
}
