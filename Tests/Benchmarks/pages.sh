#!/usr/bin/env bash
# How long each page of the dashboard takes and how large it is, with a large fleet and a long branch; and what open dashboards cost.
#   usage: pages.sh OUT.md [DEVICES] [COMMITS]     OUT.md: where the tables go; DEVICES: 100000, COMMITS of one branch: 10000
#   REQUESTS=21  of each page after two to warm up; SECONDS_EACH=60 with open dashboards and without, ROUNDS=3 times; OPEN=50 dashboards
#   DATA=DIR     keeps the filled directory there, or takes one that an earlier run has kept
#   DATABASE=postgresql keeps the server's state in a PostgreSQL of its own
# Needs what test.sh installs. Runs on loopback; whoever asks is a second process on the same cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n '2,/^set/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
OUT=$1; DEVICES=${2:-100000}; COMMITS=${3:-10000}
REQUESTS=${REQUESTS:-21}; ROUNDS=${ROUNDS:-3}; SECONDS_EACH=${SECONDS_EACH:-60}; OPEN=${OPEN:-50}
BIN=$PWD/dist/bin/ctree-server; [ -x "$BIN" ] || ./build.sh ctree-server >/dev/null
dotnet build Tests/PollLoad -c Release -v quiet --nologo >&2
LOAD=$PWD/Tests/PollLoad/bin/Release/net10.0/poll-load
W=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null; [ -d "$W/pg/data" ] && as_postgres "$PG/pg_ctl -D $W/pg/data -m immediate stop" >/dev/null; rm -rf "$W"' EXIT
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups bash -c "cd / && $1"; }
D=$W/data

fill() {
  mkdir "$W/tree"; echo one >"$W/tree/file"
  "$BIN" --data "$D" init >/dev/null 2>&1
  for branch in main edge stable; do "$BIN" --data "$D" publish --branch "$branch" "$W/tree" >/dev/null; echo "$branch" >"$W/tree/file"; done
  "$LOAD" fill "$D" stable "$COMMITS" >&2
  "$BIN" --data "$D" group set all --rank 50 >/dev/null
  python3 - "$D" "$DEVICES" "$("$BIN" --data "$D" log stable --limit 4 --json | grep -o '"id": *"[0-9a-f]\{64\}"' | grep -o '[0-9a-f]\{64\}' | paste -sd,)" <<'P'
import hashlib, os, sqlite3, sys, time
data, count, commits = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
db, now = sqlite3.connect(f"{data}/server.db"), int(time.time())
position = len(os.listdir(f"{data}/repo/history/stable"))
def device(i):
    newest, before, failed, wanted, hold = commits[0], commits[1], None, None, 0
    kind = i % 100
    running = newest if kind < 40 else commits[1] if kind < 80 else commits[2]
    if kind >= 95: failed = newest
    elif kind >= 90: hold = 1
    elif kind >= 85: wanted = newest
    branch = "stable" if i % 25 else ("main", "edge")[i // 25 % 2]
    return (hashlib.sha256(str(i).encode()).hexdigest()[:16], f"{('sensor', 'scope', 'gate', 'pump')[i % 4]}-{i:06}", f"scope-{i % 3}b", branch, "pending" if i % 1000 == 7 else "accepted", now - i % 1000,
        now - 7 * 86400 if i % 100 == 13 else now + 86400 * 30, running, wanted, failed, hold, position, f"SN-{i:07}", now - 3600 if i % 100 == 13 else None, 5 if i % 100 == 31 else None, 1 if i % 100 == 47 else 0)
db.executemany("""INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, last_seen, running, wanted, failed, hold, sequence, serial, silent, drift, low, boot)
    VALUES (?, ?, ?, 'aarch64', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'good')""", (device(i) for i in range(count)))
db.execute("UPDATE devices SET words = lower(id || ' ' || name || ' ' || serial || ' ' || hardware)")
db.execute("INSERT INTO group_members (group_name, device, listed) SELECT 'all', id, 1 FROM devices")
for i in range(200):
    db.execute("INSERT INTO groups (name, rank, created) VALUES (?, 100, ?)", (f"site-{i:03}", now))
    db.execute("INSERT INTO group_members (group_name, device, listed) SELECT ?, id, 1 FROM devices ORDER BY id LIMIT 100 OFFSET ?", (f"site-{i:03}", i * 400))
db.execute("INSERT INTO events (device, sequence, time, kind, commit_id, deployment, code, message) SELECT id, 1, ?, 'fell-back', failed, '7-0badcafe', 1, 'required check ' || substr(id, 1, 1) || '0-network ended with 1' FROM devices WHERE failed IS NOT NULL", (now - 600,))
for i in range(50):
    db.execute("INSERT INTO config_keys (name, type, secret, description) VALUES (?, 'text', 0, 'what the devices do with it')", (f"key_{i:02}",))
    db.execute("INSERT INTO config_values (scope, name, value, cost, author, reason, changed) VALUES ('fleet', ?, 'as usual', 10, 'a benchmark', '', ?)", (f"key_{i:02}", now))
db.execute("INSERT INTO config_values (scope, name, value, cost, author, reason, changed) SELECT 'device:' || id, 'key_0' || (abs(sequence + length(name)) % 10), 'its own', 10, 'a benchmark', '', ? FROM devices ORDER BY id LIMIT 20000", (now,))
for i in range(20):
    db.execute("INSERT INTO webhooks (id, url, events, secret, created, failures, next) VALUES (?, 'https://hooks.example/x', 'rollout.stopped', 'x', ?, 0, ?)", (f"{i:08x}", now, now + 10**8))
top = db.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0]
db.executemany("INSERT INTO audit (number, time, actor, address, verb, subject, before, after, reason, hash) VALUES (?, ?, 'user ada', '192.0.2.7', 'device.pin', ?, '', 'a commit', '', '')",
    ((top + 1 + i, now, device(i % count)[0]) for i in range(count)))
db.commit()
P
}

