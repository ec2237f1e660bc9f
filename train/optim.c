#include "train/optim.h"

#include "core/memory.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 };            /* floats: every parameter starts on a cache line */

struct lac_optim {
    lac_params *params;
    const lac_backend *backend;
    const lac_optim_config *config;
    lac_comm *comm;
    lac_param **param;          /* trained ones, by name; borrowed */
    int64_t *start;             /* where each one's floats begin in an arena */
    lac_update_range *range;    /* of this rank's share, one per parameter; the copy that the host changes */
    int64_t n, size;            /* parameters; floats in an arena */
    int64_t first, share;       /* ZeRO-1: floats [first, first + share) are this rank's to move; all of them when it is alone */
    float *master, *grad;       /* whole */
    float *whole;               /* moments and EMA of all ranks, on the host, between lac_optim_state and _state_end; NULL when alone */
    int64_t steps;              /* begun, skipped ones included */
    lac_update_scalars scalars;
    lac_update_state state;     /* mirror, valid between lac_optim_state and _restored */
    lac_update update;          /* its pointers are in the backend's memory */
    void *arena, *table;
    size_t arena_bytes, table_bytes;
};

static double either(double own, double otherwise) { return isnan(own) ? otherwise : own; }

static bool fits(const lac_optim_group *g, const lac_param *p) { return fnmatch(g->match, p->name, 0) == 0; }

static lac_status set_range(lac_optim *o, lac_update_range *r, const lac_param *p, const int *clip_group)
{
    const lac_optim_config *c = o->config;
    double lr = c->lr, decay = p->role == LAC_ROLE_NORM || p->role == LAC_ROLE_BIAS ? 0 : c->decay;
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
    return LAC_OK;
}

/* Group 0 is everybody's; a config group with a clip of its own gets the next number. */
static lac_status number_clip_groups(lac_optim *o, int *clip_group)
{
    const lac_optim_config *c = o->config;
    int n = 1;
    o->scalars.clip[0] = (float)c->clip;
    for (int64_t g = 0; g < c->n_groups; g++) {
        if (isnan(c->groups[g].clip))
            continue;
        if (n == LAC_CLIP_GROUPS)
            return LAC_FAIL(LAC_ERR_CONFIG, "optim: more than %d groups have a clip of their own", LAC_CLIP_GROUPS - 1);
        o->scalars.clip[n] = (float)c->groups[g].clip;
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
            return LAC_FAIL(LAC_ERR_CONFIG, "optim: group %lld: '%s' fits no parameter of '%s'", (long long)g + 1, o->config->groups[g].match, o->params->name);
    }
    return LAC_OK;
}

static lac_status lay_out(lac_optim *o)
{
    int *clip_group;
    LAC_TRY(check_groups_fit(o));
    LAC_TRY(lac_calloc((void **)&clip_group, (size_t)o->config->n_groups, sizeof clip_group[0]));
    lac_status s = number_clip_groups(o, clip_group);
    for (int64_t i = 0; s == LAC_OK && i < o->n; i++) {
        o->start[i] = o->size;
        o->size += (lac_numel(o->param[i]->value) + ALIGN - 1) / ALIGN * ALIGN;
        s = set_range(o, &o->range[i], o->param[i], clip_group);
    }
    free(clip_group);
    return s;
}

/* Equal shares for all ranks; of each parameter what lies in this one's. */
static void share_out(lac_optim *o)
{
    const int64_t step = (int64_t)ALIGN * o->comm->size;
    o->size = (o->size + step - 1) / step * step;
    o->share = o->size / o->comm->size;
    o->first = o->comm->rank * o->share;
    for (int64_t i = 0; i < o->n; i++) {
        const int64_t from = LAC_MAX(o->start[i], o->first), to = LAC_MIN(o->start[i] + lac_numel(o->param[i]->value), o->first + o->share);
        o->range[i].start = to > from ? from - o->first : 0;
        o->range[i].n = LAC_MAX(to - from, 0);
        if (o->comm->size == 1 && o->param[i]->value->dtype == LAC_BF16)
            o->range[i].bf16 = o->param[i]->value->data;
    }
}

