using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Privacy;

/// <summary>
/// Who may read what of the repository. Everything is everybody's until a branch is private; what only private branches reach is then for
/// the devices that operators allowed it, and for tokens that may look. For whoever else it does not exist.
/// </summary>
internal sealed class ReadAccess(DataDirectory data, DeviceAccess devices, TokenAccess tokens, Entitlements entitlements, TimeProvider time)
{
    private const string Bearer = "Bearer ";

    private static readonly HashSet<BranchName> NoBranches = [];

    private readonly PrivateBranches _branches = new(data);
    private readonly ReachIndex _index = new(data, time);

    /// <summary>Whether a branch is private.</summary>
    public bool IsPrivate(BranchName branch) => _branches.Contains(branch);

    /// <summary>Whether an accepted device may have a branch.</summary>
    public bool MayFollow(KeyId device, BranchName branch)
    {
        var privateOnes = _branches.Read();
        if (privateOnes.Contains(branch) && !entitlements.Of(device).Contains(branch))
            return false;
        if (privateOnes.Count > 0)
            _index.Refresh(branch);
        return true;
    }

    /// <summary>Whether an accepted device may have an object.</summary>
    public bool MayRead(KeyId device, ObjectName name)
    {
        var privateOnes = _branches.Read();
        return privateOnes.Count == 0 || _index.Reaches(name, entitlements.Of(device));
    }

    /// <exception cref="ObjectNotFoundException">One of them is not for this accepted device; it says what it says of what is not there.</exception>
    public void RequireObjects(KeyId device, IReadOnlyList<ObjectName> names)
    {
        var privateOnes = _branches.Read();
        if (privateOnes.Count == 0)
            return;
        var allowed = entitlements.Of(device);
        foreach (var name in names)
        {
            if (!_index.Reaches(name, allowed))
                throw new ObjectNotFoundException(name);
        }
    }

    /// <returns>Whether it is everybody's.</returns>
    /// <exception cref="ProblemException">Not for whoever asks; it says what it says of what is not there.</exception>
    public bool RequireBranch(HttpContext context, BranchName branch)
    {
        var privateOnes = _branches.Read();
        if (privateOnes.Count == 0)
            return true;
        var isPrivate = privateOnes.Contains(branch);
        if (isPrivate && !Allowed(context, privateOnes).Contains(branch))
            throw NotFound();
        _index.Refresh(branch);
        return !isPrivate;
    }

    /// <returns>Whether they are everybody's; else no cache in between may keep them.</returns>
    /// <exception cref="ProblemException">Not for whoever asks; it says what it says of what is not there.</exception>
    public bool RequireObjects(HttpContext context, params ReadOnlySpan<ObjectName> names)
    {
        var privateOnes = _branches.Read();
        if (privateOnes.Count == 0)
            return true;
        // Who it is matters only for what is not everybody's: most requests are not signed.
        IReadOnlySet<BranchName>? allowed = null;
        foreach (var name in names)
        {
            // Only the second question looks for heads that moved: the first one is anybody's to ask.
            if (!_index.Has(name, allowed ?? NoBranches) && !_index.Reaches(name, allowed ??= Allowed(context, privateOnes)))
                throw NotFound();
        }
        return allowed is null or { Count: 0 };
    }

    private IReadOnlySet<BranchName> Allowed(HttpContext context, IReadOnlySet<BranchName> privateOnes)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.Ordinal))
        {
            tokens.Require(context, TokenRole.Viewer);
            return privateOnes;
        }
        return header.Length == 0 ? NoBranches : entitlements.Of(devices.RequireAccepted(context, []));
    }

    private static ProblemException NotFound() => new(ProblemCode.NotFound);
}
