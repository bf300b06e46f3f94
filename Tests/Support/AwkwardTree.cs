namespace ContentTree.Tests.Support;

/// <summary>A source directory with every kind of entry and metadata that a root filesystem may hold, made by ordinary programs.</summary>
public static class AwkwardTree
{
    /// <summary>Makes the tree at a path that does not exist yet. Needs root: it has owners and device nodes.</summary>
    public static void Make(string path) => Shell.Run($$"""
        set -e
        mkdir -p '{{path}}'; cd '{{path}}'
        umask 022
        printf 'hello\n' > plain
        : > empty
        printf x > one-byte
        head -c 4095 /dev/urandom > 4095; head -c 4096 /dev/urandom > 4096; head -c 4097 /dev/urandom > 4097
        head -c 3000000 /dev/urandom > large
        head -c 2000000 /dev/zero > zeros
        truncate -s 5000000 sparse; printf end >> sparse
        cp plain same-content; chmod 0600 same-content; chown 12:34 same-content
        cp plain same-inode; ln same-inode same-inode-2
        cp /bin/true setuid; chmod 04755 setuid
        cp /bin/true setgid; chown 0:100 setgid; chmod 02755 setgid
        printf s > mode-0000; chmod 0000 mode-0000
        printf s > mode-0400; chmod 0400 mode-0400
        printf s > mode-7777; chmod 07777 mode-7777
        printf o > owner-nobody; chown 65534:65534 owner-nobody
        printf o > owner-max; chown 4294967294:4294967294 owner-max
        mkdir sticky; chmod 1777 sticky
        mkdir closed; printf c > closed/inside; chmod 0500 closed; chown 1000:1000 closed
        mkdir -p deep/a/b/c/d/e/f/g/h; printf d > deep/a/b/c/d/e/f/g/h/leaf
        mkdir empty-directory
        mkdir wide; for i in $(seq 1 60); do printf $i > wide/$i; done
        ln -s plain link; ln -s /absolute/dangling dangling; ln -s ../../.. up; ln -s self self
        ln -s "$(head -c 4000 /dev/zero | tr '\0' t)" long-target
        ln -s plain owned-link; chown -h 5:6 owned-link
        mknod char c 1 3; chmod 666 char
        mknod block b 259 1048575
        mkfifo pipe; chmod 620 pipe
        printf n > "$(printf 'new\nline')"; printf n > "$(printf 'not\377utf8')"; printf n > "$(printf 'tab\t')"
        printf n > ' leading space'; printf n > '-rf'; printf n > '...'; printf n > 'quote"s'"'"
        printf n > "$(head -c 255 /dev/zero | tr '\0' n)"
        printf n > "$(printf 'e\314\201')"; printf n > "$(printf '\303\251')"; printf n > Case; printf n > case
        printf x > attributes; setfattr -n user.note -v value attributes; setfattr -n user.empty attributes; setfattr -n user.z -v 0x00ff00 attributes
        cp /bin/true capable; setcap cap_net_bind_service+ep capable
        printf a > listed; setfacl -m u:1234:r listed
        mkdir listed-directory; setfacl -d -m g:4321:rx listed-directory
        setfattr -n trusted.hidden -v 1 attributes
        setfattr -n trusted.link -v 1 -h owned-link
        """);

    /// <summary>Everything about a tree that must survive, one line an entry, sorted by path. Times only with <paramref name="times"/>.</summary>
    public static string Describe(string path, bool times = false) => Shell.Run($$"""
        set -e; cd '{{path}}'
        find . -print0 | LC_ALL=C sort -z | while IFS= read -r -d '' f; do
          printf '%q ' "$f"
          stat -c '%f %u %g %t:%T {{(times ? "%Y" : "")}}' -- "$f" | tr -d '\n'
          if [ -L "$f" ]; then printf ' -> %q' "$(readlink -- "$f")"
          elif [ -f "$f" ]; then printf ' %s' "$(sha256sum < "$f")"; fi
          getfattr -h -d -m - -e hex -- "$f" 2>/dev/null | grep -v '^#' | LC_ALL=C sort | tr '\n' ' '
          printf '\n'
        done
        """);
}
