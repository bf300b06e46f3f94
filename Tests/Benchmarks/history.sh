#!/usr/bin/env bash
# Figures of publishing revision after revision out of git, beside 'git archive | tar x' and 'ostree commit' in the same run. Needs root and
# the Debian packages git, ostree and time.
#   usage: history.sh OUT.md NAME=REPOSITORY...
#   REVISIONS=20  of each history, spread evenly over its first parents, oldest first
#   FILES=1000000 also a repository of so many files that is made here, one of them changed in each further revision; 0 leaves it out
# Interleaved on one fresh ext4 in a file, medians, CPU seconds (user + system) of the whole command with all its children.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8
[ $# -ge 1 ] || { sed -n '2,/^set/p' "$0" | sed '$d;s/^# \{0,1\}//' >&2; exit 2; }
OUT=$1; shift
REVISIONS=${REVISIONS:-20} FILES=${FILES:-0}
BIN=$PWD/dist/bin
[ "$(id -u)" -eq 0 ] || { echo "history.sh needs root" >&2; exit 1; }
for tool in git ostree /usr/bin/time; do command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
[ -x "$BIN/ctree-server" ] || ./build.sh ctree-server

W=$PWD/.work/bench; mkdir -p "$W/mnt"; TSV=$W/history.tsv; : >"$TSV"
trap 'umount -q "$W/mnt" 2>/dev/null || true; rm -rf "$W/disk"' EXIT
fresh() { # a new, empty filesystem at $W/mnt
  umount -q "$W/mnt" 2>/dev/null || true
  rm -f "$W/disk"; truncate -s "${DISK:-40G}" "$W/disk"; mkfs.ext4 -q -F -N 6000000 "$W/disk"; mount -o loop "$W/disk" "$W/mnt"
  ostree --repo="$W/mnt/o" init --mode=archive
  "$BIN/ctree-server" --data "$W/mnt/s" init >/dev/null 2>&1
}
t() { # t SET WHAT COMMAND... : wall, CPU and peak memory into the table
  local set=$1 what=$2; shift 2
  /usr/bin/time -o "$W/time" -f '%e %U %S %M' "$@" >"$W/out" 2>"$W/err" || { echo "$what failed: $(tail -n 3 "$W/err")" >&2; return 1; }
  awk -v s="$set" -v w="$what" 'END{printf "%s\t%s\t%s\t%.2f\t%d\n", s, w, $1, $2+$3, $4/1024}' "$W/time" | tee -a "$TSV" >&2
}
revisions() { # revisions REPOSITORY : some of them, oldest first
  git -C "$1" rev-list --first-parent --reverse HEAD | awk -v n="$REVISIONS" '{all[NR] = $1} END {n = n < NR ? n : NR; for (i = 1; i <= n; i++) print all[n == 1 ? NR : 1 + int((i - 1) * (NR - 1) / (n - 1))]}'
}
peer='rm -rf "$1/tree" && mkdir "$1/tree" && git -C "$2" archive "$3" | tar x -C "$1/tree" && ostree --repo="$1/o" commit -b main --tree=dir="$1/tree"'
measure() { # measure SET REPOSITORY
  local set=$1 repository=$2 which=first
  fresh
  for revision in $(revisions "$repository"); do
    t "$set" "$which revision, git archive, tar x, ostree commit" bash -euo pipefail -c "$peer" peer "$W/mnt" "$repository" "$revision"
    t "$set" "$which revision, ctree-server publish" "$BIN/ctree-server" --data "$W/mnt/s" publish --branch main "git:$repository#$revision"
    which=next
  done
}
synthesise() { # synthesise REPOSITORY FILES : a thousand files in each directory, three revisions
  git init -q --bare "$1"
  awk -v files="$2" 'BEGIN {
    for (r = 1; r <= 3; r++) {
      printf "commit refs/heads/main\ncommitter a <a@example.org> %d +0000\ndata 1\n%d\n", 1700000000 + r, r
      for (i = 0; i < (r == 1 ? files : 1); i++) { text = sprintf("file %d of revision %d", i, r); printf "M 100644 inline d%d/s%d/f%d\ndata %d\n%s\n", i / 100000, (i / 1000) % 100, i % 1000, length(text), text }
    }
  }' | git -C "$1" fast-import --quiet
  git -C "$1" symbolic-ref HEAD refs/heads/main
}

for input in "$@"; do measure "${input%%=*}" "${input#*=}"; done
if [ "$FILES" -gt 0 ]; then
  rm -rf "$W/synthetic.git"; synthesise "$W/synthetic.git" "$FILES"
  measure "$FILES files" "$W/synthetic.git"
  rm -rf "$W/synthetic.git"
fi

{
  echo "| set | what | runs | wall s, median | CPU s, median | peak MB |"
  echo "| --- | --- | --- | --- | --- | --- |"
  awk -F'\t' '{k=$1 FS $2; if(!(k in n)) order[++m]=k; n[k]++; w[k]=w[k] " " $3; c[k]=c[k] " " $4; if($5>p[k]) p[k]=$5}
    function median(text,  a,i,j,x,z){z=split(text,a," "); for(i=2;i<=z;i++){x=a[i]+0; for(j=i-1;j>0&&a[j]+0>x;j--)a[j+1]=a[j]; a[j+1]=x} return a[int((z+1)/2)]}
    END{for(i=1;i<=m;i++){split(order[i],f,FS); printf "| %s | %s | %d | %s | %s | %d |\n", f[1], f[2], n[order[i]], median(w[order[i]]), median(c[order[i]]), p[order[i]]}}' "$TSV"
} | tee "$OUT"
