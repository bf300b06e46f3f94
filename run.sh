#!/usr/bin/env bash
# The whole path on this machine, without root: server, two real versions of a tree, a device that installs, updates over
# a weak link and falls back from a bad update. Leaves the server running; everything is below .work/run.
#   usage: run.sh [--once]     --once: end after the table, 0 when everything went as it should
set -euo pipefail
cd "$(dirname "$0")"
. scripts/packages.sh
ONCE=
case ${1:-} in '') ;; --once) ONCE=1 ;; *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
need_dotnet
need_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}"

./build.sh 2>.work-build.log || { cat .work-build.log >&2; rm -f .work-build.log; exit 1; }
mkdir -p .work; mv .work-build.log .work/build.log
dotnet build Tests/WeakLink -c Release -v quiet --nologo >>.work/build.log

R=$PWD/.work/run; BIN=$PWD/dist/bin
stop() { [ ! -f "$R/pids" ] || while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$R/pids"; }
stop
chmod -R u+w "$R" 2>/dev/null || true; rm -rf "$R"; mkdir -p "$R"
LOG=$R/log; : >"$LOG"
say() { printf '%s\n' "$*" >&2; }
fail() { say "run.sh: $*"; say "details: $LOG"; exit 1; }
trap 'rc=$?; [ $rc -eq 0 ] && [ -z "$ONCE" ] || stop' EXIT
logged() { echo "+ $*" >>"$LOG"; "$@" >>"$LOG" 2>&1; }
seconds() { date +%s.%N; }

# Two versions of a real tree: consecutive releases of the .NET runtime, else the runtime that is installed here.
versions() {
  local v
  for v in 1 2; do
    dotnet package download "Microsoft.NETCore.App.Runtime.linux-x64@10.0.$((11 + v))" --output "$R/packages" >>"$LOG" 2>&1 || return 1
    mkdir -p "$R/v$v/usr/lib/dotnet" "$R/v$v/etc"
    cp -r "$R/packages/microsoft.netcore.app.runtime.linux-x64/10.0.$((11 + v))/runtimes/." "$R/v$v/usr/lib/dotnet/"
    echo "10.0.$((11 + v))" >"$R/v$v/etc/version"
  done
}
installed() {
  local dotnet; dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
  mkdir -p "$R/v1/usr/lib/dotnet" "$R/v1/etc" "$R/v2"
  cp -rL "$dotnet/shared/Microsoft.NETCore.App" "$R/v1/usr/lib/dotnet/"
  cp -r "$R/v1/." "$R/v2/"; cp -rL "$dotnet/shared/Microsoft.AspNetCore.App" "$R/v2/usr/lib/dotnet/"
  echo 1 >"$R/v1/etc/version"; echo 2 >"$R/v2/etc/version"
}
say "finding two versions of a real tree"
versions || { say "no packages from here; taking the installed runtime"; rm -rf "$R/v1" "$R/v2"; installed; }
cp -r "$R/v2" "$R/v3"; echo broken >"$R/v3/etc/version"

say "starting the server"
start_server() { # start_server URL
  "$BIN/ctree-server" --data "$R/server" serve --urls "$1" >"$R/server.out" 2>>"$LOG" & local pid=$!
  until grep -q '^listening on ' "$R/server.out"; do
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  echo "$pid" >>"$R/pids"
}
start_server http://127.0.0.1:8480 || start_server http://127.0.0.1:0 || fail "the server did not start"
URL=$(sed -n 's/^listening on //p' "$R/server.out")
echo "0 0" >"$R/link"
Tests/WeakLink/bin/Release/net10.0/weak-link "${URL##*:}" "$R/link" >"$R/link.out" 2>>"$LOG" & echo $! >>"$R/pids"
until [ -s "$R/link.out" ]; do sleep 0.1; done

server() { "$BIN/ctree-server" --data "$R/server" "$@"; }
device() { "$BIN/ctree" --root "$R/device" "$@"; }
boot() { "$BIN/ctree-select" --root "$R/device" --print 2>>"$LOG"; }
publish() { server publish --branch main --version "$2" --subject "$3" "$R/$1" 2>>"$LOG" | tail -n 1; }
status() { device --json status 2>>"$LOG"; }
field() { status | tr -d '\n ' | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f2 | tr -d '"'; }
tree_bytes() { find "$1" -type f -printf '%s\n' | awk '{s+=$1} END{print s+0}'; }
tree_files() { find "$1" -type f | wc -l; }
row() { printf '%-34s %7s %9s %14s %14s %8s  %s\n' "$@"; }
table=$R/table
row step files objects fetched "whole tree" seconds "next boot" >"$table"
next() { basename "$(boot)"; }

say "publishing version 1, installing the device"
v1=$(publish v1 1 "the first version"); [ -n "$v1" ] || fail "publishing failed"
token=$(server token create --enrol 2>>"$LOG" | tail -n 1)
logged device init --server "http://127.0.0.1:$(cat "$R/link.out")" --branch main --trust "$R/server/repo/trust/root.json" --token "$token" --unprivileged ||
  fail "ctree init failed"
before=$(seconds); logged device update || fail "the first install failed"; after=$(seconds)
took() { awk -v a="$1" -v b="$2" 'BEGIN{printf "%.1f", b-a}'; }
row "install version 1" "$(tree_files "$R/v1")" "$(field objects)" "$(field bytes)" "$(tree_bytes "$R/v1")" "$(took "$before" "$after")" "$(next)" >>"$table"
logged device confirm || fail "the first boot was not confirmed"

say "publishing version 2, updating over a link of 4 MB/s that breaks every 3 MB"
v2=$(publish v2 2 "the second version")
echo "4000000 3000000" >"$R/link"
before=$(seconds)
for try in 1 2 3 4 5 6 7 8 9 10; do
  rc=0; logged device update || rc=$?
  [ $rc -eq 13 ] || break
done
[ $rc -eq 0 ] || fail "the update ended with $rc"
after=$(seconds)
echo "0 0" >"$R/link"
resumes=$(field resumes)
row "update, cut link ($resumes resumes)" "$(tree_files "$R/v2")" "$(field objects)" "$(field bytes)" "$(tree_bytes "$R/v2")" "$(took "$before" "$after")" "$(next)" >>"$table"
logged device confirm || fail "version 2 was not confirmed"
good=$(next)

say "publishing a version that never comes up: three boots without a confirmation"
v3=$(publish v3 3 "never comes up"); before=$(seconds); logged device update || fail "the third update failed"; after=$(seconds)
row "update to a bad version" "$(tree_files "$R/v3")" "$(field objects)" "$(field bytes)" "$(tree_bytes "$R/v3")" "$(took "$before" "$after")" "$(basename "$("$BIN/ctree-select" --root "$R/device" --show 2>/dev/null | grep -o '[0-9]*-[0-9a-f]\{8\}' | head -n 1)")" >>"$table"
for boot in 1 2 3; do next >>"$LOG"; done
fallen=$(next)
logged device update || true
row "three boots unconfirmed, the fourth" "-" "-" "-" "-" "-" "$fallen" >>"$table"

say ""
cat "$table"
say ""
device status >&2 || true
say ""
server device list >&2 || true
say ""
[ "$fallen" = "$good" ] || fail "the device should have come back to $good, not $fallen"
[ "$(cat "$R/device/ctree/deploy/$fallen/etc/version")" = "$(cat "$R/v2/etc/version")" ] || fail "$fallen is not version 2"
status | grep -q "$v3" || fail "the bad commit is not on the deny list"
say "the bad commit ${v3:0:12} is denied on the device; it stays on ${v2:0:12} until the next one is published"
if [ -z "$ONCE" ]; then
  disown -a
  say "the server stays at $URL (data in .work/run/server); stop it with: kill \$(cat .work/run/pids)"
  say "its dashboard: $(sed -n 's/^dashboard: //p' "$R/server.out")"
fi
