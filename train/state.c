#include "train/state.h"

#include "core/backend.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lac_status lac_state_add(lac_state *s, const lac_backend *b, lac_dtype d, int ndim, const int64_t *dim, void *data, const char *format, ...)
{
    char name[512];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(name, sizeof name, format, list);
    va_end(list);
    if (length < 0 || (size_t)length >= sizeof name)
        return LAC_FAIL(LAC_ERR_ARG, "name of a saved array has %d characters, at most %zu are possible: '%.60s...'", length, sizeof name - 1, name);
    LAC_TRY(lac_grow((void **)&s->array, s->n, &s->capacity, sizeof s->array[0]));
    lac_state_array *a = &s->array[s->n];
    *a = (lac_state_array){ .dtype = d, .shape.ndim = ndim, .backend = b, .data = data };
    if (ndim > 0)
        memcpy(a->shape.dim, dim, (size_t)ndim * sizeof dim[0]);
    LAC_TRY(lac_strdup(&a->name, name));
    s->n++;
    return LAC_OK;
}

void lac_state_free(lac_state *s)
{
    for (int64_t i = 0; i < s->n; i++)
        free(s->array[i].name);
    free(s->array);
    *s = (lac_state){ 0 };
}

static int by_name(const void *a, const void *b) { return strcmp(((const lac_state_array *)a)->name, ((const lac_state_array *)b)->name); }

lac_status lac_state_sort(lac_state *s)
{
    if (s->n > 1)
        qsort(s->array, (size_t)s->n, sizeof s->array[0], by_name);
    for (int64_t i = 1; i < s->n; i++)
        if (strcmp(s->array[i - 1].name, s->array[i].name) == 0)
            return LAC_FAIL(LAC_ERR_STATE, "array '%s' is in the state twice", s->array[i].name);
    return LAC_OK;
}

size_t lac_state_size(const lac_state_array *a) { return (size_t)lac_shape_numel(&a->shape) * lac_dtype_size(a->dtype); }

lac_status lac_state_bytes(const lac_state_array *a, const void **bytes, void **copy)
{
    *bytes = a->data;
    *copy = NULL;
    if (a->backend == NULL || a->backend->host)
        return LAC_OK;
    LAC_TRY(lac_malloc(copy, lac_state_size(a)));
    const lac_status s = a->backend->copy(*copy, a->data, lac_state_size(a));
    *bytes = *copy;
    if (s != LAC_OK) {
        free(*copy);
        *copy = NULL;
    }
    return s;
}
