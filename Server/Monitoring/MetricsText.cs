using System.Globalization;
using System.Text;

namespace ContentTree.Server.Monitoring;

/// <summary>The text that Prometheus reads (text/plain; version=0.0.4): every series with its help and its type.</summary>
internal sealed class MetricsText
{
    public const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Something that only grows.</summary>
    public MetricsText Counter(string name, string help, params IEnumerable<(string Labels, double Value)> series) => Series(name, "counter", help, series);

    /// <summary>Something as it is now.</summary>
    public MetricsText Gauge(string name, string help, params IEnumerable<(string Labels, double Value)> series) => Series(name, "gauge", help, series);

    /// <param name="counts">For each bucket and what is above all of them, not summed up.</param>
    public MetricsText Histogram(string name, string help, IReadOnlyList<double> buckets, IReadOnlyList<long> counts, double sum)
    {
        Head(name, "histogram", help);
        long all = 0;
        for (var i = 0; i < counts.Count; i++)
        {
            all += counts[i];
            Line($"{name}_bucket", Label("le", i < buckets.Count ? Number(buckets[i]) : "+Inf"), all);
        }
        Line($"{name}_sum", "", sum);
        Line($"{name}_count", "", all);
        return this;
    }

    public override string ToString() => _text.ToString();

    /// <summary>NAME="VALUE".</summary>
    public static string Label(string name, string value) =>
        $"{name}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    private MetricsText Series(string name, string type, string help, IEnumerable<(string Labels, double Value)> series)
    {
        Head(name, type, help);
        foreach (var (labels, value) in series)
            Line(name, labels, value);
        return this;
    }

    private void Head(string name, string type, string help) => _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    private void Line(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0)
            _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
