using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>Reads whole bodies up to a limit, and writes answers that say their length.</summary>
internal static class Messages
{
    private const int PageSize = 100;
    private const int MaxPageSize = 1000;

    /// <exception cref="BadHttpRequestException">The body is longer than the limit.</exception>
    public static async Task<byte[]> ReadBodyAsync(this HttpContext context, int limit)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = limit;
        using var body = new MemoryStream((int)Math.Clamp(context.Request.ContentLength ?? 0, 0, limit));
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    /// <summary>How many rows of a list are asked for.</summary>
    /// <exception cref="ProblemException">Not a number that is allowed.</exception>
    public static int LimitOf(this HttpContext context)
    {
        var limit = PageSize;
        return context.Request.Query["limit"].ToString() is { Length: > 0 } asked &&
            (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxPageSize)
            ? throw new ProblemException(ProblemCode.BadRequest, $"limit is a number from 1 to {MaxPageSize}")
            : limit;
    }

    /// <summary>A number in the query; null when it is not there.</summary>
    /// <exception cref="ProblemException">It is none.</exception>
    public static long? NumberOf(this HttpContext context, string name) =>
        context.Request.Query[name].ToString() is { Length: > 0 } text ? ParseNumber(text, name) : null;

    /// <exception cref="ProblemException">It is none.</exception>
    public static long ParseNumber(string text, string name) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new ProblemException(ProblemCode.BadRequest, $"{name} is a number");

    /// <exception cref="JsonException">Not such a message.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type) =>
        ProtocolMessage.Parse(body, type);

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
