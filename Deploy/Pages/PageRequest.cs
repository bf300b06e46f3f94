using System.Globalization;
using System.Net;
using System.Text;
using ContentTree.Deploy.Http;

namespace ContentTree.Deploy.Pages;

/// <summary>What a browser asks of the page.</summary>
internal sealed class PageRequest
{
    private readonly RequestHead _head;

    private PageRequest(RequestHead head, long length, IPEndPoint local, IPAddress remote) => (_head, Length, Local, Remote) = (head, length, local, remote);

    public string Method => _head.Method;

    public string Path => _head.Path;

    /// <summary>Bytes of the body; -1 when it is not said.</summary>
    public long Length { get; }

    /// <summary>The address of this device that was asked.</summary>
    public IPEndPoint Local { get; }

    public IPAddress Remote { get; }

    /// <summary>The name that the address bar shows, with its port.</summary>
    public string Host => _head.Header("Host") ?? "";

    /// <summary>The page that the form stood on, as far as the browser says it.</summary>
    public string? Origin => _head.Header("Origin");

    public string ContentType => _head.Header("Content-Type") ?? "";

    public bool WantsContinue => string.Equals(_head.Header("Expect"), "100-continue", StringComparison.OrdinalIgnoreCase);

    /// <returns>Null for what is no HTTP, or brings a body whose length is not plain.</returns>
    public static PageRequest? TryParse(ReadOnlySpan<byte> head, IPEndPoint local, IPAddress remote)
    {
        if (RequestHead.TryParse(head) is not { } parsed || parsed.Header("Transfer-Encoding") is not null)
            return null;
        long length = parsed.Method == "GET" ? 0 : -1;
        if (parsed.Header("Content-Length") is { } text && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length))
            return null;
        return new PageRequest(parsed, length, local, remote);
    }

    public string? Cookie(string name)
    {
        foreach (var cookie in (_head.Header("Cookie") ?? "").Split(';', StringSplitOptions.TrimEntries))
        {
            if (cookie.StartsWith(name + "=", StringComparison.Ordinal))
                return cookie[(name.Length + 1)..];
        }
        return null;
    }

    /// <summary>The fields of a small form.</summary>
    public static Dictionary<string, string> Fields(ReadOnlySpan<byte> form)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in Encoding.ASCII.GetString(form).Split('&'))
        {
            if (pair.Split('=') is [var name, var value])
                fields.TryAdd(WebUtility.UrlDecode(name), WebUtility.UrlDecode(value));
        }
        return fields;
    }
}
