using ContentTree.Server.Auditing;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Webhooks: who elsewhere is told what happens. An admin's, because addresses often are secrets themselves.</summary>
internal sealed class WebhookEndpoints(DataDirectory data, TokenAccess access, Audit audit, TimeProvider time)
{
    private readonly Outbox _outbox = new(data.OpenDatabase(), time);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Webhooks, ListAsync);
        routes.MapPost(Routes.Webhooks, CreateAsync);
        routes.MapDelete(Routes.Webhooks + "/{id}", Remove);
        routes.MapPost(Routes.Webhooks + "/{id}/test", TestAsync);
        routes.MapGet(Routes.Webhooks + "/{id}/deliveries", DeliveriesAsync);
    }

    private Task ListAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Admin);
        return context.AnswerAsync(new WebhookList(_outbox.List()), ProtocolJson.Default.WebhookList);
    }

    private async Task CreateAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        var made = _outbox.Create(await context.ReadAsync(ProtocolJson.Default.WebhookRequest, BodyLimits.Small));
        audit.Note(Actor.Token(token, context), "webhook.add", made.Id, after: string.Join(' ', made.Events));
        await context.AnswerAsync(made, ProtocolJson.Default.WebhookInfo);
    }

    private Task Remove(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        _outbox.Remove(IdOf(context));
        audit.Note(Actor.Token(token, context), "webhook.remove", IdOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task TestAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Admin);
        using var sender = new WebhookSender(data, _outbox, time);
        await context.AnswerAsync(await sender.SendAsync(_outbox.AddPing(IdOf(context)), context.RequestAborted), ProtocolJson.Default.DeliveryInfo);
    }

    private Task DeliveriesAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Admin);
        return context.AnswerAsync(new DeliveryList(_outbox.Deliveries(IdOf(context), context.LimitOf())), ProtocolJson.Default.DeliveryList);
    }

    private static string IdOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";
}
