using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>
/// Login at an identity provider: OpenID Connect's code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636). What belongs to one try
/// is derived from a secret in the browser's cookie, so that nothing is kept here and any server may end what another one began.
/// </summary>
internal sealed class IssuerLogin : IDisposable
{
    public const string Source = "issuer";

    private const string Path = "/login/issuer/return";
    private const int SecretBytes = 32;
    private const int MaxAnswer = 1 << 20;
    private const int MaxSaid = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    // What the issuer says of itself; a key that is not among them is asked for at once.
    private static readonly TimeSpan Fresh = TimeSpan.FromHours(12);

    private readonly IssuerLoginSettings _settings;
    private readonly string _dataPath;
    private readonly TimeProvider _time;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = Patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Patience, MaxResponseContentBufferSize = MaxAnswer };
    private (OpenIdConnectConfiguration Said, long At)? _known;

    public IssuerLogin(IssuerLoginSettings settings, string dataPath, TimeProvider time) => (_settings, _dataPath, _time) = (settings, dataPath, time);

    public bool IsOn => _settings.IsOn;

    /// <summary>Who is asked, for the button.</summary>
    public string Host => _settings.Issuer?.Host ?? "";

    private string Return => $"{_settings.Own!.AbsoluteUri.TrimEnd('/')}{Path}";

    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Where the browser goes to log in.</summary>
    /// <param name="secret">What its cookie has.</param>
    /// <exception cref="ProblemException">The issuer does not answer.</exception>
    public async Task<string> BeginAsync(string secret, CancellationToken cancellation)
    {
        var request = new OpenIdConnectMessage
        {
            IssuerAddress = (await ConfigurationAsync(cancellation)).AuthorizationEndpoint,
            ClientId = _settings.Client,
            ResponseType = OpenIdConnectResponseType.Code,
            RedirectUri = Return,
            Scope = "openid profile",
            State = Derive(secret, "state"),
            Nonce = Derive(secret, "nonce"),
        };
        request.SetParameter("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Derive(secret, "verifier")))));
        request.SetParameter("code_challenge_method", "S256");
        return request.CreateAuthenticationRequestUrl();
    }

    /// <summary>Who came back, and with which role.</summary>
    /// <param name="secret">What the browser's cookie has; null when it has none.</param>
    /// <param name="said">What the address says.</param>
    /// <exception cref="ProblemException">Nobody, or somebody without a role here; or the issuer does not answer.</exception>
    public async Task<(string Name, string Role)> EndAsync(string? secret, IQueryCollection said, CancellationToken cancellation)
    {
        // First of all: what another site made this browser send is nothing.
        if (secret is null || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Derive(secret, "state")), Encoding.UTF8.GetBytes(said["state"].ToString())))
            throw new ProblemException(ProblemCode.Forbidden, "this login was not begun in this browser, or too long ago; begin it again");
        var configuration = await ConfigurationAsync(cancellation);
        // RFC 9207: an answer of another issuer must not be taken to this one.
        if (said["iss"] is [{ } issuer] && issuer != configuration.Issuer)
            throw new ProblemException(ProblemCode.Forbidden, "another issuer has answered");
        if (said["error"] is [{ } error])
            throw new ProblemException(ProblemCode.Forbidden, $"the issuer refused: {Plain(error)}");
        if (said["code"] is not [{ Length: > 0 } code])
            throw new ProblemException(ProblemCode.BadRequest, "the issuer sent no code");
        var token = await RedeemAsync(configuration, code, Derive(secret, "verifier"), cancellation);
        return Read(await ValidateAsync(configuration, token, Derive(secret, "nonce"), cancellation));
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> RedeemAsync(OpenIdConnectConfiguration configuration, string code, string verifier, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, configuration.TokenEndpoint)
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "authorization_code",
                ["code"] = code,
                ["redirect_uri"] = Return,
                ["client_id"] = _settings.Client,
                ["code_verifier"] = verifier,
            }),
        };
        if (_settings.SecretFile.Length > 0)
        {
            var secret = (await File.ReadAllTextAsync(System.IO.Path.Combine(_dataPath, _settings.SecretFile), cancellation)).Trim();
            // RFC 6749, section 2.3.1: both are encoded as in a form first.
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(_settings.Client)}:{Uri.EscapeDataString(secret)}")));
        }
        return await AskAsync(async () =>
        {
            using var answer = await _http.SendAsync(request, cancellation);
            using var content = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellation));
            return content.RootElement.ValueKind == JsonValueKind.Object && content.RootElement.TryGetProperty("id_token", out var token) && token.ValueKind == JsonValueKind.String
                ? token.GetString()!
                : throw new ProblemException(ProblemCode.Forbidden, $"the issuer gave nothing for the code ({(int)answer.StatusCode}); begin the login again");
        });
    }

    private async Task<JsonWebToken> ValidateAsync(OpenIdConnectConfiguration configuration, string token, string nonce, CancellationToken cancellation)
    {
        var result = await TryValidateAsync(configuration, token);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            // Keys change. Only the issuer itself can bring us here.
            _known = null;
            result = await TryValidateAsync(await ConfigurationAsync(cancellation), token);
        }
        if (!result.IsValid || result.SecurityToken is not JsonWebToken checkedToken)
            throw new ProblemException(ProblemCode.Forbidden, $"what the issuer signed cannot be believed: {result.Exception?.GetType().Name ?? "no token"}");
        if (!checkedToken.TryGetPayloadValue<string>("nonce", out var own) || own != nonce)
            throw new ProblemException(ProblemCode.Forbidden, "what the issuer signed is of another login");
        if (checkedToken.TryGetPayloadValue<string>("azp", out var party) && party != _settings.Client)
            throw new ProblemException(ProblemCode.Forbidden, "what the issuer signed is for another program");
        return checkedToken;
    }

    private Task<TokenValidationResult> TryValidateAsync(OpenIdConnectConfiguration configuration, string token) => new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters
    {
        // The configured one, not what its own document says of itself.
        ValidIssuer = _settings.Issuer!.OriginalString,
        ValidAudience = _settings.Client,
        IssuerSigningKeys = configuration.SigningKeys,
        // Public keys only: a secret that both have signs nothing here.
        ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.RsaSha512],
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        ClockSkew = Skew,
    });

    private (string Name, string Role) Read(JsonWebToken token)
    {
        var name = token.TryGetPayloadValue<string>(_settings.NameClaim, out var said) && said.Length > 0 ? said : throw new ProblemException(ProblemCode.Forbidden, $"the issuer does not say the name ({_settings.NameClaim})");
        var groups = token.Claims.Where(claim => claim.Type == _settings.GroupsClaim).Select(claim => claim.Value).ToArray();
        var role = TokenRole.All.FirstOrDefault(role => _settings.Roles.Any(rule => rule.Role == role && groups.Contains(rule.Group))) ?? _settings.Role;
        return (name, role ?? throw new ProblemException(ProblemCode.Forbidden, $"{Plain(name)} has no role here; login.issuer-roles and login.issuer-role in server.conf give one"));
    }

    private Task<OpenIdConnectConfiguration> ConfigurationAsync(CancellationToken cancellation) => AskAsync(async () =>
    {
        var issuer = _settings.Issuer ?? throw new ProblemException(ProblemCode.NotFound, "nobody logs in at an issuer here");
        if (_known is { } known && _time.GetElapsedTime(known.At) < Fresh)
            return known.Said;
        var configuration = await OpenIdConnectConfigurationRetriever.GetAsync($"{issuer.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration", new HttpDocumentRetriever(_http) { RequireHttps = !issuer.IsLoopback }, cancellation);
        var addresses = new[] { configuration.AuthorizationEndpoint, configuration.TokenEndpoint };
        if (configuration.Issuer != issuer.OriginalString || !addresses.All(address => Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri is { IsLoopback: true, Scheme: "http" })))
            throw new ProblemException(ProblemCode.Unavailable, "the issuer's own document names another issuer, or addresses without TLS");
        _known = (configuration, _time.GetTimestamp());
        return configuration;
    });

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException or InvalidOperationException or IOException)
        {
            throw new ProblemException(ProblemCode.Unavailable, "the issuer does not answer as it should; log in with a password, or later");
        }
    }

    private static string Derive(string secret, string purpose) => Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(purpose)));

    private static string Plain(string text) => string.Concat(text.Where(c => !char.IsControl(c)).Take(MaxSaid));
}
