#include "train/optim.h"

#include "core/memory.h"
#include "train/buckets.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 };            /* floats: every parameter starts on a cache line */

struct lac_optim {
    lac_trained nets;
    int64_t first[LAC_MAX_TRAINED + 1];         /* where each network's begin in `param` */
    const lac_backend *backend;
    const lac_optim_config *config;
    lac_comm *comm;
    lac_param **param;          /* trained ones, by network and name; borrowed */
    int64_t *start;             /* where each one's floats begin in an arena */
    lac_update_range *range;    /* what of them is this rank's to move (ZeRO-1); the copy that the host changes */
    int64_t *range_of;          /* whose each range is */
    int64_t n, size, n_ranges;  /* parameters; floats in an arena */
    lac_buckets buckets;        /* one when it is alone */
    float *master, *grad;       /* whole */
    float *whole;               /* moments and EMA of all ranks, on the host, between lac_optim_state and _state_end; NULL when alone */
    int64_t steps;              /* begun, skipped ones included */
    bool ranges_there;          /* the backend's table of ranges is what `range` says */
    float clip[LAC_CLIP_GROUPS];
    lac_update_state state;     /* mirror, valid between lac_optim_state and _restored */
    lac_update update;          /* its pointers are in the backend's memory */
    void *arena, *table;
    size_t arena_bytes, table_bytes;
};

static double either(double own, double otherwise) { return isnan(own) ? otherwise : own; }

static bool fits(const lac_optim_group *g, const lac_param *p)
{
    char whole[2 * LAC_PARAM_NAME];
    snprintf(whole, sizeof whole, "%s/%s", p->of->name, p->name);
    return fnmatch(g->match, p->name, 0) == 0 || fnmatch(g->match, whole, 0) == 0;
}

static lac_status set_range(lac_optim *o, lac_update_range *r, const lac_param *p, const int *clip_group)
{
    const lac_optim_config *c = o->config;
    double lr = c->lr, decay = p->role == LAC_ROLE_NORM || p->role == LAC_ROLE_BIAS || p->undecayed ? 0 : c->decay;
    for (int64_t g = 0; g < c->n_groups; g++)
        if (fits(&c->groups[g], p)) {
            lr = either(c->groups[g].lr, lr);
            decay = either(c->groups[g].decay, decay);
            r->clip_group = clip_group[g] ? clip_group[g] : r->clip_group;
        }
    if (c->lr == 0 && lr != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "optim: a group has lr %g, but the schedule runs at lr 0", lr);
    r->lr = c->lr == 0 ? 1.0f : (float)(lr / c->lr);
    r->decay = (float)decay;
    r->bounded = p->bounded;
    r->most = p->most;
    return LAC_OK;
}

/* Group 0 is everybody's; a config group with a clip of its own gets the next number. */
static lac_status number_clip_groups(lac_optim *o, int *clip_group)
{
    const lac_optim_config *c = o->config;
    int n = 1;
    o->clip[0] = (float)c->clip;
    for (int64_t g = 0; g < c->n_groups; g++) {
        if (isnan(c->groups[g].clip))
            continue;
        if (n == LAC_CLIP_GROUPS)
            return LAC_FAIL(LAC_ERR_CONFIG, "optim: more than %d groups have a clip of their own", LAC_CLIP_GROUPS - 1);
        o->clip[n] = (float)c->groups[g].clip;
        clip_group[g] = n++;
    }
    return LAC_OK;
}

static lac_status check_groups_fit(const lac_optim *o)
{
    for (int64_t g = 0; g < o->config->n_groups; g++) {
        bool any = false;
        for (int64_t i = 0; i < o->n && !any; i++)
            any = fits(&o->config->groups[g], o->param[i]);
        if (!any)
            return LAC_FAIL(LAC_ERR_CONFIG, "optim: group %lld: '%s' fits no parameter of '%s'%s", (long long)g + 1, o->config->groups[g].match,
                            o->nets.ps[0]->name, o->nets.n > 1 ? " and the networks beside it" : "");
    }
    return LAC_OK;
}

