using System.Globalization;
using System.Net;
using System.Text;

namespace ContentTree.Deploy.Pages;

/// <summary>What a request gets. Every answer says what a page may load, and is kept by nobody.</summary>
internal sealed class PageAnswer
{
    private const string Policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private readonly string _type;
    private readonly string _headers;

    private PageAnswer(HttpStatusCode status, string type, byte[] body, string headers = "") => (Status, _type, Body, _headers) = (status, type, body, headers);

    public HttpStatusCode Status { get; }

    public byte[] Body { get; }

    /// <summary>A cookie to keep; null to leave things as they are.</summary>
    public string? Cookie { get; init; }

    public static PageAnswer Page(Html page, HttpStatusCode status = HttpStatusCode.OK) => new(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(page.ToString()));

    public static PageAnswer Style(byte[] sheet) => new(HttpStatusCode.OK, "text/css; charset=utf-8", sheet);

    public static PageAnswer Empty() => new(HttpStatusCode.NoContent, "text/plain", []);

    /// <summary>For who is not shown pages: a strange name in the address bar, no HTTP.</summary>
    public static PageAnswer Text(HttpStatusCode status, string text, string headers = "") => new(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text + "\n"), headers);

    /// <summary>To another page of this one.</summary>
    public static PageAnswer Go(string path) => new(HttpStatusCode.SeeOther, "text/plain", [], $"Location: {path}\r\n");

    /// <summary>Not now.</summary>
    public static PageAnswer Later(Html page, TimeSpan wait) => new(HttpStatusCode.TooManyRequests, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(page.ToString()),
        string.Create(CultureInfo.InvariantCulture, $"Retry-After: {Math.Ceiling(wait.TotalSeconds)}\r\n"));

    public PageAnswer With(string cookie) => new(Status, _type, Body, _headers) { Cookie = cookie };

    public byte[] EncodeHead()
    {
        var cookie = Cookie is null ? "" : $"Set-Cookie: {Cookie}; Path=/; HttpOnly; SameSite=Strict\r\n";
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {(int)Status} {Status}\r\n{_headers}{cookie}Content-Type: {_type}\r\nContent-Length: {Body.Length.ToString(CultureInfo.InvariantCulture)}\r\n" +
            $"Content-Security-Policy: {Policy}\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n" +
            "Referrer-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
    }
}
