using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ContentTree.Tests.Dashboard;

/// <summary>
/// An identity provider that does what OpenID Connect Core 1.0 (section 3.1), RFC 6749 and RFC 7636 ask of one: a code is good once, for its client, its return address
/// and whoever has the verifier. It logs everybody in as <see cref="Person"/>, and lies where it is told to.
/// </summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Client = "content tree";
    public const string Secret = "s3cret:+/ of the client";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, (string Return, string Challenge, string Nonce)> _codes = new();
    private RSA _key = RSA.Create(2048);
    private int _keyNumber = 1;

    private TestIssuer()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.MapGet("/realm/.well-known/openid-configuration", context => JsonAsync(context, new()
        {
            ["issuer"] = NamedIssuer ?? Url,
            ["authorization_endpoint"] = $"{Url}/authorize",
            ["token_endpoint"] = $"{Url}/token",
            ["jwks_uri"] = $"{Url}/keys",
        }));
        _app.MapGet("/realm/keys", context => JsonAsync(context, new() { ["keys"] = new[] { PublicKey() } }));
        _app.MapGet("/realm/authorize", AuthorizeAsync);
        _app.MapPost("/realm/token", TokenAsync);
    }

    public string Url { get; private set; } = "";

    /// <summary>Who logs in, as claims.</summary>
    public Dictionary<string, object> Person { get; } = new() { ["preferred_username"] = "ada" };

    /// <summary>Changes what is signed.</summary>
    public Action<SecurityTokenDescriptor>? Lie { get; set; }

    /// <summary>Gives this in place of what it would sign.</summary>
    public Func<string, string>? Forge { get; set; }

    /// <summary>The issuer that its own document names, if another one.</summary>
    public string? NamedIssuer { get; set; }

    /// <summary>Refuses to log in.</summary>
    public string? Error { get; set; }

    public int Redeemed { get; private set; }

    public static async Task<TestIssuer> StartAsync()
    {
        var issuer = new TestIssuer();
        await issuer._app.StartAsync();
        issuer.Url = issuer._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single() + "/realm";
        return issuer;
    }

    /// <summary>Signs with another key from now on.</summary>
    public void ChangeKey() => (_key, _keyNumber) = (RSA.Create(2048), _keyNumber + 1);

    public byte[] PublicKeyBytes => _key.ExportSubjectPublicKeyInfo();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private Dictionary<string, string> PublicKey()
    {
        var parameters = _key.ExportParameters(false);
        return new() { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = $"{_keyNumber}", ["alg"] = "RS256", ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
    }

    private Task AuthorizeAsync(HttpContext context)
    {
        var asked = context.Request.Query;
        if (asked["client_id"] != Client || asked["response_type"] != "code" || asked["code_challenge_method"] != "S256" || !asked["scope"].ToString().Split(' ').Contains("openid") || asked["state"].Count == 0)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        }
        var code = RandomNumberGenerator.GetHexString(32);
        _codes[code] = (asked["redirect_uri"]!, asked["code_challenge"]!, asked["nonce"]!);
        var answer = Error is null ? $"code={code}" : $"error={Uri.EscapeDataString(Error)}";
        context.Response.Redirect($"{asked["redirect_uri"]}?{answer}&state={Uri.EscapeDataString(asked["state"]!)}&iss={Uri.EscapeDataString(Url)}");
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var basic = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(Client)}:{Uri.EscapeDataString(Secret)}"))}";
        if (context.Request.Headers.Authorization != basic || form["grant_type"] != "authorization_code" || !_codes.TryRemove(form["code"].ToString(), out var begun) || begun.Return != form["redirect_uri"] ||
            begun.Challenge != Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await JsonAsync(context, new() { ["error"] = "invalid_grant" });
            return;
        }
        Redeemed++;
        var described = new SecurityTokenDescriptor
        {
            Issuer = Url,
            Audience = Client,
            Expires = DateTime.UtcNow.AddMinutes(5),
            Claims = new Dictionary<string, object>(Person) { ["nonce"] = begun.Nonce, [ClaimTypes.Role] = "admin" },
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(_key) { KeyId = $"{_keyNumber}" }, SecurityAlgorithms.RsaSha256),
        };
        Lie?.Invoke(described);
        var token = new JsonWebTokenHandler().CreateToken(described);
        await JsonAsync(context, new() { ["id_token"] = Forge?.Invoke(token) ?? token, ["access_token"] = "none", ["token_type"] = "Bearer" });
    }

    private static Task JsonAsync(HttpContext context, Dictionary<string, object> content) => context.Response.WriteAsJsonAsync(content);
}
