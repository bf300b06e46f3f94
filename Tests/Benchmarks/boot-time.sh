#!/usr/bin/env bash
# What the selector adds to a boot in a virtual machine without hardware virtualisation, beside the same boot without it.
#   usage: boot-time.sh OUT.md [RUNS]
# The same kernel, initramfs, disk and tree each time: a shell as /init mounts the root, then the tree is bound by hand or by the selector,
# and its init says what the kernel's clock says. Kinds of boot take turns, so that a busy machine is busy for all of them.
# Needs root and the Debian packages qemu-system-x86, busybox-static, e2fsprogs, python3; the kernel is that of the tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8
[ $# -ge 1 ] || { sed -n '3p' "$0" | sed 's/^# *//' >&2; exit 2; }
OUT=$1 RUNS=${2:-15}
SELECT=$PWD/dist/bin/ctree-select
[ -x "$SELECT" ] || ./build.sh ctree-select
for tool in qemu-system-x86_64 busybox mkfs.ext4 python3; do command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done

K=$PWD/.work/kernel/unpacked
if [ ! -d "$K" ]; then
  mkdir -p .work/kernel && package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  (cd .work/kernel && apt-get -q download "$package" >&2 && dpkg-deb -x "$package"_*.deb unpacked.part && mv unpacked.part unpacked)
fi
W=$PWD/.work/bench-boot-time; rm -rf "$W"; mkdir -p "$W"; trap 'rm -rf "$W"' EXIT

# Two deployments, a confirmed one and, on another disk, the same on trial.
name=1-01234567
device() { # device DIR STATE TRIES
  local tree=$1/ctree/deploy/$name
  mkdir -p "$tree"/{bin,sbin,etc,ctree,proc,sys,dev,run,tmp,var} "$1/ctree/deploy/$name.etc" "$1"/ctree/{boot,state,data/var}
  cp "$(command -v busybox)" "$tree/bin/busybox"; ln -s busybox "$tree/bin/sh"
  printf '#!/bin/sh\n/bin/busybox dmesg | /bin/busybox grep "bench:"; /bin/busybox poweroff -f\n' >"$tree/sbin/init"; chmod 755 "$tree/sbin/init"
  printf 'commit=01234567%056d\nassets=\n' 0 >"$1/ctree/deploy/$name.ok"
  [ "$2" != good ] || printf '%s 0 started\n' "$name" | python3 -c 'import sys; print(sys.stdin.read().rstrip().ljust(63))' >"$1/ctree/state/early-boots"
  python3 - "$1/ctree/boot" "$name" "$2" "$3" <<'PYTHON'
import sys, zlib
where, name, state, tries = sys.argv[1:]
for slot, sequence in (("a", 1), ("b", 2)):
    text = f"ctree-boot=1\nsequence={sequence}\nwanted={name}\nprevious=\nstate={state}\ntries={tries}\n".encode().ljust(499, b"\n")
    open(f"{where}/boot.{slot}", "wb").write(text + b"crc=%08x\n" % zlib.crc32(text))
PYTHON
  truncate -s 64M "$1.disk"; mkfs.ext4 -q -F -d "$1" "$1.disk"
}
device "$W/good" good 0; device "$W/trial" trial 3

mkdir -p "$W"/i/{bin,modules,proc,sys,dev,run,phys,new}
cp "$(command -v busybox)" "$W/i/bin/busybox"; cp "$SELECT" "$W/i/bin/ctree-select"
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
  find "$K/lib/modules" -name "$module.ko" -exec cp {} "$W/i/modules/" \;; echo "$module.ko" >>"$W/i/modules/list"
done
cat >"$W/i/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin; /bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t tmpfs none /run
while read -r module; do insmod "/modules/$module"; done </modules/list
mount -t ext4 /dev/vda /phys
cat /bin/ctree-select >/dev/null
echo "bench: before" >/dev/kmsg
case $(cat /proc/cmdline) in
  *bench=selector*) ctree-select --root /phys --switch-root /new --need-init 2>/dev/null ;;
  *) mount --bind /phys/ctree/deploy/1-01234567 /new ;;
esac
echo "bench: after" >/dev/kmsg
for place in proc sys dev run; do mount --move /$place /new/$place; done
exec switch_root /new /sbin/init
INIT
chmod 755 "$W/i/init"
(cd "$W/i" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$W/initramfs")

boot() { # boot DISK KIND : milliseconds of the step, and since the kernel's start
  timeout 120 qemu-system-x86_64 -accel tcg -M q35 -m 256 -kernel "$K"/boot/vmlinuz-* -initrd "$W/initramfs" -drive "file=$W/$1.disk,format=raw,if=virtio,snapshot=on" \
    -append "console=ttyS0 quiet nokaslr mitigations=off panic=-1 bench=$2" -display none -nodefaults -serial stdio -no-reboot </dev/null 2>/dev/null | tr -d '\r' |
    sed -n 's/^\[ *\([0-9.]*\)\] bench: \(.*\)/\1 \2/p' | awk -v k="$1 $2" '$2 == "before" {b = $1} $2 == "after" {print k, ($1 - b) * 1000, $1 * 1000}' >>"$W/times"
}
for _ in $(seq "$RUNS"); do boot good none; boot good selector; boot trial selector; done

python3 - "$W/times" >"$OUT" <<'PYTHON'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    disk, kind, step, total = line.split()
    rows.setdefault((disk, kind), []).append((float(step), float(total)))
names = {("good", "none"): "without it: the tree bound by hand", ("good", "selector"): "a confirmed deployment, its boot counted",
         ("trial", "selector"): "a trial: counted, flushed, read back, watchdog looked for"}
print("| boot | runs | this step, ms: median, lowest to highest | from the kernel's start until then, ms: median |\n| --- | --- | --- | --- |")
for key, name in names.items():
    steps, totals = zip(*rows[key])
    print(f"| {name} | {len(steps)} | {statistics.median(steps):.0f}, {min(steps):.0f} to {max(steps):.0f} | {statistics.median(totals):.0f} |")
PYTHON
cat "$OUT"
