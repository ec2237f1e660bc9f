/* bench-attention f32|bf16: the op at the sizes of attention.py, asked for by lines "TQ TK HEADS D forward|both N" on standard input; answers the seconds of
 * N calls. Driven by attention.py beside peers/attention.py, which speaks the same. */
#include "autograd/ops/attention/attention.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/ops.h"
#include "core/backend.h"
#include "core/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(lac_status s)
{
    if (s != LAC_OK) {
        fprintf(stderr, "bench-attention: %s\n", lac_error_message());
        exit(1);
    }
}

/* Numbers in [-1, 1). */
static lac_tensor *filled(lac_dtype d, int ndim, const int64_t *dim)
{
    lac_tensor *x;
    need(lac_tensor_new(&x, d, ndim, dim));
    for (int64_t i = 0; i < lac_numel(x); i++)
        lac_from_f32((char *)x->data + (size_t)i * lac_dtype_size(d), d, &(float){ (float)((uint32_t)i * 2654435761u >> 8) / 8388608.0f - 1 }, 1);
    return x;
}

typedef struct call { lac_op_ctx c[2]; lac_attention_attr attr; lac_tensor *owned[8]; } call;

static void prepare(const lac_backend *b, call *o, lac_dtype d, int64_t tq, int64_t tk, int64_t heads, int64_t width)
{
    const int64_t q[] = { 1, tq, heads * width }, k[] = { 1, tk, heads * width }, lse[] = { 1, heads, tq };
    o->attr = (lac_attention_attr){ .heads = heads };
    for (int i = 0; i < 8; i++)
        o->owned[i] = i == 4 ? filled(LAC_F32, 3, lse) : filled(d, 3, i == 1 || i == 2 || i > 5 ? k : q);      /* q k v y lse, gq gk gv */
    lac_op_ctx *c = &o->c[0];
    *c = (lac_op_ctx){ .def = lac_op_find(LAC_OP_attention), .op = LAC_OP_attention, .attr = &o->attr, .backend = b };
    for (int i = 0; i < 3; i++)
        c->in[i] = o->owned[i];
    c->out[0] = o->owned[3];
    c->out[1] = o->owned[4];
    o->c[1] = *c;
    o->c[1].backward = true;
    o->c[1].gout[0] = o->owned[0];
    for (int i = 0; i < 3; i++)
        o->c[1].gin[i] = o->owned[5 + i];
    for (int way = 0; way < 2; way++) {
        size_t size = 0;
        need(b->kernels[LAC_OP_attention].workspace(&o->c[way], &size));
        need(b->alloc(&o->c[way].workspace, size + 64));
    }
}

int main(int argc, char **argv)
{
    const lac_backend *b;
    const lac_dtype d = argc > 1 && strcmp(argv[1], "bf16") == 0 ? LAC_BF16 : LAC_F32;
    int64_t tq, tk, heads, width, n, last[4] = { 0 };
    char way[16];
    static call o;
    need(lac_backend_cpu_register());
    need(lac_backend_get(&b, "cpu"));
    printf("ready lacuna\n");
    fflush(stdout);
    while (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64 "%15s%" SCNd64, &tq, &tk, &heads, &width, way, &n) == 6) {
        const int64_t now[4] = { tq, tk, heads, width };
        if (memcmp(now, last, sizeof now) != 0)
            prepare(b, &o, d, tq, tk, heads, width);        /* a handful of sizes: what the one before held stays */
        memcpy(last, now, sizeof now);
        const double start = lac_seconds();
        for (int64_t i = 0; i < n; i++) {
            need(b->kernels[LAC_OP_attention].forward(&o.c[0]));
            if (strcmp(way, "both") == 0)
                need(b->kernels[LAC_OP_attention].backward(&o.c[1]));
        }
        printf("%.9f\n", lac_seconds() - start);
        fflush(stdout);
    }
    return 0;
}