# Rollouts are started by the server, and what their devices said is written beside them.
if [ -n "${DATA:-}" ] && [ -d "$DATA" ]; then cp -r "$DATA" "$D"; else fill; [ -z "${DATA:-}" ] || cp -r "$D" "$DATA"; fi
echo "four words nobody knows" | "$BIN" --data "$D" user add bench --role admin >/dev/null
TOKEN=$("$BIN" --data "$D" token create --enrol | tail -n 1)
if [ "${DATABASE:-sqlite}" = postgresql ]; then
  chmod 711 "$W"; mkdir "$W/pg"; chown postgres "$W/pg"
  as_postgres "$PG/initdb -D $W/pg/data -U ctree --auth=trust -E UTF8 --locale=C && $PG/pg_ctl -D $W/pg/data -l $W/pg/log -w -o \"-k $W/pg -c listen_addresses=''\" start && createdb -h $W/pg -U ctree ctree" >/dev/null
  "$BIN" --data "$D" migrate --to "postgresql://ctree@/ctree?host=$W/pg" >/dev/null
  sql() { psql -q -h "$W/pg" -U ctree ctree -c "$1"; }
else
  sql() { sqlite3 -cmd '.timeout 60000' "$D/server.db" "$1"; }
fi
"$BIN" --data "$D" serve --urls http://127.0.0.1:0 >"$W/out" 2>"$W/err" & SERVER=$!
until grep -q '^listening' "$W/out"; do sleep 0.1; kill -0 $SERVER; done
URL=$(sed -n 's/^listening on //p' "$W/out")
PID=$(pgrep -P "$SERVER" || echo "$SERVER"); PID=${PID%%$'\n'*}

