#include "autograd/peaks.h"

#include "autograd/op.h"
#include "autograd/ops/ops.h"
#include "core/cpu/features.h"
#include "core/cpu/peak.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/stopwatch.h"
#include "core/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_SIZE = 512 << 20, DEVICE_SIDE = 8192, HOST_SIDE = 2048, SAMPLES = 3 };

typedef struct work { const lac_backend *b; char *block; lac_op_ctx product; } work;

static lac_status copy(void *context)
{
    const work *w = context;
    return w->b->copy(w->block, w->block + COPY_SIZE, COPY_SIZE);
}

static lac_status product(void *context)
{
    const work *w = context;
    return w->b->kernels[LAC_OP_linear].forward(&w->product);
}

/* Random numbers over the whole block: zeros would run faster. */
static lac_status fill(const work *w, lac_dtype d, size_t size)
{
    const size_t part = 4 << 20, n = part / lac_dtype_size(d);
    lac_stream s = lac_stream_at(1, lac_purpose("peaks"), 0, 0);
    char *numbers;
    LAC_TRY(lac_malloc((void **)&numbers, part));
    for (size_t i = 0; i < n; i++) {
        const float v = 2 * lac_stream_uniform(&s) - 1;
        lac_from_f32(numbers + i * lac_dtype_size(d), d, &v, 1);
    }
    lac_status status = LAC_OK;
    for (size_t at = 0; status == LAC_OK && at < size; at += part)
        status = w->b->copy(w->block + at, numbers, part);
    free(numbers);
    return status;
}

static lac_status time_product(work *w, lac_tensor x[3], double *seconds)
{
    const lac_kernel *k = &w->b->kernels[LAC_OP_linear];
    size_t size = 0;
    void *workspace = NULL;
    w->product = (lac_op_ctx){ .def = lac_op_find(LAC_OP_linear), .op = LAC_OP_linear, .in = { &x[0], &x[1] }, .out = { &x[2] }, .backend = w->b };
    if (k->workspace != NULL)
        LAC_TRY(k->workspace(&w->product, &size));
    if (size > 0)
        LAC_TRY(w->b->alloc(&workspace, size));
    w->product.workspace = workspace;
    const lac_status s = lac_stopwatch(w->b, product, w, SAMPLES, seconds);
    if (workspace != NULL)
        w->b->free(workspace, size);
    return s;
}

/* A product of two square matrices within the block. */
static lac_status measure_product(work *w, lac_dtype d, int64_t side, lac_peaks *p)
{
    lac_tensor x[3];
    double seconds;
    for (int i = 0; i < 3; i++) {
        lac_tensor_shape(&x[i], d, 2, (int64_t[]){ side, side });
        x[i].data = w->block + (size_t)i * lac_bytes(&x[i]);
        x[i].backend = w->b;
    }
    LAC_TRY(time_product(w, x, &seconds));
    p->gflops = 2e-9 * (double)(side * side * side) / seconds;
    snprintf(p->of, sizeof p->of, "%s products", lac_dtype_name(d));
    return LAC_OK;
}

static lac_status on_device(work *w, lac_dtype d, lac_peaks *p)
{
    double seconds;
    LAC_TRY(lac_stopwatch(w->b, copy, w, SAMPLES, &seconds));
    p->copy_gbs = 2e-9 * (double)COPY_SIZE / seconds;
    return measure_product(w, d, DEVICE_SIDE, p);
}

static lac_status on_host(work *w, lac_dtype d, lac_peaks *p)
{
    lac_peak here;
    LAC_TRY(lac_peak_measure(&here));
    *p = (lac_peaks){ .copy_gbs = here.copy_gbs, .gflops = here.fma_gflops, .of = "f32 multiply-adds" };
    return d == LAC_F32 ? LAC_OK : measure_product(w, d, HOST_SIDE, p);
}

lac_status lac_peaks_measure(const lac_backend *b, lac_dtype d, lac_peaks *p)
{
    const bool host = b->queue == NULL;
    const size_t size = host ? (size_t)3 * HOST_SIDE * HOST_SIDE * sizeof(float) : 2 * (size_t)COPY_SIZE;
    work w = { .b = b };
    void *block;
    LAC_TRY(b->alloc(&block, size));
    w.block = block;
    lac_status s = fill(&w, d, size);
    if (s == LAC_OK)
        s = host ? on_host(&w, d, p) : on_device(&w, d, p);
    b->free(block, size);
    return s;
}

/* What a backend says of itself are lines, the device last: "device NAME". */
void lac_device_words(const lac_backend *b, char *text, size_t size)
{
    char said[2600] = "";
    if (b->describe == NULL) {
        snprintf(text, size, "%s, %d threads", lac_cpu_model(), lac_threads());
        return;
    }
    b->describe(said, sizeof said);
    char *name = strstr(said, "\ndevice ");
    if (name != NULL)
        *name = '\0';
    for (char *c = said; *c != '\0'; c++)
        *c = *c == '\n' ? ';' : *c;
    snprintf(text, size, "%s%s%s", name != NULL ? name + strlen("\ndevice ") : "", name != NULL ? "; " : "", said);
}
