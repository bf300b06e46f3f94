using System.Buffers.Text;
using System.Text;

namespace ContentTree.Server.Dashboard;

/// <summary>A sentence for the next page, in a cookie: an address would let anybody put words there.</summary>
/// <param name="IsWrong">Whether something was not done.</param>
internal sealed record Notice(string Text, bool IsWrong)
{
    private const string Cookie = "ctree-notice";
    private const int MaxText = 1000;

    /// <summary>Takes the sentence there is, if any: it is said once.</summary>
    public static Notice? Take(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { Length: > 1 and < 4 * MaxText } value)
            return null;
        context.Response.Cookies.Delete(Cookie);
        try
        {
            return new Notice(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(value.AsSpan(1))), value[0] == '!');
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public static void Set(HttpContext context, string text, bool isWrong)
    {
        var kept = text.Length <= MaxText ? text : text[..MaxText];
        context.Response.Cookies.Append(Cookie, (isWrong ? "!" : ".") + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(kept)),
            new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = Gate.IsSecure(context), Path = "/" });
    }
}
