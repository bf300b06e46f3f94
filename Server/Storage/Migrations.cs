namespace ContentTree.Server.Storage;

/// <summary>The schema as numbered steps in SQLite's words; a database says how many were taken. A step never changes once released.</summary>
internal static class Migrations
{
    public static IReadOnlyList<string> Steps { get; } =
    [
        """
        CREATE TABLE devices (
          id TEXT PRIMARY KEY, public_key TEXT, name TEXT NOT NULL, hardware TEXT NOT NULL, architecture TEXT NOT NULL,
          branch TEXT NOT NULL, state TEXT NOT NULL, enrolled INTEGER NOT NULL, last_seen INTEGER,
          running TEXT, wanted TEXT, failed TEXT, boot TEXT, head TEXT, root INTEGER NOT NULL DEFAULT 0,
          sequence INTEGER NOT NULL DEFAULT 0, hold INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE TABLE events (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
          kind TEXT NOT NULL, commit_id TEXT, deployment TEXT, code INTEGER NOT NULL, message TEXT,
          PRIMARY KEY (device, sequence)
        ) WITHOUT ROWID;
        CREATE TABLE tokens (
          id TEXT PRIMARY KEY, hash BLOB NOT NULL, role TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER,
          uses INTEGER, revoked INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE empty_branches (name TEXT PRIMARY KEY) WITHOUT ROWID;
        """,
        """
        CREATE TABLE black_boxes (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, deployment TEXT NOT NULL, time INTEGER NOT NULL, text TEXT NOT NULL,
          PRIMARY KEY (device, deployment)
        );
        """,
        """
        CREATE TABLE assignments (
          device TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE, branch TEXT NOT NULL, counter INTEGER NOT NULL, expires INTEGER NOT NULL,
          action TEXT NOT NULL, commit_id TEXT, reason TEXT NOT NULL, statement BLOB NOT NULL
        ) WITHOUT ROWID;
        ALTER TABLE devices ADD COLUMN assignment INTEGER NOT NULL DEFAULT 0;
        """,
        """
        CREATE TABLE entitlements (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, branch TEXT NOT NULL, PRIMARY KEY (device, branch)
        ) WITHOUT ROWID;
        CREATE TABLE nonces (device TEXT NOT NULL, nonce TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (device, nonce)) WITHOUT ROWID;
        CREATE INDEX nonces_by_time ON nonces (time);
        """,
        """
        ALTER TABLE devices ADD COLUMN serial TEXT NOT NULL DEFAULT '';
        ALTER TABLE devices ADD COLUMN cloned INTEGER;
        CREATE INDEX devices_by_serial ON devices (serial) WHERE serial <> '';
        CREATE TABLE boots (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, boot TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (device, boot)
        ) WITHOUT ROWID;
        """,
        """
        ALTER TABLE devices ADD COLUMN proved TEXT;
        ALTER TABLE devices ADD COLUMN fork INTEGER;
        """,
        "ALTER TABLE devices ADD COLUMN kept TEXT",
        """
        CREATE TABLE follows (
          branch TEXT PRIMARY KEY, settings TEXT NOT NULL, secret TEXT, changed_by TEXT NOT NULL, asked INTEGER NOT NULL, answered INTEGER NOT NULL, next INTEGER NOT NULL,
          looked INTEGER, seen TEXT, published TEXT, commit_id TEXT, sequence INTEGER, failures INTEGER NOT NULL DEFAULT 0,
          failed TEXT, attempts INTEGER NOT NULL DEFAULT 0, retry INTEGER, code INTEGER NOT NULL DEFAULT 0, error TEXT
        );
        """,
        """
        CREATE TABLE audit (
          number INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, address TEXT NOT NULL, verb TEXT NOT NULL, subject TEXT NOT NULL,
          before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL, hash TEXT NOT NULL
        );
        CREATE INDEX audit_by_subject ON audit (subject, number);
        CREATE INDEX audit_by_actor ON audit (actor, number);
        """,
        """
        CREATE TABLE users (name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL, disabled INTEGER);
        CREATE TABLE sessions (
          hash TEXT PRIMARY KEY, user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE, created INTEGER NOT NULL,
          seen INTEGER NOT NULL, address TEXT NOT NULL
        );
        CREATE INDEX sessions_by_user ON sessions (user_name);
        CREATE TABLE login_links (hash TEXT PRIMARY KEY, created INTEGER NOT NULL, expires INTEGER NOT NULL);
        CREATE TABLE login_failures (subject TEXT PRIMARY KEY, failures INTEGER NOT NULL, latest INTEGER NOT NULL);
        CREATE INDEX devices_by_name ON devices (name, id);
        CREATE INDEX devices_pending ON devices (name, id) WHERE state = 'pending';
        CREATE INDEX events_of_trouble ON events (time) WHERE code <> 0;
        """,
        """
        CREATE TABLE drafts (
          id TEXT PRIMARY KEY, branch TEXT NOT NULL, source TEXT NOT NULL, version TEXT NOT NULL, subject TEXT NOT NULL, made_by TEXT NOT NULL,
          created INTEGER NOT NULL, beat INTEGER NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL, message TEXT NOT NULL,
          base TEXT, commit_id TEXT, objects INTEGER NOT NULL, bytes INTEGER NOT NULL
        );
        """,
        """
        CREATE TABLE groups (name TEXT PRIMARY KEY, rank INTEGER NOT NULL, filter TEXT, created INTEGER NOT NULL);
        CREATE TABLE group_members (
          group_name TEXT NOT NULL REFERENCES groups (name) ON DELETE CASCADE, device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
          listed INTEGER NOT NULL, PRIMARY KEY (group_name, device)
        );
        CREATE INDEX group_members_by_device ON group_members (device);
        CREATE TABLE labels (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (device, name)
        );
        CREATE TABLE policies (
          scope TEXT PRIMARY KEY, action TEXT NOT NULL, commit_id TEXT, reason TEXT NOT NULL, author TEXT NOT NULL, created INTEGER NOT NULL,
          expires INTEGER, plan TEXT
        );
        CREATE TABLE rollouts (
          id INTEGER PRIMARY KEY, scope TEXT NOT NULL, branch TEXT NOT NULL, commit_id TEXT NOT NULL, sequence INTEGER NOT NULL, baseline TEXT,
          plan TEXT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL, state TEXT NOT NULL, wave INTEGER NOT NULL,
          reached INTEGER, ended INTEGER, note TEXT NOT NULL, approved TEXT NOT NULL, forgiven INTEGER NOT NULL
        );
        CREATE INDEX rollouts_by_scope ON rollouts (scope, branch, id);
        CREATE INDEX rollouts_by_commit ON rollouts (commit_id);
        CREATE TABLE rollout_devices (
          rollout INTEGER NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE, device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
          wave INTEGER NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (rollout, device)
        );
        CREATE INDEX rollout_devices_by_device ON rollout_devices (device);
        CREATE TABLE refusals (
          device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, commit_id TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (device, commit_id)
        );
        CREATE TABLE fleet_stamp (number INTEGER NOT NULL);
        INSERT INTO fleet_stamp (number) VALUES (1);
        ALTER TABLE devices ADD COLUMN target TEXT;
        ALTER TABLE devices ADD COLUMN sync TEXT;
        ALTER TABLE devices ADD COLUMN health TEXT;
        ALTER TABLE devices ADD COLUMN trouble INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE devices ADD COLUMN rollout INTEGER;
        ALTER TABLE devices ADD COLUMN wave INTEGER;
        CREATE INDEX devices_by_rollout ON devices (rollout, wave);
        """,
        """
        CREATE TABLE webhooks (id TEXT PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, secret TEXT NOT NULL, created INTEGER NOT NULL, failures INTEGER NOT NULL, next INTEGER NOT NULL);
        CREATE TABLE deliveries (
          id INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, event TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL,
          state TEXT NOT NULL, attempts INTEGER NOT NULL, code INTEGER, error TEXT
        );
        CREATE INDEX deliveries_by_webhook ON deliveries (webhook, state, id);
        """,
        """
        CREATE TABLE requests_done (token TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, answer TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (token, name));
        CREATE INDEX requests_done_by_time ON requests_done (time);
        """,
        "ALTER TABLE follows ADD COLUMN stamp TEXT NOT NULL DEFAULT ''",
        """
        DROP INDEX devices_by_name;
        CREATE INDEX devices_by_name ON devices (name, id, serial, hardware);
        CREATE INDEX devices_by_running ON devices (running);
        CREATE INDEX devices_by_seen ON devices (last_seen);
        CREATE INDEX devices_by_sync ON devices (sync, name, id);
        """,
        """
        ALTER TABLE devices ADD COLUMN next_key TEXT;
        ALTER TABLE devices ADD COLUMN key_changed INTEGER;
        CREATE TABLE device_keys (key_id TEXT PRIMARY KEY, device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE);
        CREATE INDEX device_keys_by_device ON device_keys (device);
        """,
        "ALTER TABLE devices ADD COLUMN developer INTEGER NOT NULL DEFAULT 0",
        // Outlives its device: whoever has one of its earlier keys must not come back in its place.
        "CREATE TABLE newest_keys (device TEXT PRIMARY KEY, key_id TEXT NOT NULL)",
        """
        ALTER TABLE devices ADD COLUMN silent INTEGER;
        ALTER TABLE devices ADD COLUMN silent_told INTEGER;
        CREATE INDEX devices_silent ON devices (name, id) WHERE silent IS NOT NULL;
        CREATE INDEX devices_told_silent ON devices (id) WHERE silent_told IS NOT NULL;
        ALTER TABLE groups ADD COLUMN silent_polls INTEGER;
        ALTER TABLE devices ADD COLUMN told INTEGER;
        ALTER TABLE devices ADD COLUMN agent TEXT;
        ALTER TABLE devices ADD COLUMN kernel TEXT;
        ALTER TABLE devices ADD COLUMN memory INTEGER;
        ALTER TABLE devices ADD COLUMN size INTEGER;
        ALTER TABLE devices ADD COLUMN free INTEGER;
        ALTER TABLE devices ADD COLUMN inodes INTEGER;
        ALTER TABLE devices ADD COLUMN low INTEGER NOT NULL DEFAULT 0;
        """,
        "ALTER TABLE devices ADD COLUMN address TEXT",
        "CREATE TABLE transfers (scope TEXT PRIMARY KEY, max_rate INTEGER, daily_budget INTEGER, quiet_hours TEXT, author TEXT NOT NULL, created INTEGER NOT NULL)",
        """
        CREATE TABLE config_keys (name TEXT PRIMARY KEY, type TEXT NOT NULL, secret INTEGER NOT NULL, description TEXT NOT NULL);
        CREATE TABLE config_values (
          scope TEXT NOT NULL, name TEXT NOT NULL REFERENCES config_keys (name), value TEXT NOT NULL, cost INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
          changed INTEGER NOT NULL, PRIMARY KEY (scope, name)
        );
        CREATE INDEX config_values_by_name ON config_values (name, scope);
        CREATE TABLE config_changes (
          scope TEXT NOT NULL, revision INTEGER NOT NULL, name TEXT NOT NULL, secret INTEGER NOT NULL, was_set INTEGER NOT NULL, is_set INTEGER NOT NULL,
          before TEXT, after TEXT, author TEXT NOT NULL, reason TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (scope, revision, name)
        );
        CREATE TABLE configurations (
          device TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE, counter INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, digest TEXT NOT NULL
        );
        ALTER TABLE fleet_stamp ADD COLUMN configuration INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE devices ADD COLUMN configuration INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE devices ADD COLUMN configuration_applied INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE devices ADD COLUMN configuration_applied_at INTEGER;
        """,
        "ALTER TABLE tokens ADD COLUMN only_groups TEXT",
        "CREATE TABLE leases (work TEXT PRIMARY KEY, holder TEXT NOT NULL, expires INTEGER NOT NULL)",
        "ALTER TABLE users ADD COLUMN source TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE expected_devices (
          serial TEXT PRIMARY KEY, key_hash TEXT NOT NULL, into_groups TEXT NOT NULL, label_text TEXT NOT NULL, author TEXT NOT NULL, added INTEGER NOT NULL, used INTEGER, device TEXT
        );
        CREATE INDEX expected_unused ON expected_devices (serial) WHERE used IS NULL;
        """,
        "ALTER TABLE users ADD COLUMN only_groups TEXT",
        "CREATE TABLE backups_made (time INTEGER PRIMARY KEY)",
        """
        ALTER TABLE devices ADD COLUMN drift INTEGER;
        ALTER TABLE devices ADD COLUMN drift_added INTEGER;
        ALTER TABLE devices ADD COLUMN drift_changed INTEGER;
        ALTER TABLE devices ADD COLUMN drift_removed INTEGER;
        ALTER TABLE devices ADD COLUMN drift_told INTEGER;
        CREATE TABLE drifts (device TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE, paths TEXT NOT NULL);
        CREATE INDEX devices_drifted ON devices (name, id) WHERE drift > 0;
        """,
        "CREATE INDEX devices_low ON devices (name, id) WHERE low = 1",
        // What people look for stands ready in one text: of a hundred thousand devices only that is passed over.
        """
        ALTER TABLE devices ADD COLUMN words TEXT NOT NULL DEFAULT '';
        DROP INDEX devices_by_name;
        DROP INDEX devices_by_running;
        UPDATE devices SET words = lower(substr(id || ' ' || name || ' ' || serial || ' ' || hardware, 1, 500));
        CREATE INDEX devices_by_name ON devices (name, id, words, branch, state, sync, silent);
        CREATE INDEX devices_by_running ON devices (running, name, id);
        CREATE INDEX devices_by_branch ON devices (branch, name, id, state, sync, silent);
        CREATE INDEX devices_by_kind ON devices (fork, cloned, low, branch, state, running, sync, silent);
        CREATE INDEX devices_rejected ON devices (name, id) WHERE state = 'rejected';
        CREATE INDEX devices_cloned ON devices (name, id) WHERE cloned IS NOT NULL;
        CREATE INDEX devices_forked ON devices (name, id) WHERE fork IS NOT NULL;
        """,
        "CREATE TABLE traffic (hour INTEGER PRIMARY KEY, sent INTEGER NOT NULL, saved INTEGER NOT NULL)",
        "CREATE TABLE saved_filters (owner TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, PRIMARY KEY (owner, name))",
        "ALTER TABLE traffic ADD COLUMN found INTEGER NOT NULL DEFAULT 0; ALTER TABLE traffic ADD COLUMN missed INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX devices_by_running; CREATE INDEX devices_by_running ON devices (running, name, id, branch, state, sync, silent)",
        "ALTER TABLE rollouts ADD COLUMN missed INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE black_boxes ADD COLUMN commit_id TEXT",
    ];
}
