#!/usr/bin/env bash
# How many polls a server answers, beside nginx serving a file of the same size; memory with many registered devices.
#   usage: fleet.sh OUT [REGISTERED]     OUT: where the results go; REGISTERED: devices beside those that poll (default 100000)
#   DATABASE=postgresql keeps the server's state in a PostgreSQL of its own, with the durability that it has by default.
# Needs what test.sh installs, and nginx. Runs on loopback; the load is a second process on the same cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=${1:?OUT}; REGISTERED=${2:-100000}
SECONDS_EACH=${SECONDS_EACH:-15}; CONNECTIONS=${CONNECTIONS:-16}; POLLERS=${POLLERS:-200}
./build.sh ctree-server >/dev/null
dotnet build Tests/PollLoad -c Release -v quiet --nologo
LOAD=Tests/PollLoad/bin/Release/net10.0/poll-load
W=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null; [ -d "$W/pg/data" ] && as_postgres "$PG/pg_ctl -D $W/pg/data -m immediate stop" >/dev/null; rm -rf "$W"' EXIT
PG=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups bash -c "cd / && $1"; }
mkdir -p "$(dirname "$OUT")"; : >"$OUT"
say() { echo "$*" | tee -a "$OUT"; }

mkdir "$W/tree"; echo one >"$W/tree/file"
dist/bin/ctree-server --data "$W/data" publish --branch main "$W/tree" >/dev/null 2>&1 || { dist/bin/ctree-server --data "$W/data" init >/dev/null; dist/bin/ctree-server --data "$W/data" publish --branch main "$W/tree" >/dev/null; }
TOKEN=$(dist/bin/ctree-server --data "$W/data" token create --enrol | tail -n 1)
python3 - "$W/data/server.db" "$REGISTERED" <<'P'
import hashlib, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1]); now = int(time.time())
db.executemany("INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, last_seen) VALUES (?, ?, 'scope-2', 'x86_64', 'main', 'accepted', ?, ?)",
    ((hashlib.sha256(str(i).encode()).hexdigest()[:16], f"device-{i}", now, now) for i in range(int(sys.argv[2]))))
db.commit()
P
if [ "${DATABASE:-sqlite}" = postgresql ]; then
  chmod 711 "$W"; mkdir "$W/pg"; chown postgres "$W/pg"
  as_postgres "$PG/initdb -D $W/pg/data -U ctree --auth=trust -E UTF8 --locale=C && $PG/pg_ctl -D $W/pg/data -l $W/pg/log -w -o \"-k $W/pg -c listen_addresses=''\" start && createdb -h $W/pg -U ctree ctree" >/dev/null
  moving=$(date +%s%N)
  dist/bin/ctree-server --data "$W/data" migrate --to "postgresql://ctree@/ctree?host=$W/pg" 2>"$W/moved" >/dev/null
  say "migrate: $(cut -d' ' -f1,2 "$W/moved") in $(( ($(date +%s%N) - moving) / 1000000 )) ms"
fi
started=$(date +%s%N)
dist/bin/ctree-server --data "$W/data" serve --urls http://127.0.0.1:0 >"$W/out" 2>"$W/err" & SERVER=$!
until grep -q '^listening' "$W/out"; do sleep 0.02; done
say "start: $(( ($(date +%s%N) - started) / 1000000 )) ms with $REGISTERED registered devices"
URL=$(sed -n 's/^listening on //p' "$W/out")
PID=$(pgrep -P "$SERVER" || echo "$SERVER"); PID=${PID%%$'\n'*}
memory() { awk '/VmRSS/ {printf "%d MB", $2/1024}' "/proc/$PID/status"; }
cpu() { awk '{print $14 + $15}' "/proc/$PID/stat"; }
sleep 5; say "memory at rest: $(memory)"
"$LOAD" poll "$URL" "$TOKEN" main "$POLLERS" "$CONNECTIONS" 3 >/dev/null
before=$(cpu)
say "polls, nothing new: $("$LOAD" poll "$URL" "$TOKEN" main "$POLLERS" "$CONNECTIONS" "$SECONDS_EACH" | tee "$W/polls")"
say "server: $(( ($(cpu) - before) * 10 )) ms of processor time, memory after: $(memory)"

bytes=$(grep -o '[0-9]* bytes an answer' "$W/polls" | cut -d' ' -f1)
mkdir "$W/www"; head -c "$bytes" /dev/zero | tr '\0' x >"$W/www/poll"
cat >"$W/nginx.conf" <<N
worker_processes 2; pid $W/nginx.pid; error_log $W/nginx.err; daemon off; user root;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000; server { listen 127.0.0.1:18099; root $W/www; } }
N
nginx -c "$W/nginx.conf" & sleep 0.5
say "nginx, a file of $bytes bytes: $("$LOAD" get http://127.0.0.1:18099/poll "$CONNECTIONS" "$SECONDS_EACH")"
object=$(cd "$W/data/repo" && find objects -name '*.file' | head -n 1)
say "the same by ctree-server, an object: $("$LOAD" get "$URL/repo/$object" "$CONNECTIONS" "$SECONDS_EACH")"