static lac_status find_trained(lac_optim *o)
{
    LAC_TRY(lac_calloc((void **)&o->param, (size_t)o->params->n, sizeof o->param[0]));
    LAC_TRY(lac_calloc((void **)&o->range, (size_t)o->params->n, sizeof o->range[0]));
    LAC_TRY(lac_calloc((void **)&o->start, (size_t)o->params->n, sizeof o->start[0]));
    for (int64_t i = 0; i < o->params->n; i++)
        if (lac_param_trained(o->params->sorted[i]))
            o->param[o->n++] = o->params->sorted[i];
    return o->n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "'%s' has no parameter to train", o->params->name);
}

static lac_status alloc_arenas(lac_optim *o)
{
    const int64_t moments = o->config->ema > 0 ? 3 : 2;
    o->arena_bytes = (size_t)(2 * o->size + moments * o->share) * sizeof(float);
    LAC_TRY(o->backend->alloc(&o->arena, o->arena_bytes));
    LAC_TRY(o->backend->fill_zero(o->arena, o->arena_bytes));
    o->master = o->arena;
    o->grad = o->master + o->size;
    o->update.master = o->master + o->first;
    o->update.grad = o->grad + o->first;
    o->update.m = o->grad + o->size;
    o->update.v = o->update.m + o->share;
    o->update.ema = moments == 3 ? o->update.v + o->share : NULL;
    return LAC_OK;
}

/* Ranges, scalars, state and partial sums share one block. */
static lac_status alloc_table(lac_optim *o)
{
    lac_update *u = &o->update;
    u->n_ranges = o->n;
    u->n_chunks = lac_update_lay_out(o->range, o->n);
    const size_t ranges = (size_t)o->n * sizeof o->range[0], partial = (size_t)u->n_chunks * sizeof(double);
    o->table_bytes = ranges + partial + sizeof o->state + sizeof o->scalars;
    LAC_TRY(o->backend->alloc(&o->table, o->table_bytes));
    LAC_TRY(o->backend->fill_zero(o->table, o->table_bytes));
    char *at = o->table;
    u->range = (const lac_update_range *)at;
    u->partial = (double *)(at + ranges);
    u->state = (lac_update_state *)(at + ranges + partial);
    u->scalars = (const lac_update_scalars *)(at + ranges + partial + sizeof o->state);
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
    lac_params_borrow_masters(o->params);
    return lac_optim_restart_ema(o);
}

static lac_status build(lac_optim *o)
{
    LAC_TRY(find_trained(o));
    LAC_TRY(lay_out(o));
    share_out(o);
    LAC_TRY(alloc_arenas(o));
    LAC_TRY(alloc_table(o));
    return adopt(o);
}

lac_status lac_optim_new(lac_optim **out, lac_params *ps, const lac_optim_config *c, uint32_t *bad, lac_comm *comm)
{
    *out = NULL;
    if (ps->backend->update == NULL)
        return LAC_FAIL(LAC_ERR_NO_KERNEL, "no kernel: optimizer update on '%s'", ps->backend->name);
    lac_optim *o = NULL;
    LAC_TRY(lac_calloc((void **)&o, 1, sizeof *o));
    o->params = ps;
    o->backend = ps->backend;
    o->config = c;
    o->comm = comm;
    o->update = (lac_update){ .beta1 = c->beta1, .beta2 = c->beta2, .eps = c->eps,
                              .decoupled = c->decoupled, .bad = bad };
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
    lac_params_own_values(o->params);           /* without memory for them it ends as a network without data */
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
    free(o->whole);
    free(o);
}

static double ema_keep(const lac_optim_config *c, int64_t n)
{
    const double warm = (1 + (double)n) / (10 + (double)n);
    return c->ema_warmup ? LAC_MIN(c->ema, warm) : c->ema;
}

lac_status lac_optim_reduce(lac_optim *o)
{
    return o->comm->size == 1 ? LAC_OK : o->comm->reduce_scatter(o->comm, o->grad + o->first, o->grad, o->share);
}

static lac_status write_scalars(lac_optim *o, int64_t step)
{
    const lac_optim_config *c = o->config;
    lac_update_scalars_set(&o->scalars, lac_optim_lr(o, step), c->beta1, c->beta2, (double)(c->t0 + o->steps * c->dt), c->tf_form);
    o->scalars.keep = (float)ema_keep(c, o->steps);
    for (int64_t i = 0; i < o->n; i++)
        o->range[i].idle = !o->param[i]->has_grad;
    LAC_TRY(o->backend->copy((void *)o->update.range, o->range, (size_t)o->n * sizeof o->range[0]));
    return o->backend->copy((void *)o->update.scalars, &o->scalars, sizeof o->scalars);
}

