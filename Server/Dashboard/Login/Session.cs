using System.Security.Cryptography;
using System.Text;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>Somebody who is logged in.</summary>
/// <param name="Secret">What the cookie holds.</param>
internal sealed record Session(User User, string Secret)
{
    /// <summary>What every form sends back: it cannot be made without the cookie, and the cookie cannot be made of it.</summary>
    public string FormToken => FormTokenOf(Secret);

    public static string FormTokenOf(string secret) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), "form"u8));
}