static lac_status lay_out(lac_optim *o, lac_update_range *of_param)
{
    int *clip_group;
    LAC_TRY(check_groups_fit(o));
    LAC_TRY(lac_calloc((void **)&clip_group, (size_t)o->config->n_groups, sizeof clip_group[0]));
    lac_status s = number_clip_groups(o, clip_group);
    for (int64_t i = 0; s == LAC_OK && i < o->n; i++) {
        o->start[i] = o->size;
        o->size += (lac_numel(o->param[i]->value) + ALIGN - 1) / ALIGN * ALIGN;
        s = set_range(o, &of_param[i], o->param[i], clip_group);
    }
    free(clip_group);
    const int64_t step = (int64_t)ALIGN * o->comm->size;
    o->size = (o->size + step - 1) / step * step;
    return s;
}

/* What of parameter i lies in this rank's piece of bucket k. */
static void add_range(lac_optim *o, const lac_update_range *of_param, int64_t i, int64_t k)
{
    const lac_buckets *b = &o->buckets;
    const lac_tensor *v = o->param[i]->value;
    const int64_t first = lac_buckets_first(b, k), end = first + lac_buckets_piece(b, k);
    const int64_t from = LAC_MAX(o->start[i], first), to = LAC_MIN(o->start[i] + lac_numel(v), end);
    if (to <= from)
        return;
    lac_update_range *r = &o->range[o->n_ranges];
    *r = of_param[i];
    r->start = from;
    r->n = to - from;
    r->skipped = first - k * b->each;
    if (o->comm->size == 1 && v->dtype == LAC_BF16)
        r->bf16 = v->data;
    o->range_of[o->n_ranges++] = i;
}

/* At most one range a parameter, and one more where a bucket begins inside it. */
static lac_status share_out(lac_optim *o, const lac_update_range *of_param)
{
    lac_lane *lane;
    LAC_TRY(lac_comm_lane(o->comm, o->backend, &lane));
    LAC_TRY(lac_buckets_cut(&o->buckets, lane, o->size, ALIGN, o->comm->size == 1 ? (size_t)o->size * sizeof(float) : o->comm->bucket));
    const int64_t n = o->n + o->buckets.n;
    LAC_TRY(lac_calloc((void **)&o->range, (size_t)n, sizeof o->range[0]));
    LAC_TRY(lac_calloc((void **)&o->range_of, (size_t)n, sizeof o->range_of[0]));
    for (int64_t i = 0; i < o->n; i++) {
        const int64_t numel = lac_numel(o->param[i]->value), from = o->start[i], length = o->buckets.length;
        lac_buckets_expect(&o->buckets, from, numel);
        for (int64_t k = from / length; numel > 0 && k <= (from + numel - 1) / length; k++)
            add_range(o, of_param, i, k);
    }
    return LAC_OK;
}

static lac_status find_trained(lac_optim *o)
{
    int64_t all = 0;
    for (int k = 0; k < o->nets.n; k++)
        all += o->nets.ps[k]->n;
    LAC_TRY(lac_calloc((void **)&o->param, (size_t)all, sizeof o->param[0]));
    LAC_TRY(lac_calloc((void **)&o->start, (size_t)all, sizeof o->start[0]));
    for (int k = 0; k < o->nets.n; k++) {
        const lac_params *ps = o->nets.ps[k];
        for (int64_t i = 0; i < ps->n; i++)
            if (lac_param_trained(ps->sorted[i]))
                o->param[o->n++] = ps->sorted[i];
        o->first[k + 1] = o->n;
        if (o->first[k + 1] == o->first[k])
            return LAC_FAIL(LAC_ERR_STATE, "'%s' has no parameter to train", ps->name);
    }
    return LAC_OK;
}

static lac_status alloc_arenas(lac_optim *o)
{
    const int64_t moments = o->config->ema > 0 ? 3 : 2;
    o->arena_bytes = (size_t)(2 * o->size + moments * o->buckets.share) * sizeof(float);
    LAC_TRY(o->backend->alloc(&o->arena, o->arena_bytes));
    LAC_TRY(o->backend->fill_zero(o->arena, o->arena_bytes));
    o->master = o->arena;
    o->grad = o->master + o->size;
    o->update.master = o->master;
    o->update.grad = o->grad;
    o->update.m = o->grad + o->size;
    o->update.v = o->update.m + o->buckets.share;
    o->update.ema = moments == 3 ? o->update.v + o->buckets.share : NULL;
    return LAC_OK;
}

