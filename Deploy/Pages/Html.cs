using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace ContentTree.Deploy.Pages;

/// <summary>Markup. Every text that is put into it is escaped; only markup goes in as it is.</summary>
internal sealed class Html
{
    private readonly string _markup;

    private Html(string markup) => _markup = markup;

    public static Html None { get; } = new("");

    public static Html Of(Writer markup) => new(markup.Written());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(part => part._markup)));

    public override string ToString() => _markup;

    /// <summary>What the compiler makes of <c>$"..."</c>: the literal parts are ours, the others are anybody's.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Writer(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _markup = new(literalLength + 32 * formattedCount);

        public void AppendLiteral(string literal) => _markup.Append(literal);

        public void AppendFormatted(Html? markup) => _markup.Append(markup?._markup);

        public void AppendFormatted(string? text) => _markup.Append(WebUtility.HtmlEncode(string.Concat((text ?? "").Select(c => char.IsControl(c) ? ' ' : c))));

        public void AppendFormatted(long number) => _markup.Append(CultureInfo.InvariantCulture, $"{number}");

        public string Written() => _markup.ToString();
    }
}
