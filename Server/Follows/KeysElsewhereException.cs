using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Follows;

/// <summary>A running server has no release keys to publish with (exit code 3).</summary>
internal sealed class KeysElsewhereException(BranchName branch)
    : Exception($"{ServerSettings.FileName} says release.keys = external, so a running server signs nothing: 'ctree-server follow now {branch} --key FILE' on its data publishes");