/* Ranges, state and partial sums share one block. */
static lac_status alloc_table(lac_optim *o)
{
    lac_update *u = &o->update;
    u->n_ranges = o->n_ranges;
    u->n_chunks = lac_update_lay_out(o->range, o->n_ranges);
    const size_t ranges = (size_t)o->n_ranges * sizeof o->range[0], partial = (size_t)u->n_chunks * sizeof(double);
    o->table_bytes = ranges + partial + sizeof o->state;
    LAC_TRY(o->backend->alloc(&o->table, o->table_bytes));
    LAC_TRY(o->backend->fill_zero(o->table, o->table_bytes));
    char *at = o->table;
    u->range = (const lac_update_range *)at;
    u->partial = (double *)(at + ranges);
    u->state = (lac_update_state *)(at + ranges + partial);
    return LAC_OK;
}

static lac_status value_to_master(lac_param *p)
{
    lac_tensor master = { .dtype = LAC_F32, .ndim = 1, .dim = { lac_numel(p->value) }, .data = p->master, .backend = p->value->backend };
    lac_tensor value = *p->value;
    lac_tensor_shape(&value, value.dtype, 1, master.dim);
    return p->of->backend->convert(&master, &value);
}

static lac_status master_to_value(lac_param *p)
{
    if (p->value->data != p->master) {
        lac_tensor master = { .dtype = LAC_F32, .ndim = p->value->ndim, .data = p->master, .backend = p->value->backend };
        memcpy(master.dim, p->value->dim, sizeof master.dim);
        LAC_TRY(p->of->backend->convert(p->value, &master));
    }
    lac_param_changed(p);
    return LAC_OK;
}

static lac_status adopt(lac_optim *o)
{
    for (int64_t i = 0; i < o->n; i++) {
        lac_param *p = o->param[i];
        p->master = o->master + o->start[i];
        p->grad = o->grad + o->start[i];
        p->has_grad = false;
        LAC_TRY(value_to_master(p));
    }
    for (int k = 0; k < o->nets.n; k++)
        lac_params_borrow_masters(o->nets.ps[k]);
    return lac_optim_restart_ema(o);
}

static lac_status build(lac_optim *o)
{
    lac_update_range *of_param;
    LAC_TRY(find_trained(o));
    LAC_TRY(lac_calloc((void **)&of_param, (size_t)o->n, sizeof *of_param));
    lac_status s = lay_out(o, of_param);
    if (s == LAC_OK)
        s = share_out(o, of_param);
    free(of_param);
    LAC_TRY(s);
    LAC_TRY(alloc_arenas(o));
    LAC_TRY(alloc_table(o));
    return adopt(o);
}

lac_status lac_optim_new(lac_optim **out, const lac_trained *nets, const lac_optim_config *c, uint32_t *bad, const lac_update_scalars *scalars,
                         lac_comm *comm)
{
    const lac_backend *b = nets->ps[0]->backend;
    *out = NULL;
    if (b->update == NULL)
        return LAC_FAIL(LAC_ERR_NO_KERNEL, "no kernel: optimizer update on '%s'", b->name);
    lac_optim *o = NULL;
    LAC_TRY(lac_calloc((void **)&o, 1, sizeof *o));
    o->nets = *nets;
    o->backend = b;
    o->config = c;
    o->comm = comm;
    o->update = (lac_update){ .beta1 = c->beta1, .beta2 = c->beta2, .eps = c->eps,
                              .decoupled = c->decoupled, .scalars = scalars, .bad = bad };
    const lac_status s = build(o);
    if (s != LAC_OK)
        lac_optim_free(o);
    else
        *out = o;
    return s;
}

void lac_optim_free(lac_optim *o)
{
    if (o == NULL)
        return;
    for (int k = 0; k < o->nets.n; k++)
        lac_params_own_values(o->nets.ps[k]);           /* without memory for them it ends as a network without data */
    for (int64_t i = 0; i < o->n; i++) {
        o->param[i]->master = o->param[i]->grad = NULL;
        o->param[i]->has_grad = false;
    }
    if (o->arena != NULL)
        o->backend->free(o->arena, o->arena_bytes);
    if (o->table != NULL)
        o->backend->free(o->table, o->table_bytes);
    free(o->param);
    free(o->start);
    free(o->range);
    free(o->range_of);
    free(o->whole);
    lac_buckets_free(&o->buckets);
    free(o);
}

static double ema_keep(const lac_optim_config *c, int64_t n)
{
    const double warm = (1 + (double)n) / (10 + (double)n);
    return c->ema_warmup ? LAC_MIN(c->ema, warm) : c->ema;
}

