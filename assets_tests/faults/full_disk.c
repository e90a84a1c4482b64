/* A disk that is full from a chosen call on: preloaded (LD_PRELOAD), it notes every call that needs room below a folder,
 * whatever program or library makes it, and lets the chosen ones fail with ENOSPC.
 *
 * FULL_DISK_FOLDER  the folder, as an absolute path without links
 * FULL_DISK_CALL    the kind of call that is counted; `*` for all
 * FULL_DISK_PATH    pattern of the paths, relative to the folder, that are counted
 * FULL_DISK_AT      number of the call that is refused first, of those that are counted
 * FULL_DISK_UNTIL   "end": that call and all after it; "torn": the same, but of what it writes the first half still
 *                   fits; "next": that call alone, and then there is room again
 * FULL_DISK_NOTES   file of `struct notes`, shared by all processes of a command
 *
 * They are looked for at each call until they are set: a process that was forked is told only then.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define LONGEST 600

struct notes {
    atomic_long counted;
    atomic_long refused;
    atomic_long length;     /* of the lines */
    char lines[(8 << 20) - 3 * sizeof(long)]; /* "CALL PATH\n" for each call that needed room */
};

enum room { ENOUGH, HALF, NONE };

static struct notes *notes;
static const char *folder, *call_counted, *path_counted, *until;
static long at;

#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })

static int is_told(void) {
    const char *place;
    if (notes) return 1;
    if (!(place = getenv("FULL_DISK_NOTES"))) return 0;
    int file = REAL(open64)(place, O_RDWR | O_CLOEXEC);
    void *shared = mmap(NULL, sizeof(struct notes), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || shared == MAP_FAILED) abort();
    close(file);
    folder = strdup(getenv("FULL_DISK_FOLDER"));
    call_counted = strdup(getenv("FULL_DISK_CALL"));
    path_counted = strdup(getenv("FULL_DISK_PATH"));
    until = strdup(getenv("FULL_DISK_UNTIL"));
    at = atol(getenv("FULL_DISK_AT"));
    notes = shared;
    return 1;
}

/* Write the absolute path of what a link in /proc leads to, followed by `path`. */
static int followed(const char *link, const char *path, char *whole) {
    ssize_t length = readlink(link, whole, PATH_MAX);
    if (length < 0) return 0;
    snprintf(whole + length, PATH_MAX, path ? "/%s" : "%s", path ? path : "");
    return 1;
}

static int path_of(int descriptor, const char *path, char *whole) {
    char link[64];
    if (path && *path == '/') return snprintf(whole, PATH_MAX, "%s", path) > 0;
    if (descriptor == AT_FDCWD) return followed("/proc/self/cwd", path, whole);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    return followed(link, path, whole);
}

static void note(const char *call, const char *path) {
    char line[LONGEST];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    if (length >= LONGEST) abort();
    long place = atomic_fetch_add(&notes->length, length);
    if (place + length > (long)sizeof notes->lines) abort();
    memcpy(notes->lines + place, line, length);
}

static enum room room_on(const char *call, const char *path) {
    note(call, path);
    int is_counted = fnmatch(call_counted, call, 0) == 0 && fnmatch(path_counted, path, 0) == 0;
    long number = is_counted ? atomic_fetch_add(&notes->counted, 1) + 1 : atomic_load(&notes->counted);
    int is_chosen = is_counted && number == at;
    int is_over = number >= at && *until != 'n';
    if (!is_chosen && !is_over) return ENOUGH;
    atomic_fetch_add(&notes->refused, 1);
    return is_chosen && *until == 't' ? HALF : NONE;
}

static enum room room_for(const char *call, int descriptor, const char *path) {
    char whole[2 * PATH_MAX + 2];
    int saved = errno;
    enum room room = ENOUGH;
    if (is_told() && path_of(descriptor, path, whole)) {
        size_t length = strlen(folder);
        if (!strncmp(whole, folder, length) && (whole[length] == '/' || !whole[length]))
            room = room_on(call, whole + length);
    }
    errno = saved;
    return room;
}

static int is_full(const char *call, int descriptor, const char *path) {
    enum room room = room_for(call, descriptor, path);
    if (room != ENOUGH) errno = ENOSPC;
    return room != ENOUGH;
}

/* Files: to make one needs room, to open one that is there does not. */

static int is_new(int in, const char *path) {
    struct stat status;
    int saved = errno, found = fstatat(in, path, &status, AT_SYMLINK_NOFOLLOW);
    errno = saved;
    return found < 0;
}

static int is_made(int in, const char *path, int flags) {
    return (flags & O_TMPFILE) == O_TMPFILE || ((flags & O_CREAT) && is_new(in, path));
}

#define MODE_OF(flags) ({ mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } mode; })

#define OPEN(name) int name(const char *path, int flags, ...) { mode_t mode = MODE_OF(flags); \
    if (is_made(AT_FDCWD, path, flags) && is_full("open", AT_FDCWD, path)) return -1; \
    return REAL(name)(path, flags, mode); }

