namespace ContentTree.Server.Endpoints;

/// <summary>The OpenAPI documents of this very program.</summary>
internal static class OpenApiEndpoints
{
    private static readonly Lazy<byte[]> Device = new(OpenApiDocument.ForDevices);
    private static readonly Lazy<byte[]> Management = new(OpenApiDocument.ForPeople);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/openapi/device.json", context => AnswerAsync(context, Device.Value));
        routes.MapGet("/openapi/management.json", context => AnswerAsync(context, Management.Value));
    }

    private static async Task AnswerAsync(HttpContext context, byte[] document)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = document.Length;
        await context.Response.Body.WriteAsync(document, context.RequestAborted);
    }
}
