using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>What a trial leaves behind that ends at its deadline: a shell script writes it down, since only the running system can tell.</summary>
internal static class LastWords
{
    /// <summary>The script. What matters most comes first, since whatever hangs there is ended with its unit.</summary>
    /// <param name="trial">The deployment on trial.</param>
    /// <param name="file">Where the words are looked for afterwards, as it is called in the running system.</param>
    public static string Script(DeploymentName trial, string file) => $$"""
        umask 077
        file='{{file.Replace("'", "'\\''")}}'
        mkdir -p "${file%/*}" && rm -f "$file" && exec >"$file" 2>&1 || exit 1
        brief() { if command -v timeout >/dev/null; then timeout 5 "$@"; else "$@"; fi; }
        echo deployment={{trial}}
        echo 'kernel log:'; brief dmesg | tail -c 16384
        sync
        echo 'failed units:'; brief systemctl --no-pager --plain --no-legend list-units --state=failed | head -c 4096
        echo 'jobs that wait:'; brief systemctl --no-pager list-jobs | head -c 4096
        echo 'last words of the agent:'; brief journalctl --no-pager --boot --unit=ctree-agent.service --lines=40 | tail -c 8192
        sync

        """;
}
