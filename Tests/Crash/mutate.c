// Changes a file in one of the ways there are, as a program would that does not know of hard links (docs/testing.md).
//   mutate KIND FILE    prints "changed", or the error's text
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int with(const char *path, int flags, int (*change)(int fd)) {
    int fd = open(path, flags);
    return fd < 0 || change(fd) < 0 || fsync(fd) < 0 || close(fd) < 0 ? -1 : 0;
}

static int write_first(int fd) { return pwrite(fd, "#", 1, 0) == 1 ? 0 : -1; }
static int write_more(int fd) { return write(fd, "#", 1) == 1 ? 0 : -1; }
static int empty(int fd) { return ftruncate(fd, 0); }

static int map_first(int fd) {
    char *start = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) return -1;
    *start = '#';
    return msync(start, 1, MS_SYNC) < 0 || munmap(start, 1) < 0 ? -1 : 0;
}

static int replace(const char *path) {
    char next[4096];
    snprintf(next, sizeof next, "%s.next", path);
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL, 0644);
    return fd < 0 || write_more(fd) < 0 || close(fd) < 0 ? -1 : rename(next, path);
}

static int change(const char *kind, const char *path) {
    const struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
    if (!strcmp(kind, "write")) return with(path, O_WRONLY, write_first);
    if (!strcmp(kind, "append")) return with(path, O_WRONLY | O_APPEND, write_more);
    if (!strcmp(kind, "truncate")) return with(path, O_WRONLY, empty);
    if (!strcmp(kind, "mmap")) return with(path, O_RDWR, map_first);
    if (!strcmp(kind, "chmod")) return chmod(path, 0777);
    if (!strcmp(kind, "chown")) return chown(path, 1234, 4321);
    if (!strcmp(kind, "setxattr")) return setxattr(path, "user.note", "x", 1, 0);
    if (!strcmp(kind, "utimes")) return utimensat(AT_FDCWD, path, times, 0);
    if (!strcmp(kind, "rename")) return replace(path);
    if (!strcmp(kind, "unlink")) return unlink(path);
    errno = EINVAL;
    return -1;
}

int main(int count, char **words) {
    puts(count == 3 && change(words[1], words[2]) == 0 ? "changed" : strerror(errno));
    return 0;
}
