// Counts, in one process, the calls that change a file system, and strikes at one of them (docs/testing.md).
//   FAULT_LOG=FILE     one line for each counted call: number, name, path
//   FAULT_AT=K         where to strike, from 1
//   FAULT_KILL=1       there: SIGKILL to itself, before the call
//   FAULT_ERRNO=N      there: the call fails with this error instead
//   FAULT_LASTING=1    and so do all later ones that the error fits
// or is a nuisance that a program has to bear, from the first call to the last:
//   FAULT_EACH=interrupted   every second of the calls that wait fails with EINTR
//   FAULT_EACH=short         nothing reads or writes more of a file than half of what is asked for
//   FAULT_EACH=close         a file that was written is closed, and EIO is what it says
//   FAULT_FILES=N      no more than N open files
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long counted;
static long at;
static int kills, error, lasting, record = -1;
static enum { NOTHING, INTERRUPTED, SHORT, CLOSE } each;

__attribute__((constructor)) static void prepare(void) {
    const char *value = getenv("FAULT_LOG");
    if (value) record = (int)syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if ((value = getenv("FAULT_AT"))) at = atol(value);
    if ((value = getenv("FAULT_ERRNO"))) error = atoi(value);
    kills = getenv("FAULT_KILL") != NULL;
    lasting = getenv("FAULT_LASTING") != NULL;
    if ((value = getenv("FAULT_EACH"))) each = !strcmp(value, "interrupted") ? INTERRUPTED : !strcmp(value, "short") ? SHORT : CLOSE;
    if ((value = getenv("FAULT_FILES"))) {
        struct rlimit limit = { (rlim_t)atol(value), (rlim_t)atol(value) };
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    // A program that this one starts is not the one on trial.
    unsetenv("LD_PRELOAD");
}

// The dynamic linker finds this dlsym first; the one behind it is asked for by its version.
static void *behind(const char *name) {
    static void *(*real)(void *, const char *);
    if (!real) {
        real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (!real) real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (!real) real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
        if (!real) real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.27");
        if (!real) abort();
    }
    return real(RTLD_NEXT, name);
}

// Sockets, pipes and what is only in memory are no file system.
static int is_file(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static void note(long number, const char *call, int fd, const char *path) {
    char line[512], link[64], name[256] = "";
    if (record < 0) return;
    if (fd >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, name, sizeof name - 1);
        name[length < 0 ? 0 : length] = 0;
    }
    int length = snprintf(line, sizeof line, "%ld %s %s%s%s\n", number, call, name, *name && path && *path ? "/" : "", path ? path : "");
    if (length > (int)sizeof line - 1) length = sizeof line - 1;
    syscall(SYS_write, record, line, length);
}

// Whether the call is to fail; does not come back where the process ends.
static int strikes(const char *call, int fd, const char *path, int takes_room) {
    int saved = errno;
    long number = atomic_fetch_add(&counted, 1) + 1;
    note(number, call, fd, path);
    errno = saved;
    if (!at || number < at) return 0;
    if (number == at && kills) {
        syscall(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
    }
    if (!error || (number > at && !(lasting && (error != ENOSPC || takes_room)))) return 0;
    errno = error;
    return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))behind(#name)
#define CALL(type, name, parameters, arguments, counts, fd, path, room) \
    type name parameters { REAL(name); if ((counts) && strikes(#name, fd, path, room)) return -1; return real arguments; }
// One that waits for its medium, which a signal may end early.
#define WAITING(type, name, parameters, arguments, counts, fd, path, room) \
    type name parameters { REAL(name); if ((counts) && (interrupts() || strikes(#name, fd, path, room))) return -1; return real arguments; }
// One that may do less than what is asked for.
#define MOVING(name, parameters, counts, strikes_at, ...) \
    ssize_t name parameters { \
        REAL(name); \
        if (counts) { \
            if (interrupts() || (strikes_at && strikes(#name, fd, 0, 1))) return -1; \
            if (each == SHORT && n > 1) n /= 2; \
        } \
        return real(__VA_ARGS__); \
    }

// Every second time on a thread: the same call again goes through.
static int interrupts(void) {
    static __thread int before;
    if (each != INTERRUPTED || (before = !before) == 0) return 0;
    errno = EINTR;
    return 1;
}

MOVING(write, (int fd, const void *b, size_t n), is_file(fd), 1, fd, b, n)
MOVING(writev, (int fd, const struct iovec *v, int n), is_file(fd), 1, fd, v, n)
MOVING(pwrite, (int fd, const void *b, size_t n, off_t o), is_file(fd), 1, fd, b, n, o)
MOVING(pwrite64, (int fd, const void *b, size_t n, off64_t o), is_file(fd), 1, fd, b, n, o)
MOVING(pwritev, (int fd, const struct iovec *v, int n, off_t o), is_file(fd), 1, fd, v, n, o)
MOVING(pwritev64, (int fd, const struct iovec *v, int n, off64_t o), is_file(fd), 1, fd, v, n, o)
MOVING(read, (int fd, void *b, size_t n), each && is_file(fd), 0, fd, b, n)
MOVING(readv, (int fd, const struct iovec *v, int n), each && is_file(fd), 0, fd, v, n)
MOVING(pread, (int fd, void *b, size_t n, off_t o), each && is_file(fd), 0, fd, b, n, o)
MOVING(pread64, (int fd, void *b, size_t n, off64_t o), each && is_file(fd), 0, fd, b, n, o)
MOVING(preadv, (int fd, const struct iovec *v, int n, off_t o), each && is_file(fd), 0, fd, v, n, o)
MOVING(preadv64, (int fd, const struct iovec *v, int n, off64_t o), each && is_file(fd), 0, fd, v, n, o)

int close(int fd) {
    REAL(close);
    int flags, fails = each == CLOSE && is_file(fd) && (flags = fcntl(fd, F_GETFL)) >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    int result = real(fd);
    if (result < 0 || !fails) return result;
    errno = EIO;
    return -1;
}

WAITING(int, fsync, (int fd), (fd), 1, fd, 0, 0)
WAITING(int, fdatasync, (int fd), (fd), 1, fd, 0, 0)
WAITING(int, syncfs, (int fd), (fd), 1, fd, 0, 0)
WAITING(int, ftruncate, (int fd, off_t n), (fd, n), is_file(fd), fd, 0, 0)
WAITING(int, ftruncate64, (int fd, off64_t n), (fd, n), is_file(fd), fd, 0, 0)
WAITING(int, fallocate, (int fd, int m, off_t o, off_t n), (fd, m, o, n), is_file(fd), fd, 0, 1)
WAITING(int, fallocate64, (int fd, int m, off64_t o, off64_t n), (fd, m, o, n), is_file(fd), fd, 0, 1)
CALL(int, truncate, (const char *p, off_t n), (p, n), 1, -1, p, 0)
CALL(int, rename, (const char *a, const char *b), (a, b), 1, -1, b, 1)
CALL(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), 1, e, b, 1)
CALL(int, renameat2, (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f), 1, e, b, 1)
CALL(int, link, (const char *a, const char *b), (a, b), 1, -1, b, 1)
CALL(int, linkat, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f), 1, e, b, 1)
CALL(int, unlink, (const char *p), (p), 1, -1, p, 0)
CALL(int, unlinkat, (int d, const char *p, int f), (d, p, f), 1, d, p, 0)
CALL(int, rmdir, (const char *p), (p), 1, -1, p, 0)
CALL(int, symlink, (const char *t, const char *p), (t, p), 1, -1, p, 1)
CALL(int, symlinkat, (const char *t, int d, const char *p), (t, d, p), 1, d, p, 1)
CALL(int, mkdir, (const char *p, mode_t m), (p, m), 1, -1, p, 1)
CALL(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), 1, d, p, 1)
CALL(int, mknodat, (int d, const char *p, mode_t m, dev_t v), (d, p, m, v), 1, d, p, 1)
CALL(int, chmod, (const char *p, mode_t m), (p, m), 1, -1, p, 0)
CALL(int, fchmod, (int fd, mode_t m), (fd, m), 1, fd, 0, 0)
CALL(int, fchmodat, (int d, const char *p, mode_t m, int f), (d, p, m, f), 1, d, p, 0)
CALL(int, chown, (const char *p, uid_t u, gid_t g), (p, u, g), 1, -1, p, 0)
CALL(int, lchown, (const char *p, uid_t u, gid_t g), (p, u, g), 1, -1, p, 0)
CALL(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), 1, fd, 0, 0)
CALL(int, fchownat, (int d, const char *p, uid_t u, gid_t g, int f), (d, p, u, g, f), 1, d, p, 0)
CALL(int, utimensat, (int d, const char *p, const struct timespec t[2], int f), (d, p, t, f), 1, d, p, 0)
CALL(int, futimens, (int fd, const struct timespec t[2]), (fd, t), 1, fd, 0, 0)
int setxattr(const char *, const char *, const void *, size_t, int);
int lsetxattr(const char *, const char *, const void *, size_t, int);
int fsetxattr(int, const char *, const void *, size_t, int);
CALL(int, setxattr, (const char *p, const char *a, const void *v, size_t n, int f), (p, a, v, n, f), 1, -1, p, 1)
CALL(int, lsetxattr, (const char *p, const char *a, const void *v, size_t n, int f), (p, a, v, n, f), 1, -1, p, 1)
CALL(int, fsetxattr, (int fd, const char *a, const void *v, size_t n, int f), (fd, a, v, n, f), 1, fd, 0, 1)

// Opening counts where it may make or empty a file.
#define OPENING(name, parameters, last, fd, path, ...) \
    int name parameters { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, last); mode = va_arg(more, mode_t); va_end(more); } \
        if (interrupts()) return -1; \
        if ((flags & (O_CREAT | O_TRUNC | (__O_TMPFILE & ~O_DIRECTORY))) && strikes(#name, fd, path, 1)) return -1; \
        return real(__VA_ARGS__, flags, mode); \
    }

OPENING(open, (const char *path, int flags, ...), flags, -1, path, path)
OPENING(open64, (const char *path, int flags, ...), flags, -1, path, path)
OPENING(openat, (int dir, const char *path, int flags, ...), flags, dir, path, dir, path)
OPENING(openat64, (int dir, const char *path, int flags, ...), flags, dir, path, dir, path)

// .NET asks libc's own handle for its functions, which would pass by those above.
#define MINE(name) if (!strcmp(symbol, #name)) return (void *)name;
void *dlsym(void *handle, const char *symbol) {
    static void *(*real)(void *, const char *);
    MINE(write) MINE(writev) MINE(pwrite) MINE(pwrite64) MINE(pwritev) MINE(pwritev64) MINE(fsync) MINE(fdatasync) MINE(syncfs)
    MINE(ftruncate) MINE(ftruncate64) MINE(fallocate) MINE(fallocate64) MINE(truncate) MINE(rename) MINE(renameat) MINE(renameat2)
    MINE(link) MINE(linkat) MINE(unlink) MINE(unlinkat) MINE(rmdir) MINE(symlink) MINE(symlinkat) MINE(mkdir) MINE(mkdirat) MINE(mknodat)
    MINE(chmod) MINE(fchmod) MINE(fchmodat) MINE(chown) MINE(lchown) MINE(fchown) MINE(fchownat) MINE(utimensat) MINE(futimens)
    MINE(setxattr) MINE(lsetxattr) MINE(fsetxattr) MINE(open) MINE(open64) MINE(openat) MINE(openat64)
    MINE(read) MINE(readv) MINE(pread) MINE(pread64) MINE(preadv) MINE(preadv64) MINE(close)
    if (!real) real = (void *(*)(void *, const char *))behind("dlsym");
    return real(handle, symbol);
}
