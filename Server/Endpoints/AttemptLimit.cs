namespace ContentTree.Server.Endpoints;

/// <summary>
/// So many failed attempts with tokens in a minute: of one address with one token, and of one address in all. Who goes on is refused before
/// anything is looked up. Requests that devices sign are not counted: thousands may stand behind one address.
/// </summary>
/// <param name="most">Of one address with all tokens; with one token a tenth of it.</param>
internal sealed class AttemptLimit(TimeProvider time, int most)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>What somebody who has to wait is told.</summary>
    public const string Said = "too many attempts with tokens that are not valid";

    private const int MaxName = 64;
    private const int ShareOfOne = 10;
    private const int MaxKnown = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Address, string Token), int> _failed = [];
    private DateTimeOffset _begin;

    /// <summary>By what a token is counted: what is before the dot, as the secret itself is kept nowhere.</summary>
    public static string NameOf(string token) => token.Split('.')[0] is { Length: > MaxName } name ? name[..MaxName] : token.Split('.')[0];

    /// <summary>Whether it has failed too often.</summary>
    public bool IsOver(string address, string token)
    {
        lock (_lock)
        {
            Turn();
            return _failed.GetValueOrDefault((address, "")) >= most || _failed.GetValueOrDefault((address, token)) >= most / ShareOfOne;
        }
    }

    public void Fail(string address, string token)
    {
        lock (_lock)
        {
            Turn();
            if (_failed.Count >= MaxKnown)
                _failed.Clear();
            _failed[(address, "")] = _failed.GetValueOrDefault((address, "")) + 1;
            if (token.Length > 0)
                _failed[(address, token)] = _failed.GetValueOrDefault((address, token)) + 1;
        }
    }

    // One stretch for all: nothing has to be swept. A clock that was set back begins another too.
    private void Turn()
    {
        var now = time.GetUtcNow();
        if (now - _begin < Window && now >= _begin)
            return;
        _failed.Clear();
        _begin = now;
    }
}
