#include "core/file/atomic.h"

#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static lac_status refused(const char *what, const char *path)
{
    return LAC_FAIL(LAC_ERR_IO, "%s '%s': %s", what, path, strerror(errno));
}

lac_status lac_atomic_begin(lac_atomic *a, const char *path)
{
    *a = (lac_atomic){ 0 };
    lac_status s = lac_strdup(&a->path, path);
    if (s == LAC_OK)
        s = lac_format(&a->aside, "%s.tmp-%ld", path, (long)getpid());
    if (s != LAC_OK)
        lac_atomic_abandon(a);
    return s;
}

lac_status lac_atomic_open(lac_atomic *a, const char *path)
{
    LAC_TRY(lac_atomic_begin(a, path));
    a->stream = fopen(a->aside, "wb");
    if (a->stream != NULL)
        return LAC_OK;
    const lac_status s = refused("cannot write", path);
    lac_atomic_abandon(a);
    return s;
}

static lac_status sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return refused("cannot open", path);
    const lac_status s = fsync(fd) == 0 || errno == EINVAL ? LAC_OK : refused("cannot sync", path);
    close(fd);
    return s;
}

static lac_status sync_folder_of(const char *path)
{
    char *copy;
    LAC_TRY(lac_strdup(&copy, path));
    const lac_status s = sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
    free(copy);
    return s;
}

static lac_status close_stream(lac_atomic *a)
{
    FILE *f = a->stream;
    a->stream = NULL;
    if (f == NULL)
        return LAC_OK;
    const bool bad = ferror(f) != 0 || fflush(f) != 0;
    const int why = bad ? errno : 0;
    if (fclose(f) == 0 && !bad)
        return LAC_OK;
    errno = why ? why : errno;
    return refused("cannot write", a->path);
}

lac_status lac_atomic_commit(lac_atomic *a)
{
    lac_status s = close_stream(a);
    if (s == LAC_OK)
        s = sync_path(a->aside, O_RDONLY);
    if (s == LAC_OK && rename(a->aside, a->path) != 0)
        s = refused("cannot rename onto", a->path);
    if (s == LAC_OK)
        s = sync_folder_of(a->path);
    if (s == LAC_OK) {
        free(a->aside);
        a->aside = NULL;
    }
    lac_atomic_abandon(a);
    return s;
}

void lac_atomic_abandon(lac_atomic *a)
{
    if (a->stream != NULL)
        fclose(a->stream);
    if (a->aside != NULL)
        unlink(a->aside);
    free(a->aside);
    free(a->path);
    *a = (lac_atomic){ 0 };
}

static bool is_aside(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && strncmp(dot, ".tmp-", 5) == 0 && dot[5] != '\0' && dot[5 + strspn(dot + 5, "0123456789")] == '\0';
}

lac_status lac_atomic_tidy(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return errno == ENOENT ? LAC_OK : refused("cannot read folder", folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_aside(e->d_name))
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    return LAC_OK;
}

lac_status lac_file_write(const char *path, const void *bytes, size_t size)
{
    lac_atomic a;
    LAC_TRY(lac_atomic_open(&a, path));
    if (fwrite(bytes, 1, size, a.stream) != size) {
        const lac_status s = refused("cannot write", path);
        lac_atomic_abandon(&a);
        return s;
    }
    return lac_atomic_commit(&a);
}

static lac_status read_all(int fd, const char *path, size_t limit, char **bytes, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return refused("cannot read", path);
    if (!S_ISREG(st.st_mode))
        return LAC_FAIL(LAC_ERR_IO, "cannot read '%s': not a regular file", path);
    if ((uint64_t)st.st_size > limit)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' has %lld bytes, more than the %zu expected of such a file", path, (long long)st.st_size, limit);
    char *p;
    LAC_TRY(lac_malloc((void **)&p, (size_t)st.st_size + 1));
    size_t n = 0;
    for (ssize_t got = 1; n < (size_t)st.st_size && got > 0; n += got > 0 ? (size_t)got : 0)
        if ((got = read(fd, p + n, (size_t)st.st_size - n)) < 0) {
            free(p);
            return refused("cannot read", path);
        }
    p[n] = '\0';
    *bytes = p;
    *size = n;
    return LAC_OK;
}

lac_status lac_file_read(const char *path, size_t limit, char **bytes, size_t *size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("cannot open", path);
    const lac_status s = read_all(fd, path, limit, bytes, size);
    close(fd);
    return s;
}

lac_status lac_make_folders(const char *path)
{
    char *p;
    LAC_TRY(lac_strdup(&p, path));
    lac_status s = LAC_OK;
    for (char *at = p; s == LAC_OK && *at;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        const char kept = *at;
        *at = '\0';
        if (mkdir(p, 0777) != 0 && errno != EEXIST)
            s = refused("cannot make folder", p);
        *at = kept;
    }
    free(p);
    return s;
}
