using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>
/// What whoever edits something has seen of it: <c>If-Match</c> with its tag, or <c>If-None-Match: *</c> where there was none. Checked where the change is
/// made, so that of two who edit at the same time the second one is told.
/// </summary>
internal sealed record Expectation
{
    private readonly string? _match;
    private readonly bool _isNew;

    private Expectation(string? match, bool isNew) => (_match, _isNew) = (match, isNew);

    /// <summary>Of a request; one that says nothing changes whatever is there.</summary>
    public static Expectation Of(HttpContext context) => new(context.Request.Headers.IfMatch.ToString() is { Length: > 0 } match ? match : null, context.Request.Headers.IfNoneMatch == "*");

    /// <summary>Of a form, which was filled with what stood there.</summary>
    /// <param name="tag">Its tag; empty for nothing.</param>
    public static Expectation OfForm(string tag) => new(tag.Length > 0 ? tag : null, tag.Length == 0);

    /// <summary>The tag of a text.</summary>
    public static string Tag(string text) => $"\"{ObjectId.Of(Encoding.UTF8.GetBytes(text)).ToString()[..32]}\"";

    /// <param name="present">What is there now; null for nothing.</param>
    /// <exception cref="ProblemException">It is not what was seen.</exception>
    public void Require(string? present)
    {
        if (_isNew && present is not null)
            throw new ProblemException(ProblemCode.Changed, "somebody has made it meanwhile; look at it first");
        if (_match is not null && (present is null || (_match != "*" && !_match.Split(',', StringSplitOptions.TrimEntries).Contains(Tag(present)))))
            throw new ProblemException(ProblemCode.Changed, present is null ? "somebody has removed it meanwhile" : "somebody has changed it meanwhile; look at it again");
    }
}
