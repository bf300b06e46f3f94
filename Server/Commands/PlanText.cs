using System.Globalization;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>Waves, shares and times of a plan, as people write them.</summary>
internal static class PlanText
{
    public static RolloutWave Wave(string option, string text) => text.EndsWith('%')
        ? new RolloutWave(Percent(option, text))
        : new RolloutWave(Devices: [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(KeyId.Parse)]);

    public static double? Percent(string option, string? text) => text is null ? null
        : double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100
            ? percent
            : throw new UsageException($"{option} wants a share such as 5%, not '{text}'");

    public static long? Seconds(string option, string? text)
    {
        if (text is null)
            return null;
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 } : 0;
        return unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? (long)count * unit
            : throw new UsageException($"{option} wants a time such as 30s, 10m, 2h or 1d, not '{text}'");
    }
}
