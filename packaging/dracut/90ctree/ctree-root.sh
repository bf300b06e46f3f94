#!/bin/sh
# dracut takes only a whole system for a root, and the physical root may have nothing but /ctree.

usable_root() {
    if [ -d "$1/ctree/deploy" ]; then return 0; fi
    [ -e "$1/proc" ] && [ -e "$1/sys" ] && [ -e "$1/dev" ]
}
