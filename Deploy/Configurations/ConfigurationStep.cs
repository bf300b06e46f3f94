using ContentTree.Deploy.Health;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Configurations;

/// <summary>
/// Puts the configuration that the server has signed for this device in place, and tells hooks and services of it. Each step can be repeated
/// after a crash: what has changed is written down first, so that nobody goes without hearing of it. The caller holds the device's lock.
/// </summary>
/// <param name="say">Hears what is done.</param>
internal sealed class ConfigurationStep(Device device, Action<string> say)
{
    private readonly ConfigurationDirectory _directory = new(device.Root);

    /// <summary>Whether another configuration is in place than before.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var state = device.State.Configuration;
        if (device.Trust.Configuration() is not { } configuration || (configuration.Counter == state.Applied && state.Due is null && _directory.CurrentPath is not null))
            return false;
        var (present, files) = (_directory.Read(), ConfigurationFiles.Of(configuration));
        ConfigurationKey[] changed = [.. (state.Due ?? []).Concat(Changed(present, files)).Distinct().Order(ConfigurationKey.Order)];
        if (changed.Length > (state.Due?.Count ?? 0))
            device.State.Configuration = state with { Due = changed };
        if (!AreSame(present, files))
            _directory.Write(configuration.Counter, files);
        var failure = changed.Length > 0 ? await TellAsync(configuration, changed, cancellation).ConfigureAwait(false) : null;
        Happened(configuration, changed, failure);
        // Before it is called done: an old secret would stay until the next change.
        _directory.Collect();
        device.State.Configuration = new ConfigurationState(configuration.Counter);
        return configuration.Counter != state.Applied;
    }

    private void Happened(VerifiedConfiguration configuration, ConfigurationKey[] changed, string? failure)
    {
        var what = $"configuration {configuration.Counter}: {(changed.Length == 0 ? "nothing is another than before" : string.Join(", ", changed))}";
        device.State.Happened(EventKind.Configured, null, null, message: what);
        say($"{what}; in place");
        if (failure is null)
            return;
        device.State.Happened(EventKind.NotConfigured, null, null, ExitCode.Failed, $"configuration {configuration.Counter} is in place, but {failure}");
        say($"configuration {configuration.Counter}: {failure}");
    }

    // What they write stays here: it may be a secret.
    private async Task<string?> TellAsync(VerifiedConfiguration configuration, ConfigurationKey[] changed, CancellationToken cancellation)
    {
        var program = new CheckProgram(device.Config.ConfigurationTimeout, device.Clock);
        var environment = new Dictionary<string, string>
        {
            ["CTREE_ROOT"] = device.Root.Path,
            ["CTREE_CONFIGURATION"] = _directory.CurrentPath ?? "",
            ["CTREE_COUNTER"] = $"{configuration.Counter}",
            ["CTREE_CHANGED"] = string.Join(' ', changed),
        };
        var failures = new List<string>();
        foreach (var hook in CheckDirectories.Find(device.Root.ConfigurationHooks, path => say($"{path} is not executable, so it is told nothing")))
        {
            if (await program.RunAsync(hook, environment, cancellation).ConfigureAwait(false) is { } failure)
                failures.Add($"{failure}");
        }
        var services = device.Config.ConfigurationServices;
        // Below another root no service of this machine is meant, but those of a device whose system somebody else boots.
        if (services.Count > 0 && (!device.Root.IsGiven || device.Config.IsLinked) &&
            await program.PrintedAsync("systemctl", ["restart", .. services], cancellation).ConfigureAwait(false) is null)
            failures.Add($"not all of {string.Join(' ', services)} were restarted");
        return failures.Count > 0 ? string.Join("; ", failures) : null;
    }

    private static IEnumerable<ConfigurationKey> Changed(IReadOnlyDictionary<string, ConfigurationFile> before, IReadOnlyDictionary<string, ConfigurationFile> after)
    {
        foreach (var path in before.Keys.Union(after.Keys).Where(path => path.StartsWith(ConfigurationFiles.Values + "/", StringComparison.Ordinal)))
        {
            if (!IsSame(before.GetValueOrDefault(path), after.GetValueOrDefault(path)) && ConfigurationKey.TryParse(Path.GetFileName(path), out var key))
                yield return key;
        }
    }

    private static bool AreSame(IReadOnlyDictionary<string, ConfigurationFile> one, IReadOnlyDictionary<string, ConfigurationFile> other) =>
        one.Count == other.Count && other.All(file => IsSame(one.GetValueOrDefault(file.Key), file.Value));

    private static bool IsSame(ConfigurationFile? one, ConfigurationFile? other) =>
        one is null || other is null ? one == other : one.Permissions == other.Permissions && one.Content.AsSpan().SequenceEqual(other.Content);
}
