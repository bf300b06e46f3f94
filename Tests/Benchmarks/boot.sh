#!/usr/bin/env bash
# Figures of the selector (time, memory, size) and of an update's flushes.
#   usage: boot.sh OUT.md OLD NEW      two versions of a directory, such as npm/v1 npm/v2
# Everything on a fresh ext4 in a file, with barriers. Needs root and the Debian packages strace, time and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8
[ $# -eq 3 ] || { sed -n '2,/^set/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
OUT=$1 OLD=$2 NEW=$3
RUNS=${RUNS:-200}
BIN=$PWD/dist/bin
[ "$(id -u)" -eq 0 ] || { echo "boot.sh needs root" >&2; exit 1; }
for tool in strace /usr/bin/time python3; do command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
[ -x "$BIN/ctree" ] && [ -x "$BIN/ctree-server" ] && [ -x "$BIN/ctree-select" ] || ./build.sh

W=$PWD/.work/bench-boot; mkdir -p "$W/mnt"
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; umount -q "$W/mnt" || true; rm -rf "$W/disk"' EXIT
umount -q "$W/mnt" 2>/dev/null || true
rm -f "$W/disk"; truncate -s 4G "$W/disk"; mkfs.ext4 -q -F "$W/disk"; mount -o loop "$W/disk" "$W/mnt"

"$BIN/ctree-server" --data "$W/mnt/s" init >/dev/null 2>&1
"$BIN/ctree-server" --data "$W/mnt/s" serve --urls http://127.0.0.1:0 >"$W/serve" 2>/dev/null & server=$!
until grep -q '^listening on ' "$W/serve"; do sleep 0.2; kill -0 $server; done
url=$(sed -n 's/^listening on //p' "$W/serve"); token=$("$BIN/ctree-server" --data "$W/mnt/s" token create --enrol 2>/dev/null | tail -n 1)
device=("$BIN/ctree" --root "$W/mnt/d")
"${device[@]}" init --server "$url" --branch main --trust "$W/mnt/s/repo/trust/root.json" --token "$token" >/dev/null 2>&1

flushes() { # flushes WHAT COMMAND... : counts of the calls that wait for the medium
  local what=$1; shift
  strace -f -o "$W/trace" -e trace=fsync,fdatasync,syncfs,sync,sync_file_range "$@" >/dev/null 2>&1
  grep -oE ' (fsync|fdatasync|syncfs|sync|sync_file_range)\(' "$W/trace" | sort | uniq -c |
    awk -v w="$what" '{sub(/\(/, "", $2); n += $1; t = t (t ? ", " : "") $1 " " $2} END {printf "| %s | %d (%s) |\n", w, n, t}' >>"$W/rows"
}
publish() { "$BIN/ctree-server" --data "$W/mnt/s" publish --branch main "$1" 2>/dev/null | tail -n 1; }

: >"$W/rows"
publish "$OLD" >/dev/null
flushes "flushes of the first update, everything new" "${device[@]}" update
"$BIN/ctree-select" --root "$W/mnt/d" --print >/dev/null 2>&1
"${device[@]}" confirm >/dev/null
second=$(publish "$NEW")
flushes "flushes of fetching the next version" "${device[@]}" pull "$second"
flushes "flushes of deploying it: deployment, /etc, marker, boot file" "${device[@]}" deploy "$second"
cp -a "$W/mnt/d/ctree/boot" "$W/mnt/trial"
"$BIN/ctree-select" --root "$W/mnt/d" --print >/dev/null 2>&1
flushes "flushes of confirming it" "${device[@]}" confirm
cp -a "$W/mnt/d/ctree/boot" "$W/mnt/good"
flushes "flushes of an update with nothing new" "${device[@]}" update

# From the same boot file and notes each time; what it leaves is a reboot away from running.
cp -a "$W/mnt/d/ctree/state" "$W/mnt/state"
python3 - "$W/mnt" "$BIN/ctree" >>"$W/rows" <<'PYTHON'
import shutil, statistics, subprocess, sys, time
mnt, ctree = sys.argv[1:]
times = []
for _ in range(20):
    for slot in ("boot.a", "boot.b"):
        shutil.copyfile(f"{mnt}/good/{slot}", f"{mnt}/d/ctree/boot/{slot}")
    shutil.rmtree(f"{mnt}/d/ctree/state")
    shutil.copytree(f"{mnt}/state", f"{mnt}/d/ctree/state")
    subprocess.run(["sync"])
    start = time.monotonic()
    subprocess.run([ctree, "--root", f"{mnt}/d", "rollback"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times.append((time.monotonic() - start) * 1000)
times.sort()
print(f"| switching to a deployment that is here (`ctree rollback`), start to end | {statistics.median(times):.0f} ms, a tenth above {times[18]:.0f} |")
PYTHON

# Every run begins from the same boot file. A trial is the slow way: its count is written, flushed and read back.
timed() { # timed WHAT BOOTFILES
  python3 - "$RUNS" "$1" "$2" "$W/mnt/d" "$BIN/ctree-select" >>"$W/rows" <<'PYTHON'
import os, shutil, statistics, subprocess, sys, time
runs, what, slots, root, selector = sys.argv[1:]
times = []
for _ in range(int(runs)):
    for slot in ("boot.a", "boot.b"):
        shutil.copyfile(f"{slots}/{slot}", f"{root}/ctree/boot/{slot}")
    os.sync()
    start = time.monotonic()
    subprocess.run([selector, "--root", root, "--print"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times.append((time.monotonic() - start) * 1000)
times.sort()
print(f"| {what} | {statistics.median(times):.1f} ms, a tenth above {times[len(times) * 9 // 10]:.1f} |")
PYTHON
}
timed "selector, a confirmed deployment: start to end, nothing written but what was booted" "$W/mnt/good"
timed "selector, a trial: counted, flushed, read back" "$W/mnt/trial"
/usr/bin/time -f '| selector, peak memory | %M KB |' "$BIN/ctree-select" --root "$W/mnt/d" --print 2>&1 >/dev/null | tail -n 1 >>"$W/rows"
echo "| selector, size | $(stat -c %s "$BIN/ctree-select") bytes |" >>"$W/rows"
{ printf '| what | reached |\n| --- | --- |\n'; cat "$W/rows"; } >"$OUT"
cat "$OUT"
