#!/usr/bin/env bash
# make-rootfs.sh - a real, small Debian system as a tree to publish, with our hook in its initramfs.
#
#   usage: make-rootfs.sh OUTDIR SELECTOR      SELECTOR: the static ctree-select
#
# OUTDIR/tree is the root file system (systemd, udev, dbus, kernel, initramfs made by its own mkinitramfs);
# OUTDIR/vmlinuz and OUTDIR/initrd.img are what a virtual machine starts. Made once: it is kept while this script, the hook
# and the selector are the same. Needs root, mmdebstrap and an apt archive that has Debian bookworm.
set -euo pipefail
export LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=1750000000

[ $# -eq 2 ] || { sed -n '4p' "$0" | sed 's/^# *//' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
hooks=$here/../../packaging/initramfs-tools
mkdir -p "$1"; out=$(cd "$1" && pwd); selector=$(realpath "$2")

stamp=$(cat "$0" "$selector" "$hooks/hooks/ctree" "$hooks/scripts/local-bottom/ctree" | sha256sum | cut -d' ' -f1)
[ "$(cat "$out/stamp" 2>/dev/null || true)" = "$stamp" ] && exit 0

packages=(systemd systemd-sysv udev dbus kmod iproute2 ca-certificates openssl libssl3
  initramfs-tools busybox linux-image-cloud-amd64)

# The archive this machine's apt uses, asked of apt, so that no host is named here.
archive() {
  apt-get indextargets --format '$(REPO_URI)|$(SUITE)|$(CODENAME)|$(ORIGIN)' 'Created-By: Packages' |
    awk -F'|' '$3=="bookworm" && tolower($4) ~ /debian/ {print $1; exit}'
}

make_base() { # DIR: the packages alone, slow, so it is kept as long as their list is the same
  local wanted base
  wanted=$(printf '%s\n' "${packages[@]}" | sha256sum | cut -d' ' -f1)
  base=$out/base.$wanted.tar
  if [ ! -f "$base" ]; then
    mmdebstrap --quiet --mode=root --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
      --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' \
      bookworm "$base.part.tar" "deb $(archive) bookworm main"
    mv "$base.part.tar" "$base"
  fi
  mkdir -p "$1"
  tar -xf "$base" -C "$1" --numeric-owner --xattrs --xattrs-include='*'
}

configure() { # DIR: what makes it a device in a virtual machine
  local tree=$1
  rm -rf "$tree/etc/apt/sources.list" "$tree/etc/apt/sources.list.d" "$tree"/dev/* "$tree"/var/lib/apt/lists/*
  echo device >"$tree/etc/hostname"
  : >"$tree/etc/machine-id"
  : >"$tree/etc/fstab"
  printf 'nameserver 10.0.2.3\n' >"$tree/etc/resolv.conf"
  printf '[Match]\nName=en* eth*\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
    >"$tree/etc/systemd/network/80-dhcp.network"
  chroot "$tree" systemctl --quiet enable systemd-networkd
  # Nobody logs in here; what would only cost time in an emulated machine stays out.
  chroot "$tree" systemctl --quiet mask systemd-networkd-wait-online.service serial-getty@ttyS0.service getty@tty1.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  chroot "$tree" passwd --quiet -d root
}

add_initramfs() { # DIR: the hook as a package would install it, then Debian's own generator
  local tree=$1 version
  install -D -m 755 "$selector" "$tree/usr/lib/ctree/ctree-select"
  install -D -m 755 "$hooks/hooks/ctree" "$tree/usr/share/initramfs-tools/hooks/ctree"
  install -D -m 755 "$hooks/scripts/local-bottom/ctree" "$tree/usr/share/initramfs-tools/scripts/local-bottom/ctree"
  printf 'MODULES=list\nCOMPRESS=gzip\n' >"$tree/etc/initramfs-tools/conf.d/ctree"
  printf '%s\n' virtio_pci virtio_blk virtio_net ext4 vfat softdog >>"$tree/etc/initramfs-tools/modules"
  version=$(basename "$tree"/lib/modules/*)
  chroot "$tree" mkinitramfs -o "/boot/initrd.img-$version" "$version"
  rm -f "$tree"/initrd.img* "$tree"/vmlinuz*
  cp "$tree/boot/vmlinuz-$version" "$out/vmlinuz"
  cp "$tree/boot/initrd.img-$version" "$out/initrd.img"
}

rm -rf "$out/tree" "$out/stamp"
make_base "$out/tree"
configure "$out/tree"
add_initramfs "$out/tree"
echo "$stamp" >"$out/stamp"
