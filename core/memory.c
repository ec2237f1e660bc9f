#include "core/memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t count;
static atomic_int_fast64_t fail_after = -1;

uint64_t lac_alloc_count(void) { return atomic_load(&count); }
void lac_alloc_fail_after(int64_t n) { atomic_store(&fail_after, n); }

static bool refused(void)
{
    atomic_fetch_add(&count, 1);
    return atomic_load(&fail_after) >= 0 && atomic_fetch_sub(&fail_after, 1) == 0;
}

static lac_status deliver(void **p, void *fresh, size_t size)
{
    if (fresh == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: %zu bytes wanted", size);
    *p = fresh;
    return LAC_OK;
}

lac_status lac_malloc(void **p, size_t size) { return deliver(p, refused() ? NULL : malloc(size ? size : 1), size); }

lac_status lac_calloc(void **p, size_t n, size_t size)
{
    return deliver(p, refused() ? NULL : calloc(n ? n : 1, size ? size : 1), n * size);
}

lac_status lac_realloc(void **p, size_t size) { return deliver(p, refused() ? NULL : realloc(*p, size ? size : 1), size); }

lac_status lac_aligned_alloc(void **p, size_t size)
{
    const size_t rounded = (size + 63) / 64 * 64;
    return deliver(p, refused() || rounded < size ? NULL : aligned_alloc(64, rounded ? rounded : 64), size);
}

lac_status lac_aligned_pages(void **p, size_t size, size_t alignment)
{
    return deliver(p, refused() ? NULL : aligned_alloc(alignment, size), size);
}

lac_status lac_strdup(char **p, const char *s) { return deliver((void **)p, refused() ? NULL : strdup(s), strlen(s) + 1); }

lac_status lac_format(char **p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    LAC_TRY(lac_malloc((void **)p, (size_t)n + 1));
    va_start(args, format);
    vsnprintf(*p, (size_t)n + 1, format, args);
    va_end(args);
    return LAC_OK;
}

lac_status lac_grow(void **array, int64_t n, int64_t *capacity, size_t element)
{
    if (n < *capacity)
        return LAC_OK;
    const int64_t wanted = *capacity ? 2 * *capacity : 16;
    LAC_TRY(lac_realloc(array, (size_t)wanted * element));
    *capacity = wanted;
    return LAC_OK;
}