static int by_name(const void *name, const void *p) { return strcmp(name, (*(lac_param *const *)p)->name); }

/* Its place in `param`; -1 for one that is not trained here. */
static int64_t place_of(const lac_optim *o, const lac_param *p)
{
    int k = 0;
    while (k < o->nets.n && o->nets.ps[k] != p->of)
        k++;
    if (k == o->nets.n)
        return -1;
    lac_param *const *found = bsearch(p->name, o->param + o->first[k], (size_t)(o->first[k + 1] - o->first[k]), sizeof o->param[0], by_name);
    return found != NULL ? found - o->param : -1;
}

lac_status lac_optim_gradient_done(void *optim, lac_param *p)
{
    lac_optim *o = optim;
    const int64_t i = o->comm->size == 1 ? -1 : place_of(o, p);
    return i < 0 ? LAC_OK : lac_buckets_complete(&o->buckets, o->grad, o->start[i], lac_numel(p->value));
}

lac_status lac_optim_reduce(lac_optim *o) { return o->comm->size == 1 ? LAC_OK : lac_buckets_reduce(&o->buckets, o->grad); }
lac_status lac_optim_wait(lac_optim *o, struct lac_mark *m) { return o->buckets.lane->wait(o->buckets.lane, m); }

void lac_optim_begin(lac_optim *o, int64_t step, lac_update_scalars *to)
{
    const lac_optim_config *c = o->config;
    lac_update_scalars_set(to, lac_optim_lr(o, step), c->beta1, c->beta2, (double)(c->t0 + o->steps * c->dt), c->tf_form);
    to->keep = (float)ema_keep(c, o->steps);
    memcpy(to->clip, o->clip, sizeof o->clip);
    o->steps++;
}

lac_status lac_optim_note_gradients(lac_optim *o)
{
    for (int64_t i = 0; i < o->n_ranges; i++) {
        o->ranges_there &= o->range[i].idle == !o->param[o->range_of[i]]->has_grad;
        o->range[i].idle = !o->param[o->range_of[i]]->has_grad;
    }
    if (!o->ranges_there)
        LAC_TRY(o->backend->copy((void *)o->update.range, o->range, (size_t)o->n_ranges * sizeof o->range[0]));
    o->ranges_there = true;
    return LAC_OK;
}

static lac_status update(lac_optim *o, unsigned pass)
{
    o->update.pass = pass;
    return o->backend->update(&o->update);
}

/* The norms of all shares together; one that is not finite is so on every rank. */
static lac_status agree_on_norms(lac_optim *o)
{
    lac_lane *lane = o->buckets.lane;
    LAC_TRY(lane->all_reduce(lane, o->update.state->square, LAC_F64, LAC_CLIP_GROUPS));
    LAC_TRY(lane->join(lane));
    return update(o, LAC_UPDATE_JUDGE);
}

static lac_status masters_to_values(lac_optim *o)
{
    for (int64_t i = 0; i < o->n; i++)
        LAC_TRY(master_to_value(o->param[i]));
    return LAC_OK;
}

static lac_status gather_masters(lac_optim *o)
{
    if (o->comm->size > 1)
        LAC_TRY(lac_buckets_gather(&o->buckets, o->master, NULL));
    return masters_to_values(o);
}

static lac_status move(lac_optim *o)
{
    if (o->comm->size > 1) {
        LAC_TRY(update(o, LAC_UPDATE_MEASURE));
        LAC_TRY(agree_on_norms(o));
        LAC_TRY(update(o, LAC_UPDATE_APPLY));
        return gather_masters(o);
    }
    LAC_TRY(update(o, LAC_UPDATE_MEASURE | LAC_UPDATE_APPLY));
    for (int64_t i = 0; i < o->n; i++)
        lac_param_changed(o->param[i]);
    return LAC_OK;
}

lac_status lac_optim_step(lac_optim *o, lac_update_state *measured)
{
    LAC_TRY(lac_optim_note_gradients(o));
    LAC_TRY(move(o));
    return o->backend->copy(measured, o->update.state, sizeof *measured);
}

double lac_optim_lr(const lac_optim *o, int64_t step) { return lac_schedule_at(&o->config->schedule, step); }

double lac_optim_grad_norm(const lac_update_state *measured)
{
    double square = 0;
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        square += measured->square[i];
    return sqrt(square);
}

