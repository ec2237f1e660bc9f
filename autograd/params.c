#include "autograd/params_place.h"

#include "core/backend.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/philox.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lac_status lac_params_new(lac_params **ps, const char *name, const lac_backend *b, lac_dtype working)
{
    *ps = NULL;
    if (working != LAC_F32 && working != LAC_BF16)
        return LAC_FAIL(LAC_ERR_DTYPE, "network '%s' cannot work in %s (f32 or bf16)", name, lac_dtype_name(working));
    lac_params *p = NULL;
    LAC_TRY(lac_calloc((void **)&p, 1, sizeof *p));
    p->backend = b;
    p->dtype = working;
    const lac_status s = lac_params_name(p, &p->name, name);
    if (s == LAC_OK)
        *ps = p;
    else
        lac_params_free(p);
    return s;
}

static void free_param(lac_param *p)
{
    if (p->value != NULL && p->of->backend->forget != NULL)
        p->of->backend->forget(p->value->uid);
    free(p->value);                         /* the data lies in a block, or is the optimizer's */
    free(p->pending);
    free(p->name);
    free(p);
}

void lac_params_free(lac_params *ps)
{
    if (ps == NULL)
        return;
    for (int64_t i = 0; i < ps->n; i++)
        free_param(ps->param[i]);
    for (int k = 0; k < 2; k++)
        if (ps->block[k].data != NULL)
            ps->backend->free(ps->block[k].data, ps->block[k].bytes);
    for (int64_t i = 0; i < ps->n_names; i++)
        free(ps->names[i]);
    free(ps->names);
    free(ps->param);
    free(ps->sorted);
    free(ps);
}

/* The name under the modules entered, into text. */
static lac_status whole_name(const lac_params *ps, char text[LAC_PARAM_NAME], const char *format, va_list args)
{
    const size_t from = (size_t)snprintf(text, LAC_PARAM_NAME, "%s%s", ps->in.path, ps->in.depth > 0 ? "." : "");
    const int n = from < LAC_PARAM_NAME ? vsnprintf(text + from, LAC_PARAM_NAME - from, format, args) : 0;
    return n >= 0 && from + (size_t)n < LAC_PARAM_NAME ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "network '%s': a name is longer than %d bytes: '%.60s...'",
                                                                             ps->name, LAC_PARAM_NAME - 1, text);
}

lac_status lac_params_enter(lac_params *ps, const char *format, ...)
{
    char text[LAC_PARAM_NAME];
    va_list args;
    if (ps->in.depth == LAC_PARAM_DEPTH)
        return LAC_FAIL(LAC_ERR_ARG, "network '%s': modules lie %d deep at most, in '%s'", ps->name, LAC_PARAM_DEPTH, ps->in.path);
    va_start(args, format);
    const lac_status s = whole_name(ps, text, format, args);
    va_end(args);
    LAC_TRY(s);
    ps->in.end[ps->in.depth++] = strlen(ps->in.path);
    memcpy(ps->in.path, text, sizeof text);
    return LAC_OK;
}

void lac_params_leave(lac_params *ps) { ps->in.path[ps->in.end[--ps->in.depth]] = '\0'; }

static lac_status intern(lac_params *ps, const char **interned, const char *name)
{
    int64_t i = 0;
    while (i < ps->n_names && strcmp(ps->names[i], name) != 0)
        i++;
    if (i == ps->n_names) {
        LAC_TRY(lac_grow((void **)&ps->names, ps->n_names, &ps->names_capacity, sizeof *ps->names));
        LAC_TRY(lac_strdup(&ps->names[i], name));
        ps->n_names++;
    }
    *interned = ps->names[i];
    return LAC_OK;
}

static lac_status format_name(const lac_params *ps, char text[LAC_PARAM_NAME], const char *format, ...) __attribute__((format(printf, 3, 4)));
static lac_status format_name(const lac_params *ps, char text[LAC_PARAM_NAME], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const lac_status s = whole_name(ps, text, format, args);
    va_end(args);
    return s;
}