cat >"$W/ask.py" <<'P'
import http.client, json, os, re, socket, statistics, sys, threading, time, urllib.parse
url, pid, what = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3]
tick = os.sysconf("SC_CLK_TCK")
def cpu():
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / tick
class Browser:
    def __init__(self): self.connection, self.cookies = http.client.HTTPConnection(url.netloc, timeout=300), {}
    def ask(self, method, path, body=None, headers={}):
        self.connection.request(method, path, body, {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers})
        answer = self.connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie": k, v = value.split(";")[0].split("=", 1); self.cookies[k] = v
        return answer.status, answer.read()
    def log_in(self):
        page = self.ask("GET", "/login")[1].decode()
        token = re.search('name="form-token" value="([^"]+)"', page)[1]
        form = urllib.parse.urlencode({"form-token": token, "name": "bench", "password": "four words nobody knows"})
        status, _ = self.ask("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 303, status
        return self
def pages(out, requests):
    b = Browser().log_in()
    def find(pattern, path): return re.search(pattern, b.ask("GET", path)[1].decode())[1]
    device = find('href="/devices/([0-9a-f]{16})"', "/devices")
    middle = find(r'href="/devices\?([^"]*after=[0-9a-f]+)"', "/devices?q=gate-05").replace("&amp;", "&").replace("q=gate-05&", "") if len(sys.argv) < 7 else sys.argv[6]
    newest, before = re.findall('href="/commits/([0-9a-f]{64})"', b.ask("GET", "/branches/stable")[1].decode())[0], find('href="/diff\\?a=([0-9a-f]{64})', "/branches/stable")
    later = find(r'href="(/log/stable\?from=[0-9a-f]+)"', "/log/stable")
    rollout = find('href="/rollouts/([0-9]+)"', "/rollouts")
    table = [("overview while a rollout runs", "/"), ("devices: first page", "/devices"), ("devices: a page in the middle", "/devices?" + middle)]
    table += [(f"devices: {s}", f"/devices?standing={urllib.parse.quote_plus(s)}") for s in ("in sync", "behind", "updating", "held", "fell back", "silent", "pending", "low space", "changed /etc", "cloned")]
    table += [("devices: silent on one branch", "/devices?branch=stable&standing=silent"), ("devices: in sync on a branch of few", "/devices?branch=main&standing=in+sync"), ("devices: fell back on a branch of few", "/devices?branch=main&standing=fell+back"), ("devices: those of a branch of few", "/devices?branch=edge"), ("devices: those of a branch of many", "/devices?branch=stable"),
        ("devices: those that run a commit", f"/devices?running={newest}"), ("devices: those that run a commit on a branch of few", f"/devices?branch=edge&running={newest}"),
        ("devices: a word that many have", "/devices?q=scope"), ("devices: a word that one has", "/devices?q=SN-0099999"), ("devices: a word that nobody has", "/devices?q=nothing+like+this"), ("devices: a word that nobody on a branch has", "/devices?q=nothing+like+this&branch=stable"), ("devices: a word of those in sync", "/devices?q=scope-00&branch=stable&standing=in+sync"),
        ("devices: changed /etc on a branch of few", "/devices?branch=main&standing=changed+/etc"), ("devices: ahead, on a branch of many (none)", "/devices?branch=stable&standing=ahead"),
        ("a device", f"/devices/{device}"), ("approvals", "/approvals"), ("branches", "/branches"), ("a branch", "/branches/stable"), ("its commits", "/log/stable"), ("its commits, later", later),
        ("a commit", f"/commits/{newest}"), ("what changed", f"/diff?a={before}&b={newest}"), ("groups", "/groups"), ("a group of all", "/groups/all"), ("a group of 100", "/groups/site-100"),
        ("rollouts", "/rollouts"), ("a rollout", f"/rollouts/{rollout}"), ("the start of a rollout", "/rollouts/start?scope=group:all"), ("plans", "/plans"), ("a plan", "/plans/edit?scope=group:all"),
        ("configuration of the fleet", "/configuration"), ("of a group", "/configuration/group:all"), ("of a device", f"/configuration/device:{device}"),
        ("publish", "/publish"), ("storage", "/storage"), ("audit", "/audit"), ("users", "/users"), ("tokens", "/tokens"), ("webhooks", "/webhooks"), ("account", "/account"), ("login", "/login")]
    with open(out, "w") as file:
        file.write("| page | median | processor time each | bytes |\n| --- | --- | --- | --- |\n")
        for name, path in table:
            took, size = [], 0
            for i in range(2): b.ask("GET", path)
            begun = cpu()
            for i in range(requests):
                start = time.perf_counter(); status, body = b.ask("GET", path); took.append(time.perf_counter() - start); size = len(body)
                if status not in (200, 303): raise SystemExit(f"{path}: {status}\n{body.decode()[:2000]}")
            row = f"| {name} | {statistics.median(took) * 1000:.0f} ms | {(cpu() - begun) / requests * 1000:.0f} ms | {(size + 1023) // 1024} KB |"
            file.write(row + "\n"); print(row, flush=True)
# A browser's part: hold the events, and ask for the page again when one comes.
def open_page(me, stop, counts):
    b = me
    page = b.ask("GET", "/")[1].decode()
    seen = re.search('data-live="([^"]*)"', page)[1]
    events = http.client.HTTPConnection(url.netloc, timeout=5)
    events.request("GET", "/live?seen=" + urllib.parse.quote(seen), headers={"Cookie": "; ".join(f"{k}={v}" for k, v in b.cookies.items())})
    answer = events.getresponse(); assert answer.status == 200, answer.status
    while not stop.is_set():
        try: line = answer.fp.readline()
        except TimeoutError: answer.fp = events.sock.makefile("rb"); continue
        if line.startswith(b"event: change"):
            b.ask("GET", "/", headers={"X-Live": "1"}); counts[0] += 1
def live(count, seconds):
    one, stop, counts, threads = Browser().log_in(), threading.Event(), [0], []
    for i in range(count):
        b = Browser(); b.cookies = dict(one.cookies)
        threads.append(threading.Thread(target=open_page, args=(b, stop, counts), daemon=True)); threads[-1].start()
    time.sleep(15); counts[0] = 0; begun, start = cpu(), time.time()
    time.sleep(seconds)
    used = cpu() - begun
    print(f"{used / (time.time() - start) * 100:.1f} %, {counts[0] / (time.time() - start):.1f}")
if what == "pages": pages(sys.argv[4], int(sys.argv[5]))
else: live(int(sys.argv[4]), int(sys.argv[5]))
P
"$BIN" --data "$D" rollout start --branch stable --to stable --wave 5% --wave 60% --wave 100% --soak 7d --reason "a benchmark" >/dev/null
for wait in $(seq 600); do [ "$(sql 'SELECT count(*) FROM devices WHERE rollout IS NOT NULL' | tr -dc 0-9)" -gt $((DEVICES * 9 / 10)) ] && break; sleep 0.5; done
sql "UPDATE rollouts SET wave = 1; INSERT INTO rollout_devices (rollout, device, wave, state, since) SELECT rollout, id, wave, CASE WHEN failed IS NOT NULL AND substr(id, 16, 1) = '0' THEN 'failed' WHEN substr(id, 16, 1) IN ('1', '2') THEN 'offered' ELSE 'confirmed' END,
  $(date +%s) + length(name) + (enrolled % 600) FROM devices WHERE rollout IS NOT NULL AND wave < 2" >/dev/null
python3 "$W/ask.py" "$URL" "$PID" pages "$OUT" "$REQUESTS"
one_round() { # DASHBOARDS: percent of a core and pages a second while devices poll
  "$LOAD" poll "$URL" "$TOKEN" main 200 8 $((SECONDS_EACH + 25)) 55 >"$W/polls" & local polls=$!
  sleep 5
  python3 "$W/ask.py" "$URL" "$PID" live "$1" "$SECONDS_EACH"
  wait $polls
}
{
  printf '\n| 55 polls a second | %% of a core, pages a second |\n| --- | --- |\n'
  for round in $(seq "$ROUNDS"); do
    echo "| no dashboard open | $(one_round 0) |"
    echo "| $OPEN open overviews | $(one_round "$OPEN") |"
  done
} | tee -a "$OUT"