/* This rank's pieces of a whole arena, from or to where they lie close together. */
static lac_status copy_pieces(const lac_optim *o, float *whole, float *own, bool to_own)
{
    for (int64_t k = 0; k < o->buckets.n; k++) {
        float *piece = whole + lac_buckets_first(&o->buckets, k), *close = own + k * o->buckets.each;
        LAC_TRY(o->backend->copy(to_own ? close : piece, to_own ? piece : close, (size_t)lac_buckets_piece(&o->buckets, k) * sizeof(float)));
    }
    return LAC_OK;
}

lac_status lac_optim_restart_ema(lac_optim *o) { return o == NULL || o->update.ema == NULL ? LAC_OK : copy_pieces(o, o->master, o->update.ema, true); }

lac_status lac_optim_swap_ema(lac_optim *o)
{
    if (o == NULL || o->update.ema == NULL)
        return LAC_OK;
    /* through the gradients' memory, which holds nothing between two steps */
    for (int64_t i = 0; i < o->n; i++)
        o->param[i]->has_grad = false;
    LAC_TRY(copy_pieces(o, o->master, o->grad, true));
    LAC_TRY(copy_pieces(o, o->master, o->update.ema, false));
    LAC_TRY(o->backend->copy(o->update.ema, o->grad, (size_t)o->buckets.share * sizeof(float)));
    return gather_masters(o);
}

/* ---- checkpoints: whole arenas, whatever the number of ranks ---- */

/* m, v and EMA of all ranks, one after another, on the host: by way of the gradients' memory, which holds nothing between two steps. */
static lac_status gather_moments(lac_optim *o)
{
    const int64_t n = o->update.ema != NULL ? 3 : 2;
    const size_t bytes = (size_t)o->size * sizeof(float);
    if (o->whole == NULL)
        LAC_TRY(lac_malloc((void **)&o->whole, (size_t)n * bytes));
    for (int64_t i = 0; i < o->n; i++)
        o->param[i]->has_grad = false;
    for (int64_t k = 0; k < n; k++) {
        LAC_TRY(lac_buckets_gather(&o->buckets, o->grad, o->update.m + k * o->buckets.share));
        LAC_TRY(lac_optim_wait(o, NULL));
        LAC_TRY(o->backend->copy(o->whole + k * o->size, o->grad, bytes));
    }
    return LAC_OK;
}

static lac_status add_arena(const lac_optim *o, lac_state *s, const lac_backend *b, const char *what, float *arena)
{
    for (int64_t i = 0; i < o->n; i++) {
        const lac_tensor *v = o->param[i]->value;
        LAC_TRY(lac_state_add(s, b, LAC_F32, v->ndim, v->dim, arena + o->start[i], "%s/%s/%s", o->param[i]->of->name, what, o->param[i]->name));
    }
    return LAC_OK;
}

lac_status lac_optim_state(lac_optim *o, lac_state *s)
{
    if (o == NULL)
        return LAC_OK;
    const bool alone = o->comm->size == 1;
    if (!alone)
        LAC_TRY(gather_moments(o));
    float *moments = alone ? o->update.m : o->whole;
    const lac_backend *b = alone ? o->backend : NULL;
    LAC_TRY(o->backend->copy(&o->state, o->update.state, sizeof o->state));
    LAC_TRY(add_arena(o, s, o->backend, "master", o->master));
    LAC_TRY(add_arena(o, s, b, "m", moments));
    LAC_TRY(add_arena(o, s, b, "v", moments + o->size));
    if (o->update.ema != NULL)
        LAC_TRY(add_arena(o, s, b, "ema", moments + 2 * o->size));
    return lac_state_add(s, NULL, LAC_I64, 0, NULL, &o->state.applied, "%s/applied", o->nets.ps[0]->name);
}

void lac_optim_state_end(lac_optim *o)
{
    if (o == NULL)
        return;
    free(o->whole);
    o->whole = NULL;
}

lac_status lac_optim_restored(lac_optim *o)
{
    if (o == NULL)
        return LAC_OK;
    const int64_t n = o->update.ema != NULL ? 3 : 2;
    o->steps = o->state.applied;
    for (int64_t k = 0; o->whole != NULL && k < n; k++)
        LAC_TRY(copy_pieces(o, o->whole + k * o->size, o->update.m + k * o->buckets.share, true));
    LAC_TRY(o->backend->copy(o->update.state, &o->state, sizeof o->state));
    return masters_to_values(o);
}