lac_status lac_params_name(lac_params *ps, const char **interned, const char *name)
{
    char text[LAC_PARAM_NAME];
    LAC_TRY(format_name(ps, text, "%s", name));
    return intern(ps, interned, text);
}

static lac_status make_tensor(const lac_params *ps, lac_tensor **x, lac_dtype d, int ndim, const int64_t *dim)
{
    int64_t n;
    LAC_TRY(lac_numel_checked(ndim, dim, &n));
    LAC_TRY(lac_calloc((void **)x, 1, sizeof **x));
    lac_tensor_shape(*x, d, ndim, dim);
    (*x)->backend = ps->backend;
    return LAC_OK;
}

static lac_status make_value(lac_params *ps, lac_param *p, int ndim, const int64_t *dim, unsigned flags)
{
    static atomic_uint_fast64_t uids;
    const bool f32 = p->role == LAC_ROLE_NORM || p->role == LAC_ROLE_BIAS || p->role == LAC_ROLE_BUFFER || flags & LAC_PARAM_F32;
    LAC_TRY(make_tensor(ps, &p->value, f32 ? LAC_F32 : ps->dtype, ndim, dim));
    p->value->param = p;
    p->value->uid = atomic_fetch_add(&uids, 1) + 1;
    p->value->version = 1;
    return p->role == LAC_ROLE_BUFFER ? make_tensor(ps, &p->pending, LAC_F32, ndim, dim) : LAC_OK;
}

lac_status lac_param_new(lac_params *ps, lac_param **out, lac_role role, int ndim, const int64_t *dim, lac_init init, unsigned flags,
                         const char *format, ...)
{
    char name[LAC_PARAM_NAME];
    va_list args;
    va_start(args, format);
    const lac_status s = whole_name(ps, name, format, args);
    va_end(args);
    LAC_TRY(s);
    for (int64_t i = 0; i < ps->n; i++)
        if (strcmp(ps->param[i]->name, name) == 0)
            return LAC_FAIL(LAC_ERR_KEY, "network '%s' has two parameters '%s'", ps->name, name);
    LAC_TRY(lac_grow((void **)&ps->param, ps->n, &ps->capacity, sizeof *ps->param));
    lac_param *p = NULL;
    LAC_TRY(lac_calloc((void **)&p, 1, sizeof *p));
    ps->param[ps->n++] = p;
    p->of = ps;
    p->role = role;
    p->init = init;
    p->gain = 1;
    LAC_TRY(lac_strdup(&p->name, name));
    *out = p;
    return lac_context(make_value(ps, p, ndim, dim, flags), "parameter '%s'", name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(lac_param *const *)a)->name, (*(lac_param *const *)b)->name);
}

static void draw_by(lac_param *p, lac_init init, double mean, double gain)
{
    p->init = init;
    p->mean = (float)mean;
    p->gain = (float)gain;
}

void lac_param_zero(lac_param *p) { draw_by(p, LAC_INIT_ZERO, 0, 1); }
void lac_param_uniform(lac_param *p, double bound) { draw_by(p, LAC_INIT_UNIFORM, 0, bound); }
void lac_param_normal(lac_param *p, double mean, double deviation) { draw_by(p, LAC_INIT_NORMAL, mean, deviation); }

/* Glorot's bound: fans count the window and, for gated layers, both halves of the filters (deepfillv2.md 1.7). */
static float xavier_bound(const lac_param *p)
{
    const int64_t *d = p->value->dim, n = lac_numel(p->value);
    const int64_t out = p->value->ndim > 0 ? d[0] : 1, in = p->value->ndim > 1 ? d[p->value->ndim - 1] : 1;
    const int64_t window = out * in > 0 ? n / (out * in) : 1;
    return sqrtf(6.0f / (float)(window * (in + out)));
}

static float truncated_normal(lac_stream *s)
{
    for (;;) {
        const float x = lac_stream_normal(s);
        if (x > -2.0f && x < 2.0f)
            return x;
    }
}

