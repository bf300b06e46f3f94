#!/usr/bin/env bash
# How many polls a server answers, beside nginx serving a file of the same size; memory with many registered devices.
#   usage: fleet.sh OUT [REGISTERED]     OUT: where the results go; REGISTERED: devices beside those that poll (default 100000)
#   DATABASE=postgresql keeps the server's state in a PostgreSQL of its own, with the durability that it has by default; then SERVERS=2 measures two
#   servers behind nginx too, and BUCKET=1 objects out of a bucket of a Ceph gateway, with an empty cache and with a full one.
# Needs what test.sh installs, and nginx. Runs on loopback; the load is a second process on the same cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=${1:?OUT}; REGISTERED=${2:-100000}
SECONDS_EACH=${SECONDS_EACH:-15}; CONNECTIONS=${CONNECTIONS:-16}; POLLERS=${POLLERS:-200}
./build.sh ctree-server >/dev/null
dotnet build Tests/PollLoad -c Release -v quiet --nologo
LOAD=Tests/PollLoad/bin/Release/net10.0/poll-load
W=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null; [ -d "$W/ceph" ] && Tests/Support/ceph-gateway.sh stop "$W/ceph"; [ -d "$W/pg/data" ] && as_postgres "$PG/pg_ctl -D $W/pg/data -m immediate stop" >/dev/null; rm -rf "$W"' EXIT
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
pid_of() { local found; found=$(pgrep -P "$1" || echo "$1"); echo "${found%%$'\n'*}"; }
PID=$(pid_of "$SERVER")
memory() { awk '/VmRSS/ {printf "%d MB", $2/1024}' "/proc/$PID/status"; }
cpu() { awk '{print $14 + $15}' "/proc/${1:-$PID}/stat"; }
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
nginx_cpu() { local sum=0 worker; for worker in $(pgrep -P "$(cat "$W/nginx.pid")"); do sum=$((sum + $(cpu "$worker"))); done; echo $sum; }
before=$(nginx_cpu)
say "nginx, a file of $bytes bytes: $("$LOAD" get http://127.0.0.1:18099/poll "$CONNECTIONS" "$SECONDS_EACH")"
say "nginx: $(( ($(nginx_cpu) - before) * 10 )) ms of processor time"
object=$(cd "$W/data/repo" && find objects -name '*.file' | head -n 1)
"$LOAD" get "$URL/repo/$object" "$CONNECTIONS" 3 >/dev/null
before=$(cpu)
say "the same by ctree-server, an object: $("$LOAD" get "$URL/repo/$object" "$CONNECTIONS" "$SECONDS_EACH")"
say "server: $(( ($(cpu) - before) * 10 )) ms of processor time"

if [ "${SERVERS:-1}" -gt 1 ]; then
  dist/bin/ctree-server --data "$W/data" serve --urls http://127.0.0.1:0 >"$W/out2" 2>"$W/err2" & OTHER=$(pid_of $!)
  until grep -q '^listening' "$W/out2"; do sleep 0.02; done
  SECOND=$(sed -n 's/^listening on //p' "$W/out2")
  cat >"$W/proxy.conf" <<N
worker_processes 2; pid $W/proxy.pid; error_log $W/proxy.err; daemon off; user root;
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 1000000;
  upstream ctree { server ${URL#http://}; server ${SECOND#http://}; keepalive 32; }
  server { listen 127.0.0.1:18098; location / { proxy_pass http://ctree; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for; } }
}
N
  nginx -c "$W/proxy.conf" & sleep 0.5
  "$LOAD" poll http://127.0.0.1:18098 "$TOKEN" main "$POLLERS" "$CONNECTIONS" 3 >/dev/null
  before=$(cpu); other=$(cpu "$OTHER")
  say "polls, two servers behind nginx: $("$LOAD" poll http://127.0.0.1:18098 "$TOKEN" main "$POLLERS" "$CONNECTIONS" "$SECONDS_EACH")"
  say "servers: $(( ($(cpu) - before) * 10 )) and $(( ($(cpu "$OTHER") - other) * 10 )) ms of processor time"
  kill "$OTHER"
fi

if [ "${BUCKET:-}" ]; then
  kill "$SERVER" "$PID" 2>/dev/null || true
  while kill -0 "$PID" 2>/dev/null; do sleep 0.1; done
  mkdir "$W/files"; for i in $(seq 3000); do head -c 30000 /dev/urandom >"$W/files/$i"; done
  dist/bin/ctree-server --data "$W/data" publish --branch files "$W/files" >/dev/null
  Tests/Support/ceph-gateway.sh start "$W/ceph" 18090 access secret $$ >/dev/null
  # The hash of nothing: without it the gateway takes another signature than older curls make.
  curl -fsS --aws-sigv4 aws:amz:us-east-1:s3 --user access:secret -H "x-amz-content-sha256: $(sha256sum </dev/null | cut -d' ' -f1)" -X PUT http://127.0.0.1:18090/ctree
  printf '[default]\naws_access_key_id = access\naws_secret_access_key = secret\n' >"$W/keys"
  moving=$(date +%s%N)
  dist/bin/ctree-server --data "$W/data" migrate --objects-to "s3://ctree/fleet?endpoint=http://127.0.0.1:18090&credentials=$W/keys" 2>"$W/moved" >/dev/null
  say "into the bucket: $(cut -d';' -f1 "$W/moved") in $(( ($(date +%s%N) - moving) / 1000000 )) ms"
  rm -rf "$W/data/cache/objects"
  dist/bin/ctree-server --data "$W/data" serve --urls http://127.0.0.1:0 >"$W/out3" 2>"$W/err3" & SERVER=$!
  until grep -q '^listening' "$W/out3"; do sleep 0.02; done
  URL=$(sed -n 's/^listening on //p' "$W/out3")
  (cd "$W/data/repo" && find objects -name '*.file' -size +20k | sed "s|^|$URL/repo/|") >"$W/urls"
  say "objects of 30 KB out of the bucket, nothing cached: $("$LOAD" get "@$W/urls" "$CONNECTIONS" 3)"
  "$LOAD" get "@$W/urls" "$CONNECTIONS" 30 >/dev/null
  say "the same, all of them cached: $("$LOAD" get "@$W/urls" "$CONNECTIONS" "$SECONDS_EACH")"
  (cd "$W/data/cache/objects" && find . -type f ! -name '.new-*' -size +20k -print) | head -n 1000 >"$W/cached"
  mkdir -p "$W/www/o"; (cd "$W/data/cache/objects" && xargs -a "$W/cached" -I{} cp {} "$W/www/o/")
  (cd "$W/www/o" && ls | sed 's|^|http://127.0.0.1:18099/o/|') >"$W/plain"
  say "nginx, files of that size: $("$LOAD" get "@$W/plain" "$CONNECTIONS" "$SECONDS_EACH")"
fi
