#!/bin/bash
# Puts ctree-select into a dracut initramfs, with or without systemd in it. Goes to /usr/lib/dracut/modules.d/90ctree/.

check() {
    return 0
}

depends() {
    return 0
}

install() {
    local path selector=
    for path in /usr/lib/ctree/ctree-select /usr/local/sbin/ctree-select /usr/sbin/ctree-select; do
        [[ -x "${dracutsysrootdir-}$path" ]] && selector=$path && break
    done
    if [[ -z $selector ]]; then
        dfatal "ctree: no ctree-select in /usr/lib/ctree, /usr/local/sbin or /usr/sbin"
        exit 1
    fi
    inst_binary "$selector" /sbin/ctree-select
    inst_multiple mount mkdir
    inst_hook pre-mount 50 "$moddir/ctree-root.sh"
    inst_hook pre-pivot 50 "$moddir/ctree-choose.sh"
}