static lac_status fill(lac_param *p, uint64_t seed)
{
    char purpose[512];
    snprintf(purpose, sizeof purpose, "init/%s/%s", p->of->name, p->name);
    lac_stream s = lac_stream_at(seed, lac_purpose(purpose), 0, 0);
    const int64_t n = lac_numel(p->value);
    float *x;
    LAC_TRY(lac_malloc((void **)&x, (size_t)n * sizeof *x));
    const float bound = p->init == LAC_INIT_XAVIER ? p->gain * xavier_bound(p) : p->gain;
    for (int64_t i = 0; i < n; i++)
        switch (p->init) {
        case LAC_INIT_ZERO: x[i] = 0; break;
        case LAC_INIT_ONE: x[i] = p->gain; break;
        case LAC_INIT_XAVIER:
        case LAC_INIT_UNIFORM: x[i] = p->mean + bound * (2 * lac_stream_uniform(&s) - 1); break;
        case LAC_INIT_NORMAL: x[i] = p->mean + p->gain * lac_stream_normal(&s); break;
        case LAC_INIT_TRUNCATED: x[i] = p->mean + p->gain * truncated_normal(&s); break;
        }
    const lac_status status = lac_param_set(p, x);
    free(x);
    return status;
}

enum { BORROWABLE, OWN, ALIGN = 256 };

static int block_of(const lac_param *p) { return lac_param_trained(p) && p->value->dtype == LAC_F32 ? BORROWABLE : OWN; }

/* Places the tensors of a block one after another from `base` on; returns the bytes. */
static size_t place(lac_params *ps, int block, char *base)
{
    size_t at = 0;
    for (int64_t i = 0; i < ps->n; i++) {
        lac_tensor *const of[] = { ps->param[i]->value, ps->param[i]->pending };
        for (int k = 0; k < 2 && block_of(ps->param[i]) == block; k++)
            if (of[k] != NULL) {
                of[k]->data = base != NULL ? base + at : NULL;
                at += (lac_bytes(of[k]) + ALIGN - 1) / ALIGN * ALIGN;
            }
    }
    return at;
}

static lac_status give_memory(lac_params *ps, int block)
{
    const size_t bytes = place(ps, block, NULL);
    if (bytes == 0 || ps->block[block].data != NULL)
        return place(ps, block, ps->block[block].data), LAC_OK;
    LAC_TRY(lac_context(ps->backend->alloc(&ps->block[block].data, bytes), "parameters of '%s'", ps->name));
    ps->block[block].bytes = bytes;
    place(ps, block, ps->block[block].data);
    return ps->backend->fill_zero(ps->block[block].data, bytes);
}

void lac_params_borrow_masters(lac_params *ps)
{
    if (ps->block[BORROWABLE].data == NULL)
        return;
    for (int64_t i = 0; i < ps->n; i++)
        if (block_of(ps->param[i]) == BORROWABLE)
            ps->param[i]->value->data = ps->param[i]->master;
    ps->backend->free(ps->block[BORROWABLE].data, ps->block[BORROWABLE].bytes);
    ps->block[BORROWABLE].data = NULL;
}

lac_status lac_params_own_values(lac_params *ps)
{
    if (ps->block[BORROWABLE].data != NULL)         /* they are not borrowed */
        return LAC_OK;
    lac_status s = give_memory(ps, BORROWABLE);
    for (int64_t i = 0; i < ps->n; i++) {
        lac_param *p = ps->param[i];
        if (s == LAC_OK && block_of(p) == BORROWABLE && p->master != NULL)
            s = ps->backend->copy(p->value->data, p->master, lac_bytes(p->value));
        lac_param_changed(p);
    }
    return s;
}

