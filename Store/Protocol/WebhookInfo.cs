namespace ContentTree.Store.Protocol;

/// <summary>Somebody elsewhere is to be told what happens.</summary>
/// <param name="Url">Where it is POSTed to.</param>
/// <param name="Events">Which events: their names, "device.*" for all of a kind, "*" for all.</param>
public sealed record WebhookRequest(string Url, IReadOnlyList<string> Events);

/// <summary>A webhook.</summary>
/// <param name="Id">Its name here: 8 hex digits.</param>
/// <param name="Url">Where it is POSTed to.</param>
/// <param name="Events">Which events.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Waiting">Deliveries that are still to be made.</param>
/// <param name="Secret">What deliveries are signed with: only in the answer that made it.</param>
public sealed record WebhookInfo(string Id, string Url, IReadOnlyList<string> Events, DateTimeOffset Created, long Waiting = 0, string? Secret = null);

/// <summary>All webhooks, oldest first.</summary>
public sealed record WebhookList(IReadOnlyList<WebhookInfo> Webhooks);

/// <summary>One event on its way to one webhook.</summary>
/// <param name="Id">Counts up; the same for every attempt.</param>
/// <param name="Webhook">Whose.</param>
/// <param name="Event">What happened.</param>
/// <param name="Created">When.</param>
/// <param name="State">"waiting", "done" or "lost": after a day nobody tries any more.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Next">When it is tried again, while it waits.</param>
/// <param name="Code">The last HTTP status.</param>
/// <param name="Error">Why the last attempt failed.</param>
public sealed record DeliveryInfo(
    long Id, string Webhook, string Event, DateTimeOffset Created, string State, long Attempts, DateTimeOffset? Next = null, int? Code = null, string? Error = null);

/// <summary>Deliveries, newest first.</summary>
public sealed record DeliveryList(IReadOnlyList<DeliveryInfo> Deliveries);
