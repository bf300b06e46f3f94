namespace ContentTree.Deploy.Config;

/// <summary>A server's address: http or https, no query, any path prefix.</summary>
internal static class ServerUrl
{
    public static bool TryParse(string text, out Uri? server) =>
        Uri.TryCreate(text, UriKind.Absolute, out server) && server.Scheme is "http" or "https" &&
        server is { Query: "", Fragment: "", UserInfo: "" };
}
