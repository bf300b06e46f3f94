namespace ContentTree.Server.Monitoring.Export;

/// <summary>Alarms over this server's own numbers, as Prometheus reads them.</summary>
internal static class PrometheusRules
{
    public const string Text = """
        groups:
          - name: ctree
            rules:
              - alert: CtreeServerNotReady
                expr: ctree_ready == 0
                for: 5m
                labels: { severity: critical }
                annotations: { summary: "{{ $labels.instance }} cannot do its work; /readyz says what is in the way" }
              - alert: CtreeServerGone
                expr: absent(ctree_ready)
                for: 10m
                labels: { severity: critical }
                annotations: { summary: "no update server is measured" }
              - alert: CtreeServerDisk
                expr: ctree_disk_free_bytes < 2e9 or ctree_disk_free_inodes < 10000 or (ctree_disk_free_bytes < 50e9 and predict_linear(ctree_disk_free_bytes[6h], 86400) < 0)
                for: 30m
                labels: { severity: warning }
                annotations: { summary: "{{ $labels.instance }} will be full within a day; 'ctree-server gc' removes what nothing needs" }
              - alert: CtreeBackupOld
                expr: ctree_backup_age_seconds > ctree_backup_max_age_seconds
                for: 1h
                labels: { severity: warning }
                annotations: { summary: "the last backup of {{ $labels.instance }} is {{ $value | humanizeDuration }} old" }
              - alert: CtreeNoPolls
                expr: rate(ctree_polls_total[1h]) == 0 and on (instance) ctree_devices{state="accepted"} > 0
                for: 30m
                labels: { severity: critical }
                annotations: { summary: "no device reaches {{ $labels.instance }}" }
              - alert: CtreeDevicesSilent
                expr: ctree_devices_silent > 0
                for: 15m
                labels: { severity: warning }
                annotations: { summary: "{{ $value }} devices are silent; 'ctree-server device list --filter health==silent' names them" }
              - alert: CtreeDevicesFailed
                expr: ctree_devices_health{health=~"fell-back|failed"} > 0
                for: 5m
                labels: { severity: warning }
                annotations: { summary: "{{ $value }} devices: {{ $labels.health }}" }
              - alert: CtreeDevicesLowSpace
                expr: ctree_devices_low_space > 0
                for: 1h
                labels: { severity: warning }
                annotations: { summary: "{{ $value }} devices have hardly any space left" }
              - alert: CtreeDevicesCloned
                expr: ctree_devices_cloned > 0
                labels: { severity: critical }
                annotations: { summary: "{{ $value }} devices: their keys are in use at two places; 'ctree-server device list' marks them (cloned)" }
              - alert: CtreeDevicesForked
                expr: ctree_devices_forked > 0
                labels: { severity: critical }
                annotations: { summary: "{{ $value }} devices have another commit than this server at a number of their branch, which was restored from an old backup; publish again" }
              - alert: CtreeRolloutPaused
                expr: ctree_rollouts{state="paused"} > 0
                labels: { severity: warning }
                annotations: { summary: "{{ $value }} rollouts have stopped and wait for somebody" }
              - alert: CtreeFollowFailed
                expr: ctree_follows{state="failed"} > 0
                for: 30m
                labels: { severity: warning }
                annotations: { summary: "{{ $value }} branches do not get on with the repository that they follow" }

        """;
}
