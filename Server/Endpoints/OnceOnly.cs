using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Has a request that names itself (<c>Idempotency-Key</c>) done once: said again by the same token within a day it gets the same answer.
/// What was refused or failed may be said again and is tried again.
/// </summary>
internal sealed class OnceOnly(Database database, TokenAccess access, TimeProvider time) : IDisposable
{
    public const string Header = "Idempotency-Key";

    private const int MaxKey = 100;

    private static readonly TimeSpan Memory = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<(string Token, string Key), byte> _running = new();

    // What a load balancer says again elsewhere while it is being done here.
    private readonly Leases _leases = new(database, time);

    /// <param name="roles">Of which one is needed; the same as those of <paramref name="next"/>.</param>
    public RequestDelegate Wrap(RequestDelegate next, params string[] roles) => context =>
        context.Request.Headers.TryGetValue(Header, out var key) ? RunAsync(context, Checked(key.ToString()), next, roles) : next(context);

    public void Dispose() => _leases.Dispose();

    private async Task RunAsync(HttpContext context, string key, RequestDelegate next, string[] roles)
    {
        var token = access.RequireAny(context, roles).Id;
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{context.Request.Method} {context.Request.Path}\n"), .. body]));
        if (!_running.TryAdd((token, key), 0))
            throw new ProblemException(ProblemCode.Unavailable, "the same request is being done", retryAfter: TimeSpan.FromSeconds(2));
        var work = $"request {token} {key}";
        try
        {
            if (!_leases.TryHold(work))
                throw new ProblemException(ProblemCode.Unavailable, "the same request is being done by another server", retryAfter: TimeSpan.FromSeconds(2));
            if (Find(token, key, hash) is { } known)
            {
                context.Response.Headers["Idempotency-Replayed"] = "true";
                await AnswerAsync(context, context.Response.Body, Encoding.UTF8.GetBytes(known));
                return;
            }
            context.Request.Body = new MemoryStream(body);
            await CaptureAsync(context, next, answer => Store(token, key, hash, answer));
        }
        finally
        {
            _leases.Release(work);
            _running.TryRemove((token, key), out _);
        }
    }

    private static async Task CaptureAsync(HttpContext context, RequestDelegate next, Action<string> store)
    {
        var wire = context.Response.Body;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = wire;
        }
        // Before it is sent: what is lost on the way can be asked for again.
        if (context.Response.StatusCode == StatusCodes.Status200OK)
            store(Encoding.UTF8.GetString(answer.ToArray()));
        await AnswerAsync(context, wire, answer.ToArray());
    }

    private static async Task AnswerAsync(HttpContext context, Stream wire, byte[] answer)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await wire.WriteAsync(answer, context.RequestAborted);
    }

    private string? Find(string token, string key, string hash)
    {
        using var connection = database.Connect();
        if (connection.Query("SELECT hash, answer FROM requests_done WHERE token = $token AND name = $key AND time > $old", row => (Hash: row.Text("hash"), Answer: row.Text("answer")),
            ("$token", token), ("$key", key), ("$old", time.GetUtcNow() - Memory)) is not [var done])
            return null;
        return done.Hash == hash ? done.Answer : throw new ProblemException(ProblemCode.Conflict, $"another request had this {Header}");
    }

    private void Store(string token, string key, string hash, string answer)
    {
        using var connection = database.Connect();
        connection.Execute("DELETE FROM requests_done WHERE time <= $old", ("$old", time.GetUtcNow() - Memory));
        connection.Execute("INSERT INTO requests_done (token, name, hash, answer, time) VALUES ($token, $key, $hash, $answer, $now) ON CONFLICT DO NOTHING",
            ("$token", token), ("$key", key), ("$hash", hash), ("$answer", answer), ("$now", time.GetUtcNow()));
    }

    private static string Checked(string key) => key.Length is > 0 and <= MaxKey && key.All(c => char.IsAsciiLetterOrDigit(c) || "-_.:".Contains(c))
        ? key
        : throw new ProblemException(ProblemCode.BadRequest, $"{Header} is up to {MaxKey} letters, digits, '-', '_', '.' and ':'");
}
