# Debian packages that ContentTree needs, by purpose. Sourced by build.sh, run.sh and test.sh.

# The SDK runs without ICU: nothing here depends on a locale.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

# To run: lz4 (objects at rest), zstd and xz (deltas, packs), gzip (files packed again), OpenSSL (hashes, signatures), SQLite for the server, git and libgit2
# to publish from repositories.
RUN_PACKAGES=(liblz4-1 libzstd1 liblzma5 gzip libsqlite3-0 libssl3 git libgit2-1.5)
# To build the native programs.
BUILD_PACKAGES=(gcc libc6-dev zlib1g-dev liblz4-dev libzstd-dev liblzma-dev)
# To test: peers and tools that judge our formats, and the virtual machine.
TEST_PACKAGES=(lz4 zstd xz-utils openssl jq attr acl libcap2-bin curl e2fsprogs util-linux procps nginx-light sqlite3 postgresql radosgw ceph-mon ceph-osd ostree bubblewrap make squashfs-tools squashfs-tools-ng
  qemu-system-x86 busybox-static dosfstools f2fs-tools mtools strace mmdebstrap dpkg-dev
  chromium fonts-dejavu-core
  libubootenv-tool grub-common grub-pc-bin systemd-boot systemd-boot-efi ovmf extlinux)

# need_packages NAME... : installs the missing ones when allowed to, else says in one sentence which are missing.
need_packages() {
  local missing=() name
  command -v dpkg-query >/dev/null || { echo "this is no Debian system: please install the equivalents of: $*" >&2; return 0; }
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as=(sudo -n); else
      echo "missing Debian packages: ${missing[*]} (install them with: sudo apt-get install ${missing[*]})" >&2
      return 1
    fi
  fi
  echo "installing Debian packages: ${missing[*]}" >&2
  { "${as[@]}" apt-get update && "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >&2 </dev/null
}

# Packages whose programs judge what we write. They are unpacked and not installed: installed, they would start daemons.
JUDGE_PACKAGES=(prometheus nagios4-core icinga2-bin icinga2-common libboost-context1.74.0 libboost-coroutine1.74.0 libboost-thread1.74.0)

# unpack_packages DIR NAME... : brings the files of packages below DIR, once.
unpack_packages() {
  local dir=$1; shift
  [ -e "$dir/.complete" ] && return 0
  mkdir -p "$dir/.deb" || return 1
  (cd "$dir/.deb" && { apt-get download "$@" || { apt-get update && apt-get download "$@"; }; } && for file in *.deb; do dpkg-deb -x "$file" ..; done) >&2 && touch "$dir/.complete"
}

# need_dotnet : the .NET 10 SDK is the one thing that must be there already.
need_dotnet() {
  command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^10\.' && return 0
  echo "the .NET 10 SDK is missing: install it from your distribution or from Microsoft, then run this again" >&2
  return 1
}
