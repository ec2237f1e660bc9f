#include "train/buckets.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int64_t length_of(const lac_buckets *b, int64_t k) { return LAC_MIN(b->length, b->size - k * b->length); }
int64_t lac_buckets_piece(const lac_buckets *b, int64_t k) { return length_of(b, k) / b->lane->comm->size; }
int64_t lac_buckets_first(const lac_buckets *b, int64_t k) { return k * b->length + b->lane->comm->rank * lac_buckets_piece(b, k); }

lac_status lac_buckets_cut(lac_buckets *b, lac_lane *lane, int64_t size, int64_t align, size_t bytes)
{
    const int64_t step = align * lane->comm->size, wish = (int64_t)(bytes / sizeof(float));
    *b = (lac_buckets){ .lane = lane, .size = size, .length = LAC_MAX((wish + step / 2) / step, 1) * step };
    b->each = b->length / lane->comm->size;
    b->share = size / lane->comm->size;
    b->n = (size + b->length - 1) / b->length;
    LAC_TRY(lac_calloc((void **)&b->waits, (size_t)b->n, sizeof b->waits[0]));
    LAC_TRY(lac_calloc((void **)&b->left, (size_t)b->n, sizeof b->left[0]));
    return lac_calloc((void **)&b->begun, (size_t)b->n, sizeof b->begun[0]);
}

void lac_buckets_free(lac_buckets *b)
{
    free(b->waits);
    free(b->left);
    free(b->begun);
    *b = (lac_buckets){ 0 };
}

void lac_buckets_expect(lac_buckets *b, int64_t from, int64_t n)
{
    for (int64_t k = from / b->length; n > 0 && k <= (from + n - 1) / b->length; k++)
        b->left[k] = ++b->waits[k];
}

static lac_status begin(lac_buckets *b, float *grad, int64_t k)
{
    if (b->begun[k])
        return LAC_OK;
    b->begun[k] = true;
    return b->lane->reduce_scatter(b->lane, grad + lac_buckets_first(b, k), grad + k * b->length, lac_buckets_piece(b, k));
}

lac_status lac_buckets_complete(lac_buckets *b, float *grad, int64_t from, int64_t n)
{
    for (int64_t k = from / b->length; n > 0 && k <= (from + n - 1) / b->length; k++)
        if (--b->left[k] == 0)
            LAC_TRY(begin(b, grad, k));
    return LAC_OK;
}

lac_status lac_buckets_reduce(lac_buckets *b, float *grad)
{
    for (int64_t k = 0; k < b->n; k++)
        LAC_TRY(begin(b, grad, k));
    memset(b->begun, 0, (size_t)b->n * sizeof b->begun[0]);
    memcpy(b->left, b->waits, (size_t)b->n * sizeof b->left[0]);
    return b->lane->join(b->lane);
}

lac_status lac_buckets_gather(lac_buckets *b, float *whole, const float *own)
{
    for (int64_t k = 0; k < b->n; k++) {
        const float *piece = own != NULL ? own + k * b->each : whole + lac_buckets_first(b, k);
        LAC_TRY(b->lane->all_gather(b->lane, whole + k * b->length, piece, lac_buckets_piece(b, k)));
    }
    return b->lane->join(b->lane);
}
