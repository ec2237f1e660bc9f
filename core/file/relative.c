#include "core/file/relative.h"

#include "core/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static lac_status resolve(const char *path, char to[PATH_MAX])
{
    return realpath(path, to) != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot find '%s': %s", path, strerror(errno));
}

/* What both begin with, up to the end of a part. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0, end = 0;
    for (; a[n] == b[n] && a[n] != '\0'; n++)
        if (a[n] == '/')
            end = n + 1;
    const bool whole = (a[n] == '\0' || a[n] == '/') && (b[n] == '\0' || b[n] == '/');
    return whole ? n : end;
}

static const char *after(const char *path, size_t n) { return path[n] == '/' ? path + n + 1 : path + n; }

lac_status lac_path_relative(char **path, const char *folder, const char *to)
{
    char from[PATH_MAX], goal[PATH_MAX], up[3 * PATH_MAX / 2 + 4] = "";
    LAC_TRY(resolve(folder, from));
    LAC_TRY(resolve(to, goal));
    const size_t n = common(from, goal);
    const char *rest = after(from, n), *down = after(goal, n);
    size_t at = 0;
    for (const char *c = rest; *c != '\0'; c++)
        if (c == rest || c[-1] == '/') {
            memcpy(up + at, "../", 4);
            at += 3;
        }
    if (*down == '\0' && at > 0)
        up[at - 1] = '\0';
    return lac_format(path, "%s%s", up, *down == '\0' && at == 0 ? "." : down);
}

lac_status lac_path_folder(char **folder, const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? lac_strdup(folder, ".") : lac_format(folder, "%.*s", slash == file ? 1 : (int)(slash - file), file);
}

lac_status lac_path_join(char **path, const char *folder, const char *name)
{
    return name[0] == '/' ? lac_strdup(path, name) : lac_format(path, "%s/%s", folder, name);
}
