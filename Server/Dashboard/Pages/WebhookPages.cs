using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Who elsewhere is told what happens, and what came of it. An admin's, because addresses often are secrets themselves.</summary>
internal sealed class WebhookPages(Gate gate, PageRenderer renderer, DataDirectory data, Database database, Audit audit, TimeProvider time)
{
    private const int PageSize = 25;
    private const int ShownDeliveries = 50;

    private readonly Outbox _outbox = new(database, time);

    /// <param name="Made">The one that was made just now: its secret is shown once.</param>
    internal sealed record Listing(Slice<WebhookInfo> Webhooks, WebhookInfo? Made);

    internal sealed record Single(WebhookInfo Webhook, IReadOnlyList<DeliveryInfo> Deliveries);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/webhooks", gate.Page(visitor => ListAsync(visitor, null), TokenRole.Admin));
        routes.MapGet("/webhooks/{id}", gate.Page(ShowAsync, TokenRole.Admin));
        routes.MapPost("/webhooks/add", gate.Action(AddAsync, TokenRole.Admin));
        routes.MapPost("/webhooks/{id}/test", gate.Action(TestAsync, TokenRole.Admin));
        routes.MapPost("/webhooks/{id}/remove", gate.Action(RemoveAsync, TokenRole.Admin));
    }

    private Task ListAsync(Visitor visitor, WebhookInfo? made) => renderer.ShowAsync<WebhooksPage>(visitor, new Listing(Slice.Of(visitor, _outbox.List(), PageSize), made));

    private Task ShowAsync(Visitor visitor)
    {
        var webhook = _outbox.Find(visitor.Route("id"));
        return renderer.ShowAsync<WebhookPage>(visitor, new Single(webhook, _outbox.Deliveries(webhook.Id, ShownDeliveries)));
    }

    // Its secret must not lie in a cookie on the way, so the answer itself shows it.
    private Task AddAsync(Visitor visitor, IFormCollection form)
    {
        string[] events = [.. form["event"].Where(e => !string.IsNullOrWhiteSpace(e)).OfType<string>()];
        var made = _outbox.Create(new WebhookRequest(form["url"].ToString().Trim(), events.Contains("*") ? ["*"] : events));
        audit.Note(visitor.Actor, "webhook.add", made.Id, after: string.Join(' ', made.Events));
        return ListAsync(visitor, made);
    }

    private async Task TestAsync(Visitor visitor, IFormCollection form)
    {
        var id = _outbox.Find(visitor.Route("id")).Id;
        using var sender = new WebhookSender(data, _outbox, time);
        var came = await sender.SendAsync(_outbox.AddPing(id), visitor.Context.RequestAborted);
        await visitor.Go($"/webhooks/{id}", came.Error is { } error ? $"The test was not taken: {error}." : $"The test was taken with {came.Code}.", isWrong: came.Error is not null);
    }

    private Task RemoveAsync(Visitor visitor, IFormCollection form)
    {
        var id = visitor.Route("id");
        _outbox.Remove(id);
        audit.Note(visitor.Actor, "webhook.remove", id);
        return visitor.Go("/webhooks", $"Webhook {id} is removed, and what was on its way to it.");
    }
}
