using System.Security.Cryptography;

namespace ContentTree.Server.Dashboard;

/// <summary>The style sheet, the script and the icon. Their addresses hold their hash, so browsers keep them for ever.</summary>
internal sealed class OwnFiles
{
    private static readonly OwnFiles Own = new();

    private readonly Dictionary<string, (byte[] Bytes, string Type)> _files = [];

    private OwnFiles()
    {
        Style = Load("dashboard.css", "text/css; charset=utf-8");
        Script = Load("dashboard.js", "text/javascript; charset=utf-8");
        Icon = Load("icon.svg", "image/svg+xml");
    }

    public static string StylePath => Own.Style;

    public static string ScriptPath => Own.Script;

    public static string IconPath => Own.Icon;

    private string Style { get; }

    private string Script { get; }

    private string Icon { get; }

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/assets/{file}", context =>
    {
        if (!Own._files.TryGetValue(context.Request.Path, out var file))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        context.Response.ContentType = file.Type;
        context.Response.ContentLength = file.Bytes.Length;
        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.Body.WriteAsync(file.Bytes, context.RequestAborted).AsTask();
    });

    private string Load(string name, string type)
    {
        using var stream = typeof(OwnFiles).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not in the program");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var path = $"/assets/{name[..dot]}-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]}{name[dot..]}";
        _files[path] = (bytes, type);
        return path;
    }
}
