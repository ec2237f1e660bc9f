#include "train/replay.h"

#include "core/memory.h"
#include "core/queue.h"

#include <stdlib.h>
#include <string.h>

struct lac_replay {
    char *signature;
    uint64_t place;             /* of the capture */
    lac_graph *graph;           /* NULL: made once, to be captured */
    bool *has_grad;             /* of the networks' parameters, one after another, after the work */
};

static lac_replay *find(const lac_replays *r, const char *signature)
{
    for (int64_t i = 0; i < r->n; i++)
        if (strcmp(r->list[i]->signature, signature) == 0)
            return r->list[i];
    return NULL;
}

static void release(lac_replays *r, lac_replay *one)
{
    if (one->graph != NULL)
        r->backend->queue->drop(one->graph);
    free(one->signature);
    free(one->has_grad);
    free(one);
}

void lac_replays_free(lac_replays *r)
{
    for (int64_t i = 0; i < r->n; i++)
        release(r, r->list[i]);
    free(r->list);
    *r = (lac_replays){ 0 };
}

/* Which parameters have a gradient: noted down, or put back. */
static void copy_has_grad(const lac_trained *nets, bool *noted, bool put_back)
{
    for (int k = 0; k < nets->n; k++)
        for (int64_t i = 0; i < nets->ps[k]->n; i++, noted++) {
            bool *own = &nets->ps[k]->param[i]->has_grad;
            *(put_back ? own : noted) = *(put_back ? noted : own);
        }
}

/* The work has been made as it is. */
static lac_status remember(lac_replays *r, const char *signature, const lac_trained *nets)
{
    lac_replay *one;
    int64_t n = 0;
    for (int k = 0; k < nets->n; k++)
        n += nets->ps[k]->n;
    LAC_TRY(lac_grow((void **)&r->list, r->n, &r->capacity, sizeof r->list[0]));
    LAC_TRY(lac_calloc((void **)&one, 1, sizeof *one));
    lac_status s = lac_strdup(&one->signature, signature);
    if (s == LAC_OK)
        s = lac_calloc((void **)&one->has_grad, (size_t)n, sizeof one->has_grad[0]);
    if (s != LAC_OK) {
        release(r, one);
        return s;
    }
    copy_has_grad(nets, one->has_grad, false);
    r->list[r->n++] = one;
    return LAC_OK;
}

static lac_status capture(lac_replays *r, lac_replay *one, lac_replay_body *body, void *context)
{
    const lac_queue *q = r->backend->queue;
    LAC_TRY(q->begin());
    lac_status s = body(context);
    if (s == LAC_OK)
        s = q->end(&one->graph);
    else
        q->end(NULL);
    return lac_context(s, "capturing '%s' (debug.graph = false does without)", one->signature);
}

lac_status lac_replay_run(lac_replays *r, const char *signature, uint64_t place, const lac_trained *nets, lac_optim *o, lac_replay_body *body, void *context)
{
    if (r->off || r->backend->queue == NULL)
        return body(context);
    lac_replay *one = find(r, signature);
    if (one == NULL) {
        LAC_TRY(body(context));
        return remember(r, signature, nets);
    }
    copy_has_grad(nets, one->has_grad, true);
    LAC_TRY(o != NULL ? lac_optim_note_gradients(o) : LAC_OK);
    if (one->graph != NULL && one->place != place) {
        LAC_TRY(r->backend->queue->finish());
        r->backend->queue->drop(one->graph);
        one->graph = NULL;
    }
    if (one->graph == NULL)
        LAC_TRY(capture(r, one, body, context));
    one->place = place;
    return r->backend->queue->replay(one->graph);
}
