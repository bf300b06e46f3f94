#!/usr/bin/env bash
# Figures of publishing, checking and deploying, ostree in the same run. Needs root (owners, a loop mount) and the Debian
# packages ostree and time; inputs are plain directories such as a Debian root filesystem.
#   usage: store.sh OUT.md NAME=DIRECTORY...
# Every program works on a fresh ext4 of its own in a file, because an allocator that still remembers deleted inodes costs
# more than the work itself. Interleaved runs, medians, CPU seconds (user + system) of the whole process.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
OUT=$1; shift
RUNS=${RUNS:-3}
BIN=$PWD/dist/bin
[ "$(id -u)" -eq 0 ] || { echo "store.sh needs root" >&2; exit 1; }
for tool in ostree /usr/bin/time; do command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
[ -x "$BIN/ctree" ] && [ -x "$BIN/ctree-server" ] && [ -x "$BIN/ctree-select" ] || ./build.sh

W=$PWD/.work/bench; mkdir -p "$W"; TSV=$W/store.tsv; : >"$TSV"
trap 'umount -q "$W/mnt" 2>/dev/null || true; rm -rf "$W/disk"' EXIT
fresh() { # a new, empty filesystem at $W/mnt
  umount -q "$W/mnt" 2>/dev/null || true
  rm -f "$W/disk"; truncate -s "${DISK:-12G}" "$W/disk"; mkfs.ext4 -q -F "$W/disk"; mkdir -p "$W/mnt"; mount -o loop "$W/disk" "$W/mnt"
}
t() { # t SET WHAT COMMAND... : wall, CPU and peak memory into the table
  local set=$1 what=$2; shift 2
  /usr/bin/time -o "$W/time" -f '%e %U %S %M' "$@" >"$W/out" 2>"$W/err" || { echo "$what failed: $(tail -n 3 "$W/err")" >&2; return 1; }
  awk -v s="$set" -v w="$what" 'END{printf "%s\t%s\t%s\t%.2f\t%d\n", s, w, $1, $2+$3, $4/1024}' "$W/time" | tee -a "$TSV" >&2
}

warm() { find "$1" -type f -print0 | xargs -0 cat >/dev/null; } # the same warm cache for everybody: a run before may have pushed it out

inodes() { find "$W/mnt/o/objects" "$W/mnt/d/ctree/store" -type f -size -64k \( -name '*.dirtree' -o -name '*.dirmeta' -o -name '*.tree' \) -exec cat {} + >/dev/null; find "$W/mnt/o/objects" "$W/mnt/d/ctree/store" -printf '%s' >/dev/null; }

for input in "$@"; do
  set=${input%%=*}; dir=${input#*=}
  for run in $(seq "$RUNS"); do
    fresh
    ostree --repo="$W/mnt/o" init --mode=archive
    warm "$dir"
    t "$set" "commit, ostree archive" ostree --repo="$W/mnt/o" commit -b main --tree=dir="$dir"
    fresh
    "$BIN/ctree-server" --data "$W/mnt/s" init >/dev/null 2>&1
    warm "$dir"
    t "$set" "commit, ctree-server publish" "$BIN/ctree-server" --data "$W/mnt/s" publish --branch main "$dir"
    t "$set" "commit again, ctree-server" "$BIN/ctree-server" --data "$W/mnt/s" publish --branch main "$dir"
    t "$set" "fsck, ctree-server" "$BIN/ctree-server" --data "$W/mnt/s" fsck
  done
  # Both stores filled from their own repository, then deployed in turn.
  fresh
  ostree --repo="$W/mnt/o" init --mode=bare
  t "$set" "commit, ostree bare" ostree --repo="$W/mnt/o" commit -b main --tree=dir="$dir"
  "$BIN/ctree-server" --data "$W/mnt/s" init >/dev/null 2>&1
  commit=$("$BIN/ctree-server" --data "$W/mnt/s" publish --branch main "$dir" 2>/dev/null | tail -n 1)
  "$BIN/ctree-server" --data "$W/mnt/s" serve --urls http://127.0.0.1:0 >"$W/serve" 2>/dev/null & server=$!
  until grep -q '^listening on ' "$W/serve"; do sleep 0.2; kill -0 $server; done
  url=$(sed -n 's/^listening on //p' "$W/serve"); token=$("$BIN/ctree-server" --data "$W/mnt/s" token create --enrol 2>/dev/null | tail -n 1)
  "$BIN/ctree" --root "$W/mnt/d" init --server "$url" --branch main --trust "$W/mnt/s/repo/trust/root.json" --token "$token" >/dev/null 2>&1
  t "$set" "pull from nothing, ctree" "$BIN/ctree" --root "$W/mnt/d" pull "$commit"
  t "$set" "poll with nothing new, ctree" "$BIN/ctree" --root "$W/mnt/d" update --check
  kill $server; wait $server 2>/dev/null || true
  "$BIN/ctree" --root "$W/mnt/d" deploy "$commit" >/dev/null 2>&1
  first=$(ls "$W/mnt/d/ctree/deploy" | grep -E '^[0-9]+-[0-9a-f]{8}$' | head -n 1)
  "$BIN/ctree" --root "$W/mnt/d" keep 1 >/dev/null # retention would remove it, and be timed
  for run in $(seq "$((RUNS + 2))"); do
    sync; inodes; t "$set" "checkout, ostree -H" ostree --repo="$W/mnt/o" checkout -H main "$W/mnt/co$run"
    sync; inodes; t "$set" "deploy, ctree" "$BIN/ctree" --root "$W/mnt/d" deploy --again "$commit"
    "$BIN/ctree" --root "$W/mnt/d" keep "$((run + 1))" >/dev/null # or the next deploy would also remove this one
    sync; inodes; t "$set" "cp -al" cp -al "$W/mnt/d/ctree/deploy/$first" "$W/mnt/cp$run"
    sync; t "$set" "fsck, ostree" ostree --repo="$W/mnt/o" fsck -q
    t "$set" "verify, ctree" "$BIN/ctree" --root "$W/mnt/d" verify --full
  done
done

{
  echo "| set | what | runs | wall s, median | CPU s, median | peak MB |"
  echo "| --- | --- | --- | --- | --- | --- |"
  awk -F'\t' '{k=$1 FS $2; if(!(k in n)) order[++m]=k; n[k]++; w[k]=w[k] " " $3; c[k]=c[k] " " $4; if($5>p[k]) p[k]=$5}
    function median(text,  a,i,j,x,z){z=split(text,a," "); for(i=2;i<=z;i++){x=a[i]+0; for(j=i-1;j>0&&a[j]+0>x;j--)a[j+1]=a[j]; a[j+1]=x} return a[int((z+1)/2)]}
    END{for(i=1;i<=m;i++){split(order[i],f,FS); printf "| %s | %s | %d | %s | %s | %d |\n", f[1], f[2], n[order[i]], median(w[order[i]]), median(c[order[i]]), p[order[i]]}}' "$TSV"
} | tee "$OUT"
