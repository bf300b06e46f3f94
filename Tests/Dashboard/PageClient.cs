using System.Net;
using System.Text.RegularExpressions;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>A browser without a screen: keeps cookies, reads a page's form token and sends forms as a page of the server would.</summary>
internal sealed partial class PageClient : IDisposable
{
    public const string Password = "four quiet words here";

    private readonly HttpClient _http;
    private readonly CookieContainer _cookies = new();
    private readonly string _url;
    private string _page = "/";

    public PageClient(TestServer server)
    {
        _url = server.Url;
        _http = new HttpClient(new SocketsHttpHandler { CookieContainer = _cookies, AllowAutoRedirect = false }) { BaseAddress = new Uri(server.Url) };
    }

    /// <summary>Somebody who is logged in.</summary>
    public static async Task<PageClient> LogInAsync(TestServer server, string role = TokenRole.Admin, string name = "ada")
    {
        var users = new Users(server.Data.OpenDatabase(), server.Time);
        if (users.List().All(u => u.Name != name))
            users.Add(name, role, Password);
        var client = new PageClient(server);
        await client.ReadAsync("/login");
        var answer = await client.PostAsync("/login", ("name", name), ("password", Password));
        answer.StatusCode.Should().Be(HttpStatusCode.SeeOther, await answer.Content.ReadAsStringAsync());
        return client;
    }

    /// <summary>The token of the page that was read last.</summary>
    public string FormToken { get; set; } = "";

    public string? Cookie(string name) => _cookies.GetCookies(new Uri(_url))[name]?.Value;

    public CookieCollection Cookies => _cookies.GetCookies(new Uri(_url));

    public async Task<HttpResponseMessage> GetAsync(string path)
    {
        _page = path;
        var answer = await _http.GetAsync(path);
        if (TokenPattern().Match(await answer.Content.ReadAsStringAsync()) is { Success: true } found)
            FormToken = found.Groups[1].Value;
        return answer;
    }

    /// <summary>As a proxy would pass it on.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var answer = await _http.SendAsync(request);
        if (TokenPattern().Match(await answer.Content.ReadAsStringAsync()) is { Success: true } found)
            FormToken = found.Groups[1].Value;
        return answer;
    }

    /// <summary>A page that must be there.</summary>
    public async Task<string> ReadAsync(string path)
    {
        var answer = await GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, $"{path}: {answer.Headers.Location} {text}");
        return text;
    }

    public Task<HttpResponseMessage> PostAsync(string path, params (string Name, string Value)[] fields) => PostFromAsync(path, [], fields);

    /// <summary>A form with headers of another place.</summary>
    public async Task<HttpResponseMessage> PostFromAsync(string path, (string Name, string Value)[] headers, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent(fields.Prepend(("form-token", FormToken)).Select(f => KeyValuePair.Create(f.Item1, f.Item2))),
        };
        // As browsers do: where somebody's wish cannot be met, he is led back.
        if (headers.Length == 0)
            request.Headers.Referrer = new Uri(_url + _page);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await _http.SendAsync(request);
    }

    /// <summary>Sends a form with a file; the token may be missing.</summary>
    public async Task<HttpResponseMessage> UploadAsync(string path, string? token, string branch, string file, byte[] content)
    {
        using var form = new MultipartFormDataContent();
        if (token is not null)
            form.Add(new StringContent(token), "form-token");
        form.Add(new StringContent(branch), "branch");
        form.Add(new ByteArrayContent(content), "file", file);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Referrer = new Uri(_url + "/publish");
        return await _http.SendAsync(request);
    }

    /// <summary>Sends a form and reads the page that it leads to.</summary>
    public async Task<string> DoAsync(string path, params (string Name, string Value)[] fields)
    {
        var answer = await PostAsync(path, fields);
        answer.StatusCode.Should().Be(HttpStatusCode.SeeOther, await answer.Content.ReadAsStringAsync());
        return await ReadAsync(answer.Headers.Location!.ToString());
    }

    public void Dispose() => _http.Dispose();

    [GeneratedRegex("name=\"form-token\" value=\"([0-9a-f]+)\"")]
    private static partial Regex TokenPattern();
}
