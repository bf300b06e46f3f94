using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>Reads whole bodies up to a limit, and writes answers that say their length.</summary>
internal static class Messages
{
    /// <exception cref="BadHttpRequestException">The body is longer than the limit.</exception>
    public static async Task<byte[]> ReadBodyAsync(this HttpContext context, int limit)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = limit;
        using var body = new MemoryStream((int)Math.Clamp(context.Request.ContentLength ?? 0, 0, limit));
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    /// <exception cref="JsonException">Not such a message.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(body, type) ?? throw new JsonException("the body is null");

    public static async Task<T> ReadAsync<T>(this HttpContext context, JsonTypeInfo<T> type, int limit) =>
        Parse(await context.ReadBodyAsync(limit), type);

    public static async Task AnswerAsync<T>(this HttpContext context, T message, JsonTypeInfo<T> type)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(message, type);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
