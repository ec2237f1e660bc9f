#include "autograd/peaks.h"

#include "autograd/op.h"
#include "core/cpu/features.h"
#include "core/cpu/peak.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/stopwatch.h"
#include "core/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_SIZE = 512 << 20, SIDE = 8192, SAMPLES = 3 };

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

static lac_status measure(work *w, lac_dtype d, lac_peaks *p)
{
    const size_t matrix = (size_t)SIDE * SIDE * lac_dtype_size(d);
    double seconds;
    size_t size = 0;
    void *workspace = NULL;
    lac_tensor x[3];
    LAC_TRY(fill(w, d, 2 * (size_t)COPY_SIZE));
    LAC_TRY(lac_stopwatch(w->b, copy, w, SAMPLES, &seconds));
    p->copy_gbs = 2e-9 * (double)COPY_SIZE / seconds;
    w->product = (lac_op_ctx){ .def = lac_op_find(LAC_OP_linear), .op = LAC_OP_linear, .in = { &x[0], &x[1] }, .out = { &x[2] }, .backend = w->b };
    for (int i = 0; i < 3; i++) {
        lac_tensor_shape(&x[i], d, 2, (int64_t[]){ SIDE, SIDE });
        x[i].data = w->block + (size_t)i * matrix;
        x[i].backend = w->b;
    }
    if (w->b->kernels[LAC_OP_linear].workspace != NULL)
        LAC_TRY(w->b->kernels[LAC_OP_linear].workspace(&w->product, &size));
    if (size > 0)
        LAC_TRY(w->b->alloc(&workspace, size));
    w->product.workspace = workspace;
    const lac_status s = lac_stopwatch(w->b, product, w, SAMPLES, &seconds);
    if (workspace != NULL)
        w->b->free(workspace, size);
    p->gflops = 2e-9 * SIDE * SIDE * SIDE / seconds;
    return s;
}

lac_status lac_peaks_measure(const lac_backend *b, lac_dtype d, lac_peaks *p)
{
    work w = { .b = b };
    void *block;
    if (b->queue == NULL) {
        lac_peak here;
        LAC_TRY(lac_peak_measure(&here));
        *p = (lac_peaks){ .copy_gbs = here.copy_gbs, .gflops = here.fma_gflops, .of = "f32 multiply-adds" };
        return LAC_OK;
    }
    snprintf(p->of, sizeof p->of, "%s products", lac_dtype_name(d));
    LAC_TRY(b->alloc(&block, 2 * (size_t)COPY_SIZE));
    w.block = block;
    const lac_status s = measure(&w, d, p);
    b->free(block, 2 * (size_t)COPY_SIZE);
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
