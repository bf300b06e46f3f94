using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>webhook add|list|remove|test|deliveries</c>: who elsewhere is told what happens.</summary>
internal static class WebhookCommand
{
    public static Command Create(CommandContext context) => new("webhook", "Tell others over HTTP what happens.")
    {
        Add(context), List(context), Remove(context), Test(context), Deliveries(context),
    };

    private static Command Add(CommandContext context)
    {
        var url = new Argument<string>("URL") { Description = "where it is POSTed to" };
        var events = new Option<string[]>("--event")
        {
            Description = $"which: {string.Join(", ", WebhookEvent.All)}, device.*, or *; several with commas or given several times",
            HelpName = "EVENT",
            Required = true,
        };
        return OnWebhooks(context, new Command("add", "Tell an address of events; prints the secret that deliveries are signed with, once.") { url, events }, async (data, outbox, client, parsed, cancellation) =>
        {
            var request = new WebhookRequest(parsed.GetRequiredValue(url), [.. (parsed.GetValue(events) ?? []).SelectMany(e => e.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]);
            var made = client is null
                ? outbox!.Create(request)
                : await client.PostAsync(Routes.Webhooks, request, ProtocolJson.Default.WebhookRequest, ProtocolJson.Default.WebhookInfo, cancellation);
            if (data is not null)
                context.Note(data, "webhook.add", made.Id, after: string.Join(' ', made.Events));
            context.Terminal.Error.WriteLine($"webhook {made.Id}; its secret, shown this once:");
            context.Terminal.Out.WriteLine(made.Secret);
            return ExitCode.Done;
        });
    }

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return OnWebhooks(context, new Command("list", "All webhooks.") { json }, async (_, outbox, client, parsed, cancellation) =>
        {
            var webhooks = client is null ? outbox!.List() : (await client.GetAsync(Routes.Webhooks, ProtocolJson.Default.WebhookList, cancellation)).Webhooks;
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.webhooks/1", JsonSerializer.SerializeToNode(new WebhookList(webhooks), ProtocolJson.Default.WebhookList) as JsonObject ?? []);
            else
                context.Terminal.PrintTable(["WEBHOOK", "URL", "EVENTS", "CREATED", "WAITING"], [.. webhooks.Select(w => new[] { w.Id, w.Url, string.Join(',', w.Events), Printing.Time(w.Created), $"{w.Waiting}" })]);
            return ExitCode.Done;
        });
    }

    private static Command Remove(CommandContext context)
    {
        var id = Id();
        return OnWebhooks(context, new Command("remove", "Remove a webhook and what is on its way to it.") { id }, async (data, outbox, client, parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(id);
            if (client is not null)
            {
                await client.DeleteAsync(Routes.Webhook(name), cancellation);
                return ExitCode.Done;
            }
            outbox!.Remove(name);
            context.Note(data!, "webhook.remove", name);
            return ExitCode.Done;
        });
    }

    private static Command Test(CommandContext context)
    {
        var id = Id();
        return OnWebhooks(context, new Command("test", "Deliver a ping now, and say how that went.") { id }, async (data, outbox, client, parsed, cancellation) =>
        {
            var sent = client is null ? await SendAsync(data!, outbox!, context, parsed.GetRequiredValue(id), cancellation)
                : await client.PostAsync(Routes.Webhook(parsed.GetRequiredValue(id)) + "/test", ProtocolJson.Default.DeliveryInfo, cancellation);
            if (sent.Error is not { } error)
            {
                context.Terminal.Out.WriteLine($"delivered: {sent.Code}");
                return ExitCode.Done;
            }
            context.Terminal.Error.WriteLine($"ctree-server: not delivered: {error}");
            return ExitCode.Unreachable;
        });
    }

    private static async Task<DeliveryInfo> SendAsync(DataDirectory data, Outbox outbox, CommandContext context, string id, CancellationToken cancellation)
    {
        using var sender = new WebhookSender(data, outbox, context.Time);
        return await sender.SendAsync(outbox.AddPing(id), cancellation);
    }

    private static Command Deliveries(CommandContext context)
    {
        var id = Id();
        var json = CommandContext.Json();
        return OnWebhooks(context, new Command("deliveries", "The newest deliveries and what came of them.") { id, json }, async (_, outbox, client, parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(id);
            var deliveries = client is null ? outbox!.Deliveries(name, 100) : (await client.GetAsync(Routes.Webhook(name) + "/deliveries", ProtocolJson.Default.DeliveryList, cancellation)).Deliveries;
            if (parsed.GetValue(json))
            {
                context.Terminal.PrintJson("ctree-server.deliveries/1", JsonSerializer.SerializeToNode(new DeliveryList(deliveries), ProtocolJson.Default.DeliveryList) as JsonObject ?? []);
            }
            else
            {
                context.Terminal.PrintTable(["DELIVERY", "EVENT", "CREATED", "STATE", "ATTEMPTS", "NEXT", "CODE", "ERROR"],
                    [.. deliveries.Select(d => new[] { $"{d.Id}", d.Event, Printing.Time(d.Created), d.State, $"{d.Attempts}", Printing.Time(d.Next), $"{d.Code}", d.Error ?? "" })]);
            }
            return ExitCode.Done;
        });
    }

    private static Argument<string> Id() => new("WEBHOOK") { Description = "a webhook's id, as 'webhook list' shows it" };

    private static Command OnWebhooks(CommandContext context, Command command, Func<DataDirectory?, Outbox?, ServerClient?, ParseResult, CancellationToken, Task<ExitCode>> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            using var data = client is null ? context.OpenData(parsed) : null;
            return await run(data, data is null ? null : new Outbox(data.OpenDatabase(), context.Time), client, parsed, cancellation);
        });
    }
}
