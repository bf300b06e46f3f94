using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Webhooks;

/// <summary>A delivery that is to be tried.</summary>
/// <param name="Failures">How often in a row its webhook has not taken anything.</param>
internal sealed record DueDelivery(long Id, string Webhook, string Url, string Secret, string Event, byte[] Body, long Failures, DateTimeOffset Created);

/// <summary>
/// The webhooks, and what is on its way to them: written down when something happens, whichever process it happens in, and delivered by a
/// running server. Whoever makes something happen that others may want to hear of calls <see cref="Add"/>.
/// </summary>
internal sealed class Outbox(Database database, TimeProvider time)
{
    /// <summary>Deliveries that wait for one webhook, at most; the oldest are lost.</summary>
    public const int MaxWaiting = 5000;

    private const string Waiting = "waiting";
    private const string Done = "done";
    private const string Lost = "lost";
    private const string Trying = "trying";
    private const int KeptDone = 200;
    private const int MaxWebhooks = 100;
    private const int MaxEvents = 32;
    private const int MaxUrl = 2000;
    private const int SecretBytes = 32;
    private const int MaxError = 500;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="FormatException">The address or an event makes no sense.</exception>
    public WebhookInfo Create(WebhookRequest request)
    {
        var url = Checked(request);
        var (id, secret) = (RandomNumberGenerator.GetHexString(8, lowercase: true), Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));
        using var connection = database.Connect();
        if (connection.Query("SELECT count(*) AS number FROM webhooks", row => row.Number("number"))[0] >= MaxWebhooks)
            throw new FormatException($"there are {MaxWebhooks} webhooks already");
        connection.Execute("INSERT INTO webhooks (id, url, events, secret, created, failures, next) VALUES ($id, $url, $events, $secret, $now, 0, $now)",
            ("$id", id), ("$url", url), ("$events", string.Join(' ', request.Events)), ("$secret", secret), ("$now", time.GetUtcNow()));
        return Find(id) with { Secret = secret };
    }

    public IReadOnlyList<WebhookInfo> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT w.*, (SELECT count(*) FROM deliveries d WHERE d.webhook = w.id AND d.state = 'waiting') AS waiting FROM webhooks w ORDER BY w.created, w.id", Read);
    }

    /// <exception cref="NotFoundException">There is no such webhook.</exception>
    public WebhookInfo Find(string id) => List().FirstOrDefault(w => w.Id == id) ?? throw Unknown(id);

    /// <summary>Removes a webhook and what was on its way to it.</summary>
    /// <exception cref="NotFoundException">There is no such webhook.</exception>
    public void Remove(string id)
    {
        using var connection = database.Connect();
        if (connection.Execute("DELETE FROM webhooks WHERE id = $id", ("$id", id)) == 0)
            throw Unknown(id);
    }

    /// <summary>Tells those who want to hear of it what a device has reported, within the transaction that writes the report down.</summary>
    public void Tell(DbConnection connection, KeyId device, IEnumerable<ReportEvent> news)
    {
        var told = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var item in news)
        {
            if (WebhookEvent.OfReport(item.Kind) is not { } name || Wanting(connection, name) is not { Length: > 0 } wanting)
                continue;
            var about = JsonSerializer.SerializeToNode(item, ProtocolJson.Default.ReportEvent) as JsonObject ?? [];
            about["device"] = device.ToString();
            foreach (var id in wanting)
                Write(connection, id, name, about);
            told.UnionWith(wanting);
        }
        // Reports of other devices run beside this one: whoever throws away what is too much for several webhooks does so in one order.
        foreach (var id in told)
            Trim(connection, id);
    }

    /// <summary>Tells those who want to hear of it.</summary>
    /// <param name="name">One of <see cref="WebhookEvent"/>.</param>
    /// <param name="data">What there is to tell.</param>
    /// <returns>Whether there is anything to deliver.</returns>
    public bool Add(string name, JsonObject data)
    {
        using var connection = database.Connect();
        if (Wanting(connection, name).Length == 0)
            return false;
        using var transaction = connection.BeginWriting();
        Add(connection, name, data);
        transaction.Commit();
        return true;
    }

    /// <summary>The same within somebody's transaction: what happened and what is told of it are written together, or neither is.</summary>
    public void Add(DbConnection connection, string name, JsonObject data)
    {
        foreach (var id in Wanting(connection, name))
        {
            Write(connection, id, name, data);
            Trim(connection, id);
        }
    }

    /// <summary>Makes a delivery for one webhook only, which nobody else tries.</summary>
    /// <exception cref="NotFoundException">There is no such webhook.</exception>
    public DueDelivery AddPing(string id)
    {
        Find(id);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        var delivery = Read(connection, Write(connection, id, WebhookEvent.Ping, new JsonObject { ["webhook"] = id }, Trying));
        transaction.Commit();
        return delivery;
    }

    /// <summary>The webhooks that have something waiting and no pause.</summary>
    public IReadOnlyList<string> Due()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT id FROM webhooks w WHERE next <= $now AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = w.id AND d.state = 'waiting') ORDER BY next, id",
            row => row.Text("id"), ("$now", time.GetUtcNow()));
    }

    /// <summary>Takes a webhook's next delivery for an attempt; null when another process has, or there is none. What was refused goes behind what was not tried.</summary>
    public DueDelivery? Claim(string webhook)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        var now = time.GetUtcNow();
        if (connection.Query("SELECT id FROM deliveries WHERE webhook = $webhook AND state = 'waiting' ORDER BY attempts, id LIMIT 1", row => row.Number("id"), ("$webhook", webhook)) is not [var id] ||
            connection.Execute("UPDATE webhooks SET next = $later WHERE id = $webhook AND next <= $now", ("$later", now + WebhookSender.Patience * 3), ("$webhook", webhook), ("$now", now)) == 0)
            return null;
        connection.Execute("UPDATE deliveries SET attempts = attempts + 1 WHERE id = $id", ("$id", id));
        var due = Read(connection, id);
        transaction.Commit();
        return due;
    }

    public void RecordDone(DueDelivery delivery, int code)
    {
        Record(delivery, Done, code, null);
        Pause(delivery, failures: 0, time.GetUtcNow());
    }

    /// <param name="retry">When the webhook is tried again.</param>
    /// <param name="isLast">This delivery is not.</param>
    public void RecordFailed(DueDelivery delivery, int? code, string error, DateTimeOffset retry, bool isLast)
    {
        Record(delivery, isLast || delivery.Event == WebhookEvent.Ping ? Lost : Waiting, code, error.Length <= MaxError ? error : error[..MaxError]);
        Pause(delivery, delivery.Failures + 1, retry);
    }

    /// <summary>The newest deliveries, newest first.</summary>
    /// <exception cref="NotFoundException">There is no such webhook.</exception>
    public IReadOnlyList<DeliveryInfo> Deliveries(string webhook, int limit)
    {
        Find(webhook);
        using var connection = database.Connect();
        return connection.Query("SELECT d.*, w.next FROM deliveries d JOIN webhooks w ON w.id = d.webhook WHERE d.webhook = $webhook ORDER BY d.id DESC LIMIT $limit", ReadDelivery, ("$webhook", webhook), ("$limit", limit));
    }

    public DeliveryInfo Delivery(long id)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT d.*, w.next FROM deliveries d JOIN webhooks w ON w.id = d.webhook WHERE d.id = $id", ReadDelivery, ("$id", id)) is [var delivery] ? delivery : throw new NotFoundException($"no delivery {id}");
    }

    private static DueDelivery Read(DbConnection connection, long id) => connection.Query("SELECT d.*, w.url, w.secret, w.failures FROM deliveries d JOIN webhooks w ON w.id = d.webhook WHERE d.id = $id", row => new DueDelivery(
        row.Number("id"), row.Text("webhook"), row.Text("url"), row.Text("secret"), row.Text("event"), System.Text.Encoding.UTF8.GetBytes(row.Text("body")), row.Number("failures"), row.Time("created")),
        ("$id", id)) is [var due] ? due : throw new NotFoundException($"no delivery {id}");

    private static string[] Wanting(DbConnection connection, string name) =>
        [.. connection.Query("SELECT id, events FROM webhooks ORDER BY id", row => (Id: row.Text("id"), Events: row.Text("events").Split(' ')))
            .Where(webhook => webhook.Events.Any(asked => WebhookEvent.Covers(asked, name))).Select(webhook => webhook.Id)];

    private long Write(DbConnection connection, string webhook, string name, JsonObject data, string state = Waiting)
    {
        var now = time.GetUtcNow();
        var id = connection.Query("INSERT INTO deliveries (webhook, event, body, created, state, attempts) VALUES ($webhook, $event, '', $now, $state, 0) RETURNING id", row => row.Number("id"),
            ("$webhook", webhook), ("$event", name), ("$now", now), ("$state", state))[0];
        var body = new JsonObject { ["id"] = id, ["event"] = name, ["time"] = Commands.Printing.Time(now), ["data"] = data.DeepClone() };
        connection.Execute("UPDATE deliveries SET body = $body WHERE id = $id", ("$body", body.ToJsonString(Plain)), ("$id", id));
        ChangeBell.Ring(connection);
        return id;
    }

    private static void Trim(DbConnection connection, string webhook) =>
        connection.Execute("UPDATE deliveries SET state = 'lost', error = 'too many were waiting' WHERE webhook = $webhook AND state = 'waiting' AND id <= " +
            "(SELECT id FROM deliveries WHERE webhook = $webhook AND state = 'waiting' ORDER BY id DESC LIMIT 1 OFFSET $most)", ("$webhook", webhook), ("$most", MaxWaiting));

    private void Pause(DueDelivery delivery, long failures, DateTimeOffset until)
    {
        // A try of a person says nothing of what is waiting.
        if (delivery.Event == WebhookEvent.Ping)
            return;
        using var connection = database.Connect();
        connection.Execute("UPDATE webhooks SET failures = $failures, next = $until WHERE id = $id", ("$failures", failures), ("$until", until), ("$id", delivery.Webhook));
    }

    private void Record(DueDelivery delivery, string state, int? code, string? error)
    {
        using var connection = database.Connect();
        connection.Execute("UPDATE deliveries SET state = $state, code = $code, error = $error WHERE id = $id", ("$state", state), ("$code", code), ("$error", error), ("$id", delivery.Id));
        if (state != Waiting)
        {
            connection.Execute("DELETE FROM deliveries WHERE webhook = $webhook AND state <> 'waiting' AND id <= " +
                "(SELECT id FROM deliveries WHERE webhook = $webhook AND state <> 'waiting' ORDER BY id DESC LIMIT 1 OFFSET $most)", ("$webhook", delivery.Webhook), ("$most", KeptDone));
        }
    }

    private static string Checked(WebhookRequest request)
    {
        if (request.Url.Length > MaxUrl || !Uri.TryCreate(request.Url, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0 || url.UserInfo.Length > 0 || url.Fragment.Length > 0)
            throw new FormatException("a webhook goes to an address such as https://chat.example/hooks/x, without name and password");
        if (request.Events.Count is 0 or > MaxEvents || request.Events.FirstOrDefault(asked => !WebhookEvent.IsKnown(asked)) is not null)
            throw new FormatException($"{(request.Events.FirstOrDefault(asked => !WebhookEvent.IsKnown(asked)) is { } wrong ? $"'{wrong}' is no event" : "an event is missing")}: {string.Join(", ", WebhookEvent.All)}, 'device.*', '*'");
        return url.AbsoluteUri;
    }

    private static NotFoundException Unknown(string id) => new($"no webhook '{id}'; 'webhook list' shows all");

    private static WebhookInfo Read(DbDataReader row) => new(row.Text("id"), row.Text("url"), row.Text("events").Split(' '), row.Time("created"), row.Number("waiting"));

    private static DeliveryInfo ReadDelivery(DbDataReader row) => new(
        row.Number("id"), row.Text("webhook"), row.Text("event"), row.Time("created"), row.Text("state"), row.Number("attempts"), row.Text("state") == Waiting ? row.Time("next") : null,
        row.IsDBNull(row.GetOrdinal("code")) ? null : (int)row.Number("code"), row.TextOrNull("error"));
}
