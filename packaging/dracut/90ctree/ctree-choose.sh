#!/bin/sh
# Runs when the physical root is mounted: puts the chosen deployment in its place, and dracut or systemd switches into that.
# Does nothing where the root has no deployments, or with ctree=0 on the kernel command line.

type getarg > /dev/null 2>&1 || . /lib/dracut-lib.sh

ctree_choose() {
    # Bound, not moved: systemd watches /sysroot and must not see it gone.
    mkdir -p /ctree-phys
    mount --bind "$NEWROOT" /ctree-phys || emergency_shell "ctree: cannot show $NEWROOT at /ctree-phys"
    # The count of tries is written before the deployment runs. On a medium that stays read-only the previous one boots.
    mount -o remount,rw /ctree-phys || warn "ctree: the physical root stays read-only"

    /sbin/ctree-select --root /ctree-phys --need-init --switch-root "$NEWROOT" && return
    # Says what is wrong; then a shell where ctree.rescue=shell asks for one, else a wait; then it reboots.
    /sbin/ctree-select --root /ctree-phys --rescue
    # Only reached when even that failed. With rd.shell=0 or rd.emergency=reboot, emergency_shell would give none.
    if [ "$(getarg ctree.rescue=)" = shell ]; then sh < /dev/console > /dev/console 2>&1; fi
    emergency_shell "ctree: nothing can be booted"
}

if [ -d "$NEWROOT/ctree/deploy" ] && getargbool 1 ctree; then
    ctree_choose
fi
