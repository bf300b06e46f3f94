using System.Globalization;
using System.Runtime.CompilerServices;
using ContentTree.Server.Auditing;
using ContentTree.Server.Commands;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Who changed what, when and why.</summary>
internal sealed class AuditPages(Gate gate, PageRenderer renderer, Audit audit)
{
    private const int PageSize = 50;
    private const int ExportSize = 500;
    private const int MaxText = 200;

    /// <param name="Next">Where the next page begins; null on the last one.</param>
    internal sealed record Listing(IReadOnlyList<AuditEntry> Entries, AuditFilter Filter, long? Next, bool IsFirst, string Address);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/audit", gate.Page(ListAsync));
        routes.MapGet("/audit.csv", gate.Page(visitor => visitor.SendAsync("text/csv; charset=utf-8", "audit.csv", ExportAsync(FilterOf(visitor)))));
    }

    private Task ListAsync(Visitor visitor)
    {
        var filter = FilterOf(visitor);
        long? below = long.TryParse(visitor.Query("below"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        var found = audit.List(filter, PageSize + 1, below);
        var page = found.Take(PageSize).ToArray();
        return renderer.ShowAsync<AuditPage>(visitor, new Listing(page, filter, found.Count > PageSize ? page[^1].Number : null, below is null, AddressOf(filter)));
    }

    private async IAsyncEnumerable<string> ExportAsync(AuditFilter filter, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        yield return "number,time,actor,address,verb,subject,before,after,reason,hash\n";
        for (long? below = null; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = audit.List(filter, ExportSize, below);
            foreach (var entry in page)
                yield return Csv.Line(entry.Number, Printing.Time(entry.Time), entry.Actor, entry.Address, entry.Verb, entry.Subject, entry.Before, entry.After, entry.Reason, entry.Hash);
            if (page.Count < ExportSize)
                yield break;
            below = page[^1].Number;
            await Task.Yield();
        }
    }

    private static AuditFilter FilterOf(Visitor visitor) => new(TextOf(visitor, "actor"), TextOf(visitor, "verb"), TextOf(visitor, "subject"));

    private static string? TextOf(Visitor visitor, string name) => visitor.Query(name).Trim() is { Length: > 0 and <= MaxText } text ? text : null;

    private static string AddressOf(AuditFilter filter) => string.Join('&', new[] { ("actor", filter.Actor), ("verb", filter.Verb), ("subject", filter.Subject) }
        .Where(p => p.Item2 is not null).Select(p => $"{p.Item1}={Uri.EscapeDataString(p.Item2 ?? "")}"));
}
