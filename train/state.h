/* train/state.h -- what a checkpoint saves and loads into: arrays by name, borrowed from whoever owns them.
 *
 * Names are paths with '/': "generator/master/conv1.weight". The list is for one save or load; lac_state_free ends the list, not
 * the arrays. */
#pragma once

#include "core/tensor.h"

typedef struct lac_state_array {
    char *name;
    lac_dtype dtype;
    lac_shape shape;
    const lac_backend *backend; /* whose memory; NULL: the host's */
    void *data;                 /* contiguous; load writes here */
} lac_state_array;

typedef struct lac_state {
    lac_state_array *array;
    int64_t n, capacity;
} lac_state;

/* A name used twice is LAC_ERR_STATE when the list is saved or loaded. */
lac_status lac_state_add(lac_state *s, const lac_backend *b, lac_dtype d, int ndim, const int64_t *dim, void *data, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
void lac_state_free(lac_state *s);

/* In name order; refuses a name that is there twice. */
lac_status lac_state_sort(lac_state *s);

/* The bytes of an array where the host can read them: its own memory, or a copy. *copy is the caller's to free. */
lac_status lac_state_bytes(const lac_state_array *a, const void **bytes, void **copy);
size_t lac_state_size(const lac_state_array *a);