#define OPENAT(name) int name(int descriptor, const char *path, int flags, ...) { mode_t mode = MODE_OF(flags); \
    if (is_made(descriptor, path, flags) && is_full("open", descriptor, path)) return -1; \
    return REAL(name)(descriptor, path, flags, mode); }

#define CREAT(name) int name(const char *path, mode_t mode) { \
    if (is_made(AT_FDCWD, path, O_CREAT) && is_full("open", AT_FDCWD, path)) return -1; \
    return REAL(name)(path, mode); }

#define FOPEN(name) FILE *name(const char *path, const char *mode) { \
    if (*mode != 'r' && is_made(AT_FDCWD, path, O_CREAT) && is_full("open", AT_FDCWD, path)) return NULL; \
    return REAL(name)(path, mode); }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
CREAT(creat)
CREAT(creat64)
FOPEN(fopen)
FOPEN(fopen64)

/* Bytes. */

#define WRITE(name, parameters, asked, whole, half) ssize_t name parameters { \
    enum room room = room_for("write", descriptor, NULL); \
    if (room == HALF && (asked) > 1) return REAL(name) half; \
    if (room != ENOUGH) { errno = ENOSPC; return -1; } \
    return REAL(name) whole; }

WRITE(write, (int descriptor, const void *bytes, size_t count), count,
      (descriptor, bytes, count), (descriptor, bytes, count / 2))
WRITE(pwrite, (int descriptor, const void *bytes, size_t count, off_t place), count,
      (descriptor, bytes, count, place), (descriptor, bytes, count / 2, place))
WRITE(pwrite64, (int descriptor, const void *bytes, size_t count, off64_t place), count,
      (descriptor, bytes, count, place), (descriptor, bytes, count / 2, place))
WRITE(writev, (int descriptor, const struct iovec *parts, int count), count,
      (descriptor, parts, count), (descriptor, parts, count / 2))
WRITE(pwritev, (int descriptor, const struct iovec *parts, int count, off_t place), count,
      (descriptor, parts, count, place), (descriptor, parts, count / 2, place))
WRITE(pwritev64, (int descriptor, const struct iovec *parts, int count, off64_t place), count,
      (descriptor, parts, count, place), (descriptor, parts, count / 2, place))
WRITE(sendfile, (int descriptor, int from, off_t *place, size_t count), count,
      (descriptor, from, place, count), (descriptor, from, place, count / 2))
WRITE(sendfile64, (int descriptor, int from, off64_t *place, size_t count), count,
      (descriptor, from, place, count), (descriptor, from, place, count / 2))
WRITE(copy_file_range, (int from, off64_t *begin, int descriptor, off64_t *place, size_t count, unsigned flags), count,
      (from, begin, descriptor, place, count, flags), (from, begin, descriptor, place, count / 2, flags))

/* Lengths: to make a file longer needs room. */

static int is_longer(int descriptor, off64_t length) {
    struct stat64 status;
    return fstat64(descriptor, &status) || length > status.st_size;
}

#define LENGTH(name, parameters, is_more, given, failed) int name parameters { \
    if ((is_more) && is_full("length", descriptor, NULL)) return failed; \
    return REAL(name) given; }

LENGTH(ftruncate, (int descriptor, off_t length), is_longer(descriptor, length), (descriptor, length), -1)
LENGTH(ftruncate64, (int descriptor, off64_t length), is_longer(descriptor, length), (descriptor, length), -1)
LENGTH(fallocate, (int descriptor, int how, off_t from, off_t length), 1, (descriptor, how, from, length), -1)
LENGTH(fallocate64, (int descriptor, int how, off64_t from, off64_t length), 1, (descriptor, how, from, length), -1)
LENGTH(posix_fallocate, (int descriptor, off_t from, off_t length), 1, (descriptor, from, length), ENOSPC)
LENGTH(posix_fallocate64, (int descriptor, off64_t from, off64_t length), 1, (descriptor, from, length), ENOSPC)

/* Names: a folder may need a block more for each. That there is one already is said before that there is no room. */

#define NAME(name, parameters, may_be_there, in, path, given) int name parameters { \
    if ((may_be_there || is_new(in, path)) && is_full(#name, in, path)) return -1; \
    return REAL(name) given; }

NAME(mkdir, (const char *path, mode_t mode), 0, AT_FDCWD, path, (path, mode))
NAME(mkdirat, (int in, const char *path, mode_t mode), 0, in, path, (in, path, mode))
NAME(rename, (const char *from, const char *to), 1, AT_FDCWD, to, (from, to))
NAME(renameat, (int of, const char *from, int in, const char *to), 1, in, to, (of, from, in, to))
NAME(renameat2, (int of, const char *from, int in, const char *to, unsigned how), 1, in, to, (of, from, in, to, how))
NAME(link, (const char *from, const char *to), 0, AT_FDCWD, to, (from, to))
NAME(linkat, (int of, const char *from, int in, const char *to, int how), 0, in, to, (of, from, in, to, how))
NAME(symlink, (const char *from, const char *to), 0, AT_FDCWD, to, (from, to))
NAME(symlinkat, (const char *from, int in, const char *to), 0, in, to, (from, in, to))
