using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// Whether a request knows a hook's secret: GitHub, Gitea and Forgejo sign the body with it, GitLab sends it. What is in the body is hashed
/// and nothing else.
/// </summary>
internal static class HookSignature
{
    private const string Signed = "X-Hub-Signature-256";
    private const string Sent = "X-Gitlab-Token";
    private const string Prefix = "sha256=";

    /// <exception cref="BadHttpRequestException">The body is too long.</exception>
    public static async Task<bool> CheckAsync(HttpContext context, string secret)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = BodyLimits.Hook;
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(secret));
        var buffer = new byte[16 * 1024];
        for (int count; (count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
            hash.AppendData(buffer.AsSpan(0, count));
        return IsSame(context.Request.Headers[Signed].ToString(), Prefix + Convert.ToHexStringLower(hash.GetHashAndReset())) || IsSame(context.Request.Headers[Sent].ToString(), secret);
    }

    // Of the hashes, so that also the length shows nothing.
    private static bool IsSame(string said, string expected) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(said)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
}
