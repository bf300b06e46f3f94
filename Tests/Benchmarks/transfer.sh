#!/usr/bin/env bash
# Figures of updating: the bytes of a delta, what making and applying it costs, packs, weak links, and what a tiny change in a
# huge tree costs; the peers in the same run. Needs root (owners, network namespaces), Debian's ostree, nginx-light, time, python3
# and iproute2, and whichever other peers are asked for.
#   usage: transfer.sh OUT.md INPUTS [SET...]
# INPUTS/SET/v1, v2, v3 are directories. What may be chosen by the environment:
#   PEERS="ostree zstd xdelta3 casync rsync git"   (default ostree)     STAGES="delta apply packs weak huge"     RUNS=3
#   PROFILES="a b"                                 WEAK="runtime npm icons", the sets that go over weak links
#   PAIRS="v1-v2 v2-v3"                            FILES=100000 of the huge tree         LINKS="2000/50/1 512/150/3": kbit/s, ms, %
# CPU is user + system seconds of the whole process, start-up included; MB are 10^6 bytes of transfer and 2^20 of memory.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
OUT=$1 INPUTS=$(cd "$2" && pwd); shift 2
[ $# -gt 0 ] || set -- $(cd "$INPUTS" && ls)
PEERS=${PEERS-ostree} STAGES=${STAGES:-delta apply packs weak huge} RUNS=${RUNS:-3} PROFILES=${PROFILES:-a b} PAIRS=${PAIRS:-v1-v2 v2-v3} FILES=${FILES:-100000}
LINKS=${LINKS:-2000/50/1 512/150/3} WEAK=${WEAK:-runtime npm icons}
BIN=$PWD/dist/bin HERE=$PWD/Tests/Benchmarks
[ "$(id -u)" -eq 0 ] || { echo "transfer.sh needs root" >&2; exit 1; }
for tool in /usr/bin/time nginx python3 ip $PEERS; do command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
[ -x "$BIN/ctree" ] && [ -x "$BIN/ctree-server" ] || ./build.sh ctree ctree-server

W=${WORK:-$PWD/.work/bench/transfer.$$}; mkdir -p "$W"; TSV=${TSV:-$W/transfer.tsv}; touch "$TSV"
A=ctb$$a B=ctb$$b PORT=${PORT:-18099} SERVER= NGINX= LINK=
trap 'set +e; server_off; proxy_off; link_off; rm -rf "$W/pair" "$W/huge"' EXIT
has() { [[ " $2 " == *" $1 "* ]]; }
size() { stat -c %s "$1"; }

t() { # t COMMAND... : wall, CPU and peak memory into T
  /usr/bin/time -o "$W/time" -f '%e %U %S %M' "$@" >"$W/out" 2>"$W/err" || { echo "failed: $*: $(tail -n 3 "$W/err")" >&2; return 1; }
  T=$(awk 'END{printf "%s\t%.2f\t%d", $1, $2+$3, $4/1024}' "$W/time")
}
rec() { printf '%s\t%s\t%s\t%s\t%s\n' "$SET" "$1" "$2" "$T" "${3:-}" | tee -a "$TSV" >&2; } # rec WHAT BYTES [NOTE]
server() { "$BIN/ctree-server" --data "$S" "$@"; }
device() { "$BIN/ctree" --root "$D" "$@"; }

server_on() { # server_on ADDRESS [ip netns exec NS]
  local address=$1; shift
  : >"$W/serve"; "$@" "$BIN/ctree-server" --data "$S" serve --deltas 0 --urls "http://$address" >"$W/serve" 2>"$W/serve.log" & SERVER=$!
  until grep -q '^listening on ' "$W/serve"; do sleep 0.1; kill -0 $SERVER; done
  URL=$(sed -n 's/^listening on //p' "$W/serve")
}
server_off() { [ -z "$SERVER" ] || { kill "$SERVER"; wait "$SERVER" || true; } 2>/dev/null; SERVER=; }

proxy_on() { # proxy_on DIRECTIVE... : an nginx that counts
  mkdir -p "$W/nginx"; : >"$W/nginx/log"
  cat >"$W/nginx/conf" <<C
worker_processes 1; pid $W/nginx/pid; error_log $W/nginx/error; user root; daemon off;
events { worker_connections 256; }
http { log_format b '\$request_length \$bytes_sent \$request_uri'; access_log $W/nginx/log b; keepalive_requests 1000000; client_max_body_size 0;
  client_body_temp_path $W/nginx/c; proxy_temp_path $W/nginx/p; fastcgi_temp_path $W/nginx/f; uwsgi_temp_path $W/nginx/u; scgi_temp_path $W/nginx/s;
  server { listen 127.0.0.1:$PORT; location / { $* } } }
C
  nginx -c "$W/nginx/conf" 2>/dev/null & NGINX=$!
  until [ -s "$W/nginx/pid" ]; do sleep 0.1; kill -0 $NGINX; done
}
proxy_off() { [ -z "$NGINX" ] || { kill "$NGINX"; wait "$NGINX" || true; } 2>/dev/null; NGINX=; rm -rf "$W/nginx"; }
through() { # through ours|FILES : requests are counted from here on
  proxy_off
  if [ "$1" = ours ]; then proxy_on "proxy_pass $URL; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_set_header Host \$http_host; proxy_set_header Connection '';"
  else proxy_on "root $1;"; fi
}
counted() { sleep 0.3; awk '{up+=$1; down+=$2} END{printf "%d %d %d", down, NR, up}' "$W/nginx/log"; : >"$W/nginx/log"; kill -USR1 "$NGINX"; sleep 0.2; }

link_on() { # link_on KBIT MS PERCENT
  ip netns add "$A"; ip netns add "$B"
  python3 "$HERE/tun-link.py" "$A" "$B" "$@" >"$W/link" 2>"$W/link.err" & LINK=$!
  until grep -q ready "$W/link"; do sleep 0.1; kill -0 $LINK; done
}
link_off() {
  [ -z "$LINK" ] || { kill "$LINK"; wait "$LINK" || true; } 2>/dev/null; LINK=
  for ns in "$A" "$B"; do ip netns del "$ns" 2>/dev/null || true; done
}

template() { # template DIRECTORY BRANCH TO : a device that has all of BRANCH and follows TO now
  D=$1; local token; token=$(server token create --enrol 2>/dev/null | tail -n 1)
  device init --server "$URL" --branch "$2" --trust "$S/repo/trust/root.json" --token "$token" >/dev/null 2>&1
  device pull >/dev/null 2>&1; device switch "$3" >/dev/null 2>&1
}
clone() { # clone TEMPLATE URL : the objects are links, all the rest is its own
  D=$W/pair/d; rm -rf "$D"; cp -al "$1" "$D"
  (cd "$1"; find . -type f ! -path '*/store/objects/*' -print0 | xargs -0r cp -a --parents --remove-destination -t "$D")
  sed -i "s#^url *=.*#url = $2\nallow-http = true#" "$D/ctree/agent.conf"
}
clone_ostree() { rm -rf "$W/pair/dev"; cp -al "$W/pair/bare" "$W/pair/dev"; cp --remove-destination "$W/pair/bare/config" "$W/pair/dev/config"; }
fetched() { device --json status | python3 -c 'import json,sys; f=json.load(sys.stdin)["fetched"]; print(f["objects"], f["bytes"])'; }

repositories() { # both versions, in ours and in ostree's
  rm -rf "$W/pair"; mkdir -p "$W/pair"; S=$W/pair/s
  server init >/dev/null 2>&1
  server publish --branch old "$OLD" >/dev/null 2>&1
  NEWEST=$(server publish --branch new "$NEW" 2>/dev/null | tail -n 1)
  has ostree "$PEERS" || return 0
  O=$W/pair/o; ostree --repo="$O" init --mode=archive
  ostree --repo="$O" commit -b old --tree=dir="$OLD" >/dev/null; ostree --repo="$O" commit -b new --tree=dir="$NEW" >/dev/null
  ostree --repo="$O" summary -u >/dev/null
  ostree --repo="$W/pair/bare" init --mode=bare; ostree --repo="$W/pair/bare" pull-local "$O" old >/dev/null
}

hide() { mkdir -p "$W/pair/$1"; mv "$S"/repo/deltas/* "$W/pair/$1/"; }
show() { rm -f "$S"/repo/deltas/*; cp "$W/pair/$1"/* "$S/repo/deltas/"; }

stage_delta() {
  t "$BIN/ctree-server" --data "$S" delta --parts old new
  cp "$W/out" "$W/pair/parts"
  rec "delta, ctree-server" "$(awk 'END{print $NF}' "$W/out")" "$(awk '/ of / && !/^header/{n[$1]++; b[$1]+=$2} END{for(c in n) printf "%s %d parts %d B; ", c, n[c], b[c]}' "$W/out")$(awk '/^header/{print "plan", $4, "B, decoder", int($8/1024), "MB"}' "$W/out")"
  hide a
  if has b "$PROFILES"; then
    t "$BIN/ctree-server" --data "$S" delta --fast old new; rec "delta --fast, ctree-server" "$(awk 'END{print $NF}' "$W/out")"
    hide b
  fi
  local peer; for peer in $PEERS; do "peer_$peer"; done
}

peer_ostree() {
  t ostree --repo="$O" static-delta generate --from=old --to=new --inline --min-fallback-size=0 --filename="$W/pair/ostree.delta"
  rec "ostree static-delta generate --inline --min-fallback-size=0" "$(size "$W/pair/ostree.delta")"
}
tars() {
  local v; for v in "$OLD" "$NEW"; do
    [ -f "$W/pair/${v##*/}.tar" ] || tar --sort=name --mtime=@0 --format=gnu -C "$v" -cf "$W/pair/${v##*/}.tar" .; done
}
peer_zstd() {
  tars; t zstd -q -f -T1 -19 --long=31 --patch-from="$W/pair/${OLD##*/}.tar" "$W/pair/${NEW##*/}.tar" -o "$W/pair/patch"
  rec "zstd -19 --long=31 --patch-from, tars" "$(size "$W/pair/patch")"
}
peer_xdelta3() {
  tars; t xdelta3 -e -f -9 -S lzma -B 1073741824 -s "$W/pair/${OLD##*/}.tar" "$W/pair/${NEW##*/}.tar" "$W/pair/patch"
  rec "xdelta3 -9 -S lzma -B 1G, tars" "$(size "$W/pair/patch")"
}
peer_casync() {
  local c=$W/pair/casync; mkdir "$c"
  casync make --without=all --with=unix --store="$c/1" "$c/1.caidx" "$OLD" >/dev/null
  t casync make --without=all --with=unix --store="$c/2" "$c/2.caidx" "$NEW"
  local missing; missing=$(comm -13 <(cd "$c/1"; find . -name '*.cacnk' | sort) <(cd "$c/2"; find . -name '*.cacnk' | sort) | (cd "$c/2"; xargs -r stat -c %s) | awk '{s+=$1} END{print s+0}')
  rec "casync, missing chunks and index" "$((missing + $(size "$c/2.caidx")))"; rm -rf "$c"
}
peer_rsync() {
  cp -a "$OLD" "$W/pair/rsync"
  t rsync -a --delete --checksum --no-whole-file -z --zc=zstd --zl=19 --stats "$NEW/" "$W/pair/rsync/"
  rec "rsync -az --zc=zstd --zl=19" "$(awk '/^Total bytes (sent|received)/{gsub(/[^0-9]/,""); s+=$0} END{print s}' "$W/out")"; rm -rf "$W/pair/rsync"
}
peer_git() {
  local g=$W/pair/git v; git init -q "$g"
  for v in "$OLD" "$NEW"; do
    git --git-dir="$g/.git" --work-tree="$v" -c core.fsync=none -c gc.auto=0 -c core.autocrlf=false add -A -f .
    git --git-dir="$g/.git" -c user.name=b -c user.email=b@b commit -q --allow-empty -m v; done
  printf 'HEAD\n^HEAD~1\n' >"$W/revs"
  t sh -c "git --git-dir='$g/.git' pack-objects -q --revs --thin --stdout --delta-base-offset <'$W/revs' >'$W/pair/pack'"
  rec "git, thin pack" "$(size "$W/pair/pack")"; rm -rf "$g"
}

stage_apply() {
  local run profile
  server_on 127.0.0.1:0
  [ -d "$W/pair/t" ] || template "$W/pair/t" old new
  for run in $(seq "$RUNS"); do
    for profile in $PROFILES; do
      show $profile; clone "$W/pair/t" "$URL"; sync
      t "$BIN/ctree" --root "$D" pull; rec "apply over loopback, ctree pull$([ $profile = a ] || echo ', delta --fast')" "$(fetched | cut -d' ' -f2)"
      [ "$run" != "$RUNS" ] || device verify --full >/dev/null 2>&1 || echo "verify failed: $SET" >&2
    done
    has ostree "$PEERS" || continue
    clone_ostree; sync
    t ostree --repo="$W/pair/dev" static-delta apply-offline "$W/pair/ostree.delta"; rec "apply, ostree static-delta apply-offline" "$(size "$W/pair/ostree.delta")"
  done
  server_off
}

stage_packs() {
  local run n objects
  rm -f "$S"/repo/deltas/*
  server_on 127.0.0.1:0
  [ -d "$W/pair/t" ] || template "$W/pair/t" old new
  for run in $(seq "$RUNS"); do
    through ours; clone "$W/pair/t" "http://127.0.0.1:$PORT"; sync
    t "$BIN/ctree" --root "$D" pull; read -r down n up <<<"$(counted)"; read -r objects _ <<<"$(fetched)"
    rec "no delta, ctree pull" "$down" "$n requests of $up B; $objects objects, $(awk -v c="$(cut -f2 <<<"$T")" -v n="$objects" 'BEGIN{printf "%.3f", n?1000*c/n:0}') ms of CPU each"
    if [ "$run" = "$RUNS" ]; then
      device deploy "$NEWEST" >/dev/null 2>&1; device update >/dev/null 2>&1; counted >/dev/null # the first poll also tells what happened
      t "$BIN/ctree" --root "$D" update; read -r down n up <<<"$(counted)"; rec "poll with nothing new, ctree update" "$down" "$n requests of $up B"
    fi
    has ostree "$PEERS" || continue
    through "$O"; clone_ostree; ostree --repo="$W/pair/dev" remote add --no-gpg-verify o "http://127.0.0.1:$PORT/"; sync
    t ostree --repo="$W/pair/dev" pull --disable-static-deltas o new; read -r down n up <<<"$(counted)"
    objects=$(awk '{split($1,f,"/"); print f[1]}' <<<"$(grep -Eo '[0-9]+ (metadata|content)' "$W/out" | tr '\n' ' ')")
    rec "no delta, ostree pull" "$down" "$n requests of $up B; $(awk -v c="$(cut -f2 <<<"$T")" -v n="$n" 'BEGIN{printf "%.3f", 1000*c/n}') ms of CPU each"
    if [ "$run" = "$RUNS" ]; then
      t ostree --repo="$W/pair/dev" pull --disable-static-deltas o new; read -r down n up <<<"$(counted)"; rec "poll with nothing new, ostree pull" "$down" "$n requests of $up B"
    fi
  done
  proxy_off; server_off
}

stage_weak() {
  local link run bytes
  show a
  if [ ! -d "$W/pair/t" ]; then server_on 127.0.0.1:0; template "$W/pair/t" old new; server_off; fi
  for link in $LINKS; do
    for run in $(seq "$RUNS"); do
      link_on ${link//\// } "$run"
      server_on 192.0.2.1:8480 ip netns exec "$A"
      clone "$W/pair/t" http://192.0.2.1:8480; ip netns exec "$A" "$BIN/ctree" --root "$D" plan >/dev/null 2>&1 # a server that runs for long is warm
      clone "$W/pair/t" http://192.0.2.1:8480
      t ip netns exec "$B" "$BIN/ctree" --root "$D" pull; ended=$(date +%s.%N)
      bytes=$(fetched | cut -d' ' -f2)
      server_off; kill "$LINK"; wait "$LINK" || true; LINK=; link_off
      rec "weak link ${link//\// }" "$bytes" "$(python3 - "$W/link" "$link" "$bytes" "$(cut -f1 <<<"$T")" "$ended" <<'P'
import json, sys
link = json.loads(open(sys.argv[1]).read().splitlines()[-1])
kbit, bytes_, wall, ended = float(sys.argv[2].split("/")[0]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
floor = bytes_ * 1500 / 1448 / (kbit * 125)
print(f"{wall / floor:.2f} of {floor:.2f} s; ended {ended - link['last']:.2f} s after the last packet; "
      f"{link['syns']} connections, {link['bytes']} B carried, {link['lost']} lost, {link['dropped']} dropped")
P
)"
    done
  done
}

stage_huge() {
  local SET=huge OLD=$W/huge/v1 NEW=$W/huge/v2 PEERS=
  rm -rf "$W/huge"; mkdir -p "$OLD"
  python3 - "$OLD" "$FILES" <<'P'
import os, sys
root, files = sys.argv[1], int(sys.argv[2])
for i in range(files):
    directory = f"{root}/{i // 10000:03}/{i // 100 % 100:02}"
    if i % 100 == 0:
        os.makedirs(directory)
    with open(f"{directory}/file-{i:07}.txt", "w") as f:
        f.write(f"file {i}\n" * 20)
P
  cp -al "$OLD" "$NEW"; local one; one=$(find "$NEW" -type f | sort | sed -n "$((FILES / 2))p"); cp --remove-destination "$one" "$W/huge/one"; echo changed >>"$W/huge/one"; mv -f "$W/huge/one" "$one"
  repositories
  t "$BIN/ctree-server" --data "$S" delta --parts old new; rec "$FILES files, one changed: delta" "$(awk 'END{print $NF}' "$W/out")"
  server_on 127.0.0.1:0; template "$W/pair/t" old new; through ours; clone "$W/pair/t" "http://127.0.0.1:$PORT"
  t "$BIN/ctree" --root "$D" pull; read -r down n up <<<"$(counted)"; rec "$FILES files, one changed: whole update, ctree pull" "$down" "$n requests of $up B"
  rm -f "$S"/repo/deltas/*; clone "$W/pair/t" "http://127.0.0.1:$PORT"
  t "$BIN/ctree" --root "$D" pull; read -r down n up <<<"$(counted)"; rec "$FILES files, one changed: without a delta" "$down" "$n requests of $up B"
  proxy_off; server_off
}

for name in "$@"; do
  [ "$name" != none ] || continue
  for pair in $PAIRS; do
    OLD=$INPUTS/$name/${pair%-*} NEW=$INPUTS/$name/${pair#*-} SET="$name ${pair//v/}"
    [ -d "$OLD" ] && [ -d "$NEW" ] || continue
    repositories
    for stage in delta apply packs; do ! has $stage "$STAGES" || "stage_$stage"; done
    ! has weak "$STAGES" || ! has "$name" "$WEAK" || [ "$pair" != v1-v2 ] || stage_weak
  done
done
! has huge "$STAGES" || stage_huge

{
  echo "| set | what | runs | bytes | wall s, median | CPU s, median | peak MB | of the median run |"
  echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
  python3 - "$TSV" <<'P'
import sys
rows = {}
for line in open(sys.argv[1]):
    fields = line.rstrip("\n").split("\t")
    rows.setdefault(tuple(fields[:2]), []).append(fields[2:])
for (name, what), runs in rows.items():
    middle = lambda column: sorted(runs, key=lambda r: float(r[column]))[(len(runs) - 1) // 2]
    median = middle(1)
    print(f"| {name} | {what} | {len(runs)} | {int(median[0]):,} | {median[1]} | {middle(2)[2]} | {max(int(r[3]) for r in runs)} | {median[4]} |")
P
} | tee "$OUT"
