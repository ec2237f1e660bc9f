#include "train/trace.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lac_trace {
    lac_atomic file;
    char *open;                 /* path of the modules that are open, "/generator/conv4" or "" */
    bool open_backward;
    double end;                 /* of the last kernel, microseconds */
    int64_t n_events;
    lac_status status;
};

lac_status lac_trace_open(lac_trace **out, const char *path)
{
    lac_trace *t = NULL;
    *out = NULL;
    LAC_TRY(lac_calloc((void **)&t, 1, sizeof *t));
    lac_status s = lac_strdup(&t->open, "");
    if (s == LAC_OK)
        s = lac_atomic_open(&t->file, path);
    if (s == LAC_OK && fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", t->file.stream) < 0)
        s = LAC_FAIL(LAC_ERR_IO, "cannot write '%s'", path);
    if (s != LAC_OK) {
        lac_atomic_abandon(&t->file);
        free(t->open);
        free(t);
        return s;
    }
    *out = t;
    return LAC_OK;
}

/* Takes the event over. */
static void write_event(lac_trace *t, json_t *event)
{
    char *text = event == NULL ? NULL : json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (text == NULL)
        t->status = LAC_FAIL(LAC_ERR_MEM, "no memory for an event of '%s'", t->file.path);
    else if (fprintf(t->file.stream, "%s\n%s", t->n_events++ ? "," : "", text) < 0)
        t->status = LAC_FAIL(LAC_ERR_IO, "cannot write '%s'", t->file.path);
    free(text);
    json_decref(event);
}

static const char *direction(bool backward) { return backward ? "backward" : "forward"; }

static void write_edge(lac_trace *t, const char *name, int length, bool begin, bool backward, double at)
{
    write_event(t, json_pack("{s:s%, s:s, s:s, s:f, s:i, s:i}", "name", name, (size_t)length, "cat", direction(backward), "ph", begin ? "B" : "E",
                             "ts", at, "pid", 1, "tid", 1));
}

/* Length of the modules that two paths share. */
static size_t shared(const char *a, const char *b)
{
    size_t n = 0;
    for (size_t i = 0;; i++) {
        const bool a_ends = a[i] == '\0' || a[i] == '/', b_ends = b[i] == '\0' || b[i] == '/';
        if (a_ends && b_ends)
            n = i;
        if (a[i] != b[i] || a[i] == '\0')
            return n;
    }
}

static void close_down_to(lac_trace *t, size_t length)
{
    for (size_t end = strlen(t->open); end > length && t->status == LAC_OK;) {
        size_t slash = end;
        while (slash > 0 && t->open[slash - 1] != '/')
            slash--;
        write_edge(t, t->open + slash, (int)(end - slash), false, t->open_backward, t->end);
        end = slash > 0 ? slash - 1 : 0;
        t->open[end] = '\0';
    }
}

static void open_up_to(lac_trace *t, const char *path, bool backward, double at)
{
    const char *from = path + strlen(t->open);
    while (*from == '/' && t->status == LAC_OK) {
        const int length = (int)strcspn(from + 1, "/");
        write_edge(t, from + 1, length, true, backward, at);
        from += 1 + length;
    }
    char *copy = NULL;
    const lac_status s = lac_strdup(&copy, path);
    if (s != LAC_OK) {
        t->status = s;
        return;
    }
    free(t->open);
    t->open = copy;
    t->open_backward = backward;
}

void lac_trace_sink(void *trace, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    lac_trace *t = trace;
    const double at = 1e6 * start, per_second = seconds > 0 ? 1e-9 / seconds : 0;
    if (t->status != LAC_OK)
        return;
    close_down_to(t, backward == t->open_backward ? shared(t->open, path) : 0);
    open_up_to(t, path, backward, at);
    t->end = at + 1e6 * seconds;
    if (t->status == LAC_OK)
        write_event(t, json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:{s:s, s:I, s:I, s:f, s:f}}", "name", op, "cat", direction(backward), "ph", "X",
                                 "ts", at, "dur", 1e6 * seconds, "pid", 1, "tid", 1, "args", "path", path, "bytes", (json_int_t)bytes,
                                 "flop", (json_int_t)flops, "GB/s", (double)bytes * per_second, "GFLOP/s", (double)flops * per_second));
}

lac_status lac_trace_close(lac_trace *t)
{
    if (t == NULL)
        return LAC_OK;
    close_down_to(t, 0);
    lac_status s = t->status;
    if (s == LAC_OK && fputs("\n]}\n", t->file.stream) < 0)
        s = LAC_FAIL(LAC_ERR_IO, "cannot write '%s'", t->file.path);
    if (s == LAC_OK)
        s = lac_atomic_commit(&t->file);
    else
        lac_atomic_abandon(&t->file);
    free(t->open);
    free(t);
    return s;
}
