#include "train/log.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lac_log_file { FILE *stream; char *path; };

static lac_status cannot(const char *what, const char *path) { return LAC_FAIL(LAC_ERR_IO, "cannot %s '%s': %s", what, path, strerror(errno)); }

/* The line's step; -1 for what is no whole line of a log. */
static int64_t step_of(const char *line, size_t length)
{
    json_t *j = length > 0 && line[length - 1] == '\n' ? json_loadb(line, length, 0, NULL) : NULL;
    const json_t *step = json_object_get(j, "step");
    const int64_t n = json_is_integer(step) ? json_integer_value(step) : -1;
    json_decref(j);
    return n;
}

static lac_status copy_lines(FILE *from, lac_atomic *to, int64_t step)
{
    char *line = NULL;
    size_t room = 0;
    lac_status s = LAC_OK;
    for (ssize_t n; s == LAC_OK && (n = getline(&line, &room, from)) > 0;) {
        const int64_t at = step_of(line, (size_t)n);
        if (at >= 0 && at <= step && fwrite(line, 1, (size_t)n, to->stream) != (size_t)n)
            s = cannot("write", to->path);
    }
    free(line);
    return s;
}

static lac_status take_out_later(const char *path, int64_t step)
{
    lac_atomic a;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return errno == ENOENT ? LAC_OK : cannot("read", path);
    lac_status s = lac_atomic_open(&a, path);
    if (s == LAC_OK) {
        s = copy_lines(f, &a, step);
        if (s == LAC_OK)
            s = lac_atomic_commit(&a);
        else
            lac_atomic_abandon(&a);
    }
    fclose(f);
    return s;
}

lac_status lac_log_open(lac_log_file **out, const char *path, int64_t step)
{
    lac_log_file *l = NULL;
    *out = NULL;
    LAC_TRY(take_out_later(path, step));
    LAC_TRY(lac_calloc((void **)&l, 1, sizeof *l));
    lac_status s = lac_strdup(&l->path, path);
    if (s == LAC_OK && (l->stream = fopen(path, "ab")) == NULL)
        s = cannot("write", path);
    if (s == LAC_OK)
        *out = l;
    else
        lac_log_close(l);
    return s;
}

lac_status lac_log_write(lac_log_file *l, const json_t *line)
{
    if (!json_is_integer(json_object_get(line, "step")))
        return LAC_FAIL(LAC_ERR_ARG, "a line of '%s' has no step", l->path);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "no memory for a line of '%s'", l->path);
    const bool bad = fprintf(l->stream, "%s\n", text) < 0 || fflush(l->stream) != 0;
    free(text);
    return bad ? cannot("write", l->path) : LAC_OK;
}

lac_status lac_log_close(lac_log_file *l)
{
    if (l == NULL)
        return LAC_OK;
    const lac_status s = l->stream != NULL && fclose(l->stream) != 0 ? cannot("write", l->path) : LAC_OK;
    free(l->path);
    free(l);
    return s;
}

lac_status lac_log_number(json_t *line, const char *key, double x)
{
    if (json_object_set_new(line, key, isfinite(x) ? json_real(x) : json_null()) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "no memory for '%s' of a log line", key);
    return LAC_OK;
}