lac_status lac_params_init_zero(lac_params *ps)
{
    for (int block = 0; block < 2; block++)
        LAC_TRY(give_memory(ps, block));
    LAC_TRY(lac_realloc((void **)&ps->sorted, (size_t)ps->n * sizeof *ps->sorted));
    memcpy(ps->sorted, ps->param, (size_t)ps->n * sizeof *ps->sorted);
    qsort(ps->sorted, (size_t)ps->n, sizeof *ps->sorted, by_name);
    return LAC_OK;
}

lac_status lac_params_init(lac_params *ps, uint64_t seed)
{
    LAC_TRY(lac_params_init_zero(ps));
    for (int64_t i = 0; i < ps->n && !ps->backend->blank; i++)
        LAC_TRY(fill(ps->sorted[i], seed));
    return LAC_OK;
}

lac_param *lac_params_find(const lac_params *ps, const char *name)
{
    for (int64_t i = 0; i < ps->n; i++)
        if (strcmp(ps->param[i]->name, name) == 0)
            return ps->param[i];
    return NULL;
}

bool lac_param_trained(const lac_param *p) { return p->role != LAC_ROLE_BUFFER && !p->of->frozen; }

int64_t lac_params_numel(const lac_params *ps)
{
    int64_t n = 0;
    for (int64_t i = 0; i < ps->n; i++)
        n += ps->param[i]->role == LAC_ROLE_BUFFER ? 0 : lac_numel(ps->param[i]->value);
    return n;
}

void lac_param_changed(lac_param *p) { p->value->version++; }

lac_status lac_param_get(const lac_param *p, float *to)
{
    if (p->master != NULL)
        return p->of->backend->copy(to, p->master, (size_t)lac_numel(p->value) * sizeof *to);
    return lac_backend_read(p->of->backend, p->value, to);
}

lac_status lac_param_set(lac_param *p, const float *from)
{
    if (p->master != NULL && p->master != p->value->data)
        LAC_TRY(p->of->backend->copy(p->master, from, (size_t)lac_numel(p->value) * sizeof *from));
    LAC_TRY(lac_backend_write(p->of->backend, p->value, from));
    lac_param_changed(p);
    return LAC_OK;
}

/* Where the values lie as f32 of the host, and nowhere else; NULL: they do not. */
static float *place_of(const lac_param *p)
{
    const bool alone = p->master == NULL || p->master == p->value->data;
    return alone && p->of->backend->host && p->value->dtype == LAC_F32 ? p->value->data : NULL;
}

lac_status lac_param_begin(lac_param *p, float **x)
{
    *x = place_of(p);
    return *x != NULL ? LAC_OK : lac_malloc((void **)x, (size_t)lac_numel(p->value) * sizeof **x);
}

lac_status lac_param_end(lac_param *p, float *x)
{
    if (x == place_of(p)) {
        lac_param_changed(p);
        return LAC_OK;
    }
    const lac_status s = lac_param_set(p, x);
    free(x);
    return s;
}

lac_status lac_param_look(const lac_param *p, const float **x, float **own)
{
    *own = NULL;
    if ((*x = place_of(p)) != NULL)
        return LAC_OK;
    LAC_TRY(lac_malloc((void **)own, (size_t)lac_numel(p->value) * sizeof **own));
    *x = *own;
    const lac_status s = lac_param_get(p, *own);
    if (s != LAC_OK) {
        free(*own);
        *own = NULL;
    }
    return s;
}

void lac_params_clear_grad(lac_params *ps)
{
    for (int64_t i = 0; i < ps->n; i++)
        ps->param[i]->has_grad = false;
}

lac_status lac_params_commit(lac_params *ps, const uint32_t *unless)
{
    for (int64_t i = 0; i < ps->n; i++) {
        lac_param *p = ps->param[i];
        if (!p->pending_set)
            continue;
        LAC_TRY(ps->backend->copy_unless(p->value->data, p->pending->data, lac_numel(p->value), unless));
        lac_param_changed(p);
        p->pending_set = false;
    }
    return LAC_OK;
}

void lac_params_drop(lac_params *ps)
{
    for (int64_t i = 0; i < ps->n; i++)
        ps->param[i]->pending_set = false;
}
