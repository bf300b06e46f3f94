#!/usr/bin/env bash
# make-dracut.sh - two initramfs images made by Debian's dracut with our module: one with systemd in it and one without.
#
#   usage: make-dracut.sh OUTDIR TREE SELECTOR      TREE: of make-rootfs.sh; SELECTOR: the static ctree-select
#
# OUTDIR/plain.img and OUTDIR/systemd.img. dracut is unpacked into a linked copy of the tree, because its package would remove
# initramfs-tools. Kept while this script, the module, the selector and the kernel are the same. Needs root and apt.
set -euo pipefail
export LC_ALL=C.UTF-8

[ $# -eq 3 ] || { sed -n '4p' "$0" | sed 's/^# *//' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
module=$here/../../packaging/dracut/90ctree
mkdir -p "$1"; out=$(cd "$1" && pwd); tree=$(cd "$2" && pwd); selector=$(realpath "$3")
version=$(basename "$tree"/lib/modules/*)

stamp=$({ echo "$version"; cat "$0" "$selector" "$module"/*; } | sha256sum | cut -d' ' -f1)
[ "$(cat "$out/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

rm -rf "$out/root" "$out/stamp"
cp -al "$tree" "$out/root"
root=$out/root
(cd "$out" && apt-get -q download dracut-core >/dev/null 2>&1)
dpkg-deb --fsys-tarfile "$out"/dracut-core_*.deb | tar -x -C "$root" --keep-directory-symlink
rm "$out"/dracut-core_*.deb
install -D -m 755 "$selector" "$root/usr/lib/ctree/ctree-select"
mkdir -p "$root/usr/lib/dracut/modules.d/90ctree"
cp "$module"/* "$root/usr/lib/dracut/modules.d/90ctree/"

# A namespace of its own: what dracut needs mounted is gone with it.
image() { # NAME WORD... : the other words are dracut's
  local name=$1; shift
  unshare --mount --propagation private sh -c '
    mount -t proc proc "$1/proc" && mount -t tmpfs tmp "$1/tmp" && mount -t tmpfs tmp "$1/var/tmp" && mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" || exit 1
    root=$1; shift
    exec chroot "$root" dracut "$@"' sh "$root" \
    --quiet --force --no-hostonly --no-early-microcode --gzip --add ctree --drivers "virtio_pci virtio_blk ext4" \
    "$@" "/boot/$name.img" "$version"
  mv "$root/boot/$name.img" "$out/$name.img"
}

# The tree has what encryption needs only in part.
image plain --omit "crypt systemd systemd-initrd dracut-systemd"
image systemd --omit crypt
rm -rf "$root"
echo "$stamp" >"$out/stamp"