static lac_status update(lac_optim *o, unsigned pass)
{
    o->update.pass = pass;
    return o->backend->update(&o->update);
}

/* The norms of all shares together; one that is not finite is so on every rank. */
static lac_status agree_on_norms(lac_optim *o)
{
    const uint32_t bad = 1;
    LAC_TRY(o->backend->copy(&o->state, o->update.state, sizeof o->state));
    LAC_TRY(o->comm->all_reduce_f64(o->comm, o->state.square, LAC_CLIP_GROUPS));
    LAC_TRY(o->backend->copy(o->update.state, &o->state, sizeof o->state));
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        if (!isfinite(o->state.square[i]))
            return o->backend->copy(o->update.bad, &bad, sizeof bad);
    return LAC_OK;
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
        LAC_TRY(o->comm->all_gather(o->comm, o->master, o->master + o->first, (size_t)o->share * sizeof(float)));
    return masters_to_values(o);
}

lac_status lac_optim_step(lac_optim *o, int64_t step)
{
    LAC_TRY(write_scalars(o, step));
    o->steps++;
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

double lac_optim_lr(const lac_optim *o, int64_t step) { return lac_schedule_at(&o->config->schedule, step); }

lac_status lac_optim_grad_norm(const lac_optim *o, double *norm)
{
    lac_update_state s;
    LAC_TRY(o->backend->copy(&s, o->update.state, sizeof s));
    double square = 0;
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        square += s.square[i];
    *norm = sqrt(square);
    return LAC_OK;
}

lac_status lac_optim_restart_ema(lac_optim *o)
{
    return o->update.ema == NULL ? LAC_OK : o->backend->copy(o->update.ema, o->update.master, (size_t)o->share * sizeof(float));
}

lac_status lac_optim_swap_ema(lac_optim *o)
{
    if (o->update.ema == NULL)
        return LAC_OK;
    /* through the gradients' memory, which holds nothing between two steps */
    const size_t bytes = (size_t)o->share * sizeof(float);
    for (int64_t i = 0; i < o->n; i++)
        o->param[i]->has_grad = false;
    LAC_TRY(o->backend->copy(o->grad, o->update.master, bytes));
    LAC_TRY(o->backend->copy(o->update.master, o->update.ema, bytes));
    LAC_TRY(o->backend->copy(o->update.ema, o->grad, bytes));
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
        LAC_TRY(o->comm->all_gather(o->comm, o->grad, o->update.m + k * o->share, (size_t)o->share * sizeof(float)));
        LAC_TRY(o->backend->copy(o->whole + k * o->size, o->grad, bytes));
    }
    return LAC_OK;
}

static lac_status add_arena(const lac_optim *o, lac_state *s, const lac_backend *b, const char *what, float *arena)
{
    for (int64_t i = 0; i < o->n; i++) {
        const lac_tensor *v = o->param[i]->value;
        LAC_TRY(lac_state_add(s, b, LAC_F32, v->ndim, v->dim, arena + o->start[i], "%s/%s/%s", o->params->name, what, o->param[i]->name));
    }
    return LAC_OK;
}

lac_status lac_optim_state(lac_optim *o, lac_state *s)
{
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
    return lac_state_add(s, NULL, LAC_I64, 0, NULL, &o->state.applied, "%s/applied", o->params->name);
}

void lac_optim_state_end(lac_optim *o)
{
    free(o->whole);
    o->whole = NULL;
}

lac_status lac_optim_restored(lac_optim *o)
{
    const int64_t n = o->update.ema != NULL ? 3 : 2;
    o->steps = o->state.applied;
    for (int64_t k = 0; o->whole != NULL && k < n; k++)
        LAC_TRY(o->backend->copy(o->update.m + k * o->share, o->whole + k * o->size + o->first, (size_t)o->share * sizeof(float)));
    LAC_TRY(o->backend->copy(o->update.state, &o->state, sizeof o->state));
    return masters_to_values(o);
}
