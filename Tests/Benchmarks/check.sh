#!/usr/bin/env bash
# What it costs to read everything through: `ctree verify --full` and `ctree-server fsck` beside `sha256sum` of the same files on two processors.
#   usage: Tests/Benchmarks/check.sh DIRECTORY [RESULT.md]     needs dist/bin (./build.sh) and root; CPU seconds are user + system
set -euo pipefail
cd "$(dirname "$0")/../.."
SOURCE=$(realpath "${1:?a directory to publish}")
RESULT=${2:-/dev/stdout}
BIN=$PWD/dist/bin
W=$(mktemp -d "${TMPDIR:-/var/tmp}/ctree-check.XXXXXX")
trap 'kill "${SERVER:-}" 2>/dev/null || true; rm -rf "$W"' EXIT

timed() { # timed NAME COMMAND... : adds a line to the table
  local name=$1; shift
  /usr/bin/time -f '%e %U %S' -o "$W/time" "$@" >/dev/null 2>"$W/error" || { cat "$W/error" >&2; return 1; }
  read -r wall user sys <"$W/time"
  awk -v name="$name" -v bytes="$BYTES" -v wall="$wall" -v user="$user" -v sys="$sys" \
    'BEGIN { printf "| %s | %.1f | %.1f | %.0f |\n", name, user + sys, wall, bytes / 1e6 / (wall ? wall : 0.01) }' >>"$W/table"
}

"$BIN/ctree-server" --data "$W/data" init >/dev/null
"$BIN/ctree-server" --data "$W/data" publish --branch main "$SOURCE" >/dev/null 2>&1
"$BIN/ctree-server" --data "$W/data" serve --urls http://127.0.0.1:0 --deltas 0 >"$W/serve" 2>/dev/null & SERVER=$!
for _ in $(seq 100); do URL=$(sed -n 's/^listening on //p' "$W/serve"); [ -n "$URL" ] && break; sleep 0.1; done
TOKEN=$("$BIN/ctree-server" --data "$W/data" token create --enrol | tail -n1)
"$BIN/ctree" --root "$W/device" init --server "$URL" --branch main --token "$TOKEN" >/dev/null 2>&1
"$BIN/ctree" --root "$W/device" update >/dev/null 2>&1
OBJECTS=$W/device/ctree/store/objects
BYTES=$(find "$OBJECTS" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')

find "$OBJECTS" -type f -print0 >"$W/names"
for _ in 1 2; do # the second time everything is in memory
  : >"$W/table"
  timed '`sha256sum`, two at a time' xargs -0 -a "$W/names" -P 2 -n 256 sha256sum
  timed '`ctree verify --full`' "$BIN/ctree" --root "$W/device" verify --full
  timed '`ctree-server fsck` (unpacks too)' "$BIN/ctree-server" --data "$W/data" fsck
done
{
  printf '%s files, %s MB of content in memory.\n\n' "$(tr -cd '\0' <"$W/names" | wc -c)" "$((BYTES / 1000000))"
  printf '| | CPU s | wall s | MB/s |\n| --- | --- | --- | --- |\n'
  cat "$W/table"
} >"$RESULT"
