#include "core/cuda/attention.h"

#include "core/cuda/cudnn.h"
#include "core/cuda/library.h"
#include "core/cuda/plans.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The plan of one shape; none where plans.n is 0. */
typedef struct choice { lac_cuda_attention of; lac_cudnn_plans plans; } choice;

static choice **known;
static int64_t n_known, room;

/* From its kept code, or made anew. */
static lac_status recall(choice *c, const lac_cudnn_graph *g, const char *key, const char *text)
{
    char *code = lac_cuda_plan_code(key, text);
    const lac_status s = code != NULL ? lac_cudnn_read(&c->plans, g, NULL, text, code) : LAC_ERR_LIBRARY;
    free(code);
    if (s == LAC_OK)
        return LAC_OK;
    lac_error_clear();
    return lac_cudnn_propose(&c->plans, g, NULL, text, 1);
}

static lac_status keep(const choice *c, const char *key)
{
    char *code = NULL;
    if (c->plans.plan[0].compiled && lac_cudnn_write(&c->plans, 0, &code) == LAC_OK)
        lac_cuda_plan_keep_code(key, c->plans.plan[0].text, code);
    free(code);
    lac_error_clear();
    return lac_cuda_plan_keep(key, c->plans.plan[0].text, 0);
}

static lac_status choose(choice *c)
{
    const lac_cuda_attention *a = &c->of;
    const lac_cudnn_graph g = { .attention = { a->n, a->heads, a->tq, a->tk, a->d } };
    const lac_cudnn *calls;
    char key[LAC_CUDA_PLAN_KEY], text[LAC_CUDA_PLAN_TEXT];
    if (lac_cudnn_open(&calls) != LAC_OK) {
        lac_error_clear();
        return LAC_OK;
    }
    snprintf(key, sizeof key, "attention forward bf16, %" PRId64 " of %" PRId64 " heads of %" PRId64 ", %" PRId64 " to %" PRId64, a->n, a->heads, a->d, a->tq, a->tk);
    const char *kept = lac_cuda_plan_find(key);
    if (kept != NULL && strlen(kept) < sizeof text) {
        snprintf(text, sizeof text, "%s", kept);
        LAC_TRY(recall(c, &g, key, text));
        if (c->plans.n > 0)
            return LAC_OK;
        lac_cudnn_plans_free(&c->plans);
    }
    LAC_TRY(lac_cudnn_propose(&c->plans, &g, NULL, NULL, 1));
    return c->plans.n > 0 ? keep(c, key) : LAC_OK;
}

static lac_status find(choice **c, const lac_cuda_attention *a)
{
    for (int64_t i = 0; i < n_known; i++)
        if (memcmp(&known[i]->of, a, sizeof *a) == 0) {
            *c = known[i];
            return LAC_OK;
        }
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    (*c)->of = *a;
    lac_status s = choose(*c);
    if (s == LAC_OK)
        s = lac_grow((void **)&known, n_known, &room, sizeof *known);
    if (s == LAC_OK) {
        known[n_known++] = *c;
        return LAC_OK;
    }
    lac_cudnn_plans_free(&(*c)->plans);
    free(*c);
    return lac_context(s, "attention of %" PRId64 " heads of %" PRId64, a->heads, a->d);
}

lac_status lac_cuda_attention_workspace(const lac_cuda_attention *a, bool *offered, size_t *size)
{
    choice *c;
    *offered = false;
    *size = 0;
    if (a->d % 8 != 0)                      /* rows of 16 bytes */
        return LAC_OK;
    LAC_TRY(find(&c, a));
    *offered = c->plans.n > 0;
    *size = *offered ? c->plans.plan[0].workspace : 0;
    return LAC_OK;
}

lac_status lac_cuda_attention_forward(const lac_cuda_attention *a, const void *q, const void *k, const void *v, void *y, float *lse, float scale, void *workspace)
{
    choice *c;
    LAC_TRY(find(&c, a));
    return lac_cudnn_run_attention(&c->plans, 0, q, k, v, y, lse, scale, workspace);
}
