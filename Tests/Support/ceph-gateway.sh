#!/usr/bin/env bash
# A Ceph object gateway (S3) of its own: one monitor, one object store in memory, one gateway on loopback.
#   usage: ceph-gateway.sh start DIR PORT ACCESS-KEY SECRET-KEY PID | stop DIR
# Whatever it writes is below DIR; the monitor takes the next two ports. It ends with the process PID.
set -euo pipefail
case ${1:-} in
  start) dir=$2 port=$3 access=$4 secret=$5 owner=$6 ;;
  stop)
    for pid in "$2"/*.pid; do [ -e "$pid" ] && kill -9 "$(cat "$pid")" 2>/dev/null; done
    exit 0 ;;
  *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
mkdir -p "$dir/mon" "$dir/osd"
setsid bash -c "while kill -0 $owner 2>/dev/null; do sleep 1; done; '$0' stop '$dir'" < /dev/null > /dev/null 2>&1 &
id=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
cat > "$dir/ceph.conf" <<CONF
[global]
fsid = $id
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
mon initial members = a
keyring = $dir/keyring
run dir = $dir
admin socket =
log file = $dir/\$name.log
pid file = $dir/\$name.pid
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon warn on pool no redundancy = false
osd pool default pg num = 4
osd pool default pgp num = 4
mon max pg per osd = 2000
mon data avail crit = 1
mon data avail warn = 2
osd objectstore = memstore
memstore device bytes = 2147483648
osd data = $dir/osd
osd class load list = *
osd class default list = *
mon data = $dir/mon
ms bind ipv4 = true
ms bind ipv6 = false
public addr = 127.0.0.1
debug none = 0
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw cache enabled = true
rgw thread pool size = 64
rgw enable usage log = false
rgw dynamic resharding = false
CONF
export CEPH_CONF=$dir/ceph.conf
ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' > /dev/null
ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx' > /dev/null
monmaptool --create --fsid "$id" --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$dir/monmap" > /dev/null
ceph-mon -c "$CEPH_CONF" --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
ceph-mon -c "$CEPH_CONF" -i a
ceph() { command ceph -c "$CEPH_CONF" --connect-timeout 30 "$@"; }
ceph osd new "$osd" -i <(echo '{}') > /dev/null 2>&1 || ceph osd new "$osd" > /dev/null
ceph auth import -i "$dir/keyring" > /dev/null 2>&1
ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$osd" > /dev/null 2>&1
ceph-osd -c "$CEPH_CONF" -i 0 > /dev/null
radosgw -c "$CEPH_CONF" -n client.rgw > /dev/null 2>&1
for _ in $(seq 300); do
  [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/")" = 200 ] && break
  sleep 0.2
done
radosgw-admin -c "$CEPH_CONF" -n client.rgw user create --uid=ctree --display-name=ctree --access-key="$access" --secret-key="$secret" > /dev/null 2>&1
