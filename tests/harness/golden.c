#include "tests/harness/golden.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

lac_golden lac_golden_open(const char *name)
{
    lac_golden g;
    LAC_CHECK_STATUS(lac_weights_open(&g.file, lac_test_golden(name)));
    return g;
}

void lac_golden_close(lac_golden *g)
{
    lac_weights_close(g->file);
    g->file = NULL;
}

static int64_t find(const lac_golden *g, const char *format, va_list args, char *name, size_t size)
{
    vsnprintf(name, size, format, args);
    return lac_weights_find(g->file, name);
}

bool lac_golden_has(const lac_golden *g, const char *format, ...)
{
    char name[256];
    va_list args;
    va_start(args, format);
    const int64_t i = find(g, format, args, name, sizeof name);
    va_end(args);
    return i >= 0;
}

void *lac_golden_get(const lac_golden *g, lac_shape *shape, const char *format, ...)
{
    char name[256];
    va_list args;
    va_start(args, format);
    const int64_t i = find(g, format, args, name, sizeof name);
    va_end(args);
    if (i < 0)
        fail_msg("no golden tensor '%s'", name);
    const lac_shape s = lac_weights_shape(g->file, i);
    const size_t bytes = (size_t)lac_shape_numel(&s) * lac_dtype_size(lac_weights_dtype(g->file, i));
    void *to = malloc(bytes + 1);
    LAC_CHECK(to != NULL);
    LAC_CHECK_STATUS(lac_weights_read(g->file, i, to, bytes));
    if (shape != NULL)
        *shape = s;
    return to;
}
