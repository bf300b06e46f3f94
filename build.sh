#!/usr/bin/env bash
# Builds the three programs into dist/bin: ctree and ctree-select as native programs, ctree-server on the .NET runtime.
#   usage: build.sh [ctree|ctree-select|ctree-server]...     (no argument: all three)
set -euo pipefail
cd "$(dirname "$0")"
. scripts/packages.sh
need_dotnet
need_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}"

OUT=$PWD/dist/bin
mkdir -p "$OUT" .work
[ $# -gt 0 ] || set -- ctree-select ctree ctree-server

# The native compiler pack of .NET 10 where it restores, else that of 9.0: the code is the same (docs/building.md).
native_framework() {
  local choice=.work/native-framework
  if [ ! -s "$choice" ]; then
    if dotnet restore BootSelector/BootSelector.csproj -r "$RID" --artifacts-path .work/native-probe \
      -p:Published=true -p:Native=true -p:NativeFramework=net10.0 >.work/native-probe.log 2>&1; then echo net10.0 >"$choice"; else echo net9.0 >"$choice"; fi
  fi
  cat "$choice"
}

native() { # native PROJECT PROGRAM
  local framework; framework=$(native_framework)
  echo "building $2 ($framework, native)" >&2
  dotnet publish "$1" -f "$framework" -r "$RID" --artifacts-path .work/native -p:Published=true -p:Native=true -p:NativeFramework="$framework" \
    -o ".work/publish/$2" -v quiet --nologo 2>&1 | grep -v 'statically linked applications requires' >&2 || true
  [ -x ".work/publish/$2/$2" ] || { echo "$2 was not built" >&2; return 1; }
}

publish_server() {
  rm -rf .work/publish/ctree-server
  dotnet publish Server/Server.csproj -c Release -r "$RID" --no-self-contained --artifacts-path .work/server \
    -p:Published=true -p:NativeFrameworks=net10.0 "$@" \
    -o .work/publish/ctree-server -v quiet --nologo
}

case $(uname -m) in x86_64) RID=linux-x64 ;; aarch64) RID=linux-arm64 ;; *) echo "no native build for $(uname -m) yet" >&2; exit 1 ;; esac

for program in "$@"; do
  rm -rf ".work/publish/$program"
  case $program in
    ctree-select)
      native BootSelector/BootSelector.csproj ctree-select
      install -m 755 .work/publish/ctree-select/ctree-select "$OUT/ctree-select" ;;
    ctree)
      native Deploy/Deploy.csproj ctree
      install -m 755 .work/publish/ctree/ctree "$OUT/ctree"
      if command -v dpkg-query >/dev/null; then dpkg-query -W liblz4-dev libzstd-dev liblzma-dev >"$OUT/ctree.linked"; fi
      install -m 644 .work/publish/ctree/libMonoPosixHelper.so "$OUT/libMonoPosixHelper.so" ;;
    ctree-server)
      echo "building ctree-server" >&2
      publish_server -p:PublishReadyToRun=true >.work/server.log 2>&1 || {
        echo "the ahead-of-time compiler does not restore: the server starts a little slower" >&2
        publish_server >&2
      }
      rm -rf "$OUT/server" && cp -r .work/publish/ctree-server "$OUT/server"
      printf '#!/bin/sh\nexec dotnet "$(dirname "$(readlink -f "$0")")/server/ctree-server.dll" "$@"\n' >"$OUT/ctree-server"
      chmod 755 "$OUT/ctree-server" ;;
    *) echo "usage: build.sh [ctree|ctree-select|ctree-server]..." >&2; exit 2 ;;
  esac
done
ls -l "$OUT" >&2
