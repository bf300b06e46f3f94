using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Whether this process may sign heads with the keys of <c>keys/</c>.</summary>
internal static class ReleaseKeys
{
    /// <exception cref="ProblemException">Its operator keeps them elsewhere (<c>release.keys = external</c>).</exception>
    public static void RequireHere(DataDirectory data)
    {
        if (ServerSettings.Load(data.Path).KeepsReleaseKeysElsewhere)
        {
            throw new ProblemException(ProblemCode.NotSigned,
                "this server holds no release key; the objects are here, nothing is published: say it again with --key FILE or --signer COMMAND, or with --unsigned FILE for others to sign");
        }
    }
}
