/* Loading by name: every key is checked before anything is written. */
#include "autograd/params_place.h"
#include "core/file/weights.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 20 };

typedef struct misfits { char text[3000]; size_t at; int n; } misfits;

static void note(misfits *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(misfits *m, const char *format, ...)
{
    va_list args;
    if (m->n++ >= MAX_LISTED || m->at >= sizeof m->text)
        return;
    if (m->n > 1)
        m->at += (size_t)snprintf(m->text + m->at, sizeof m->text - m->at, "; ");
    va_start(args, format);
    m->at += (size_t)vsnprintf(m->text + m->at, sizeof m->text - LAC_MIN(m->at, sizeof m->text), format, args);
    va_end(args);
    m->at = LAC_MIN(m->at, sizeof m->text);
}

static int64_t find(const lac_weights *w, const char *prefix, const lac_param *p)
{
    char key[512];
    snprintf(key, sizeof key, "%s%s", prefix, p->name);
    return lac_weights_find(w, key);
}

static bool fits(const lac_weights *w, int64_t i, const lac_param *p)
{
    const lac_shape stored = lac_weights_shape(w, i), ours = lac_shape_of(p->value), b = lac_border_shape(p->role, &ours);
    return stored.ndim == b.ndim && memcmp(stored.dim, b.dim, (size_t)b.ndim * sizeof b.dim[0]) == 0;
}

static bool floats(lac_dtype d) { return d == LAC_F32 || d == LAC_BF16 || d == LAC_F16 || d == LAC_F64; }

/* What a pickle has in its place is said (core/file/weights.h). */
static void note_missing(const lac_weights *w, const char *prefix, const lac_param *p, misfits *m)
{
    char key[512];
    snprintf(key, sizeof key, "%s%s", prefix, p->name);
    const char *why = lac_weights_why_absent(w, key);
    note(m, "'%s' is missing%s%s", key, why != NULL ? ": in its place is " : "", why != NULL ? why : "");
}

/* A buffer 0, 1, 2, ... that older transformers kept in their files: no network here wants it. */
static bool is_position_ids(const char *key)
{
    const char *last = strrchr(key, '.');
    return strcmp(last != NULL ? last + 1 : key, "position_ids") == 0;
}

static void look_for_missing(const lac_params *ps, const lac_weights *w, const char *prefix, misfits *m)
{
    for (int64_t i = 0; i < ps->n; i++) {
        const lac_param *p = ps->sorted[i];
        const int64_t at = find(w, prefix, p);
        const lac_shape ours = lac_shape_of(p->value), b = lac_border_shape(p->role, &ours);
        if (at < 0)
            note_missing(w, prefix, p, m);
        else if (!fits(w, at, p))
            note(m, "'%s%s' is %s in the file, %s in the model", prefix, p->name,
                 lac_dims_str(lac_weights_shape(w, at).ndim, lac_weights_shape(w, at).dim), lac_dims_str(b.ndim, b.dim));
        else if (!floats(lac_weights_dtype(w, at)))
            note(m, "'%s%s' is %s, expected floats", prefix, p->name, lac_dtype_name(lac_weights_dtype(w, at)));
    }
}

static bool wants(const lac_params *ps, const char *name) { return lac_params_find(ps, name) != NULL || (ps->ignores != NULL && ps->ignores(name)); }

static void look_for_surplus(const lac_params *ps, const lac_weights *w, const char *prefix, misfits *m)
{
    const size_t n = strlen(prefix);
    for (int64_t i = 0; i < lac_weights_count(w); i++) {
        const char *name = lac_weights_name(w, i);
        if (strncmp(name, prefix, n) == 0 && !wants(ps, name + n) && !is_position_ids(name))
            note(m, "'%s' is not in the model", name);
    }
}

static lac_status take(lac_param *p, const float *theirs)
{
    const lac_shape ours = lac_shape_of(p->value);
    float *x;
    LAC_TRY(lac_param_begin(p, &x));
    lac_from_border(x, theirs, p->role, &ours);
    return lac_param_end(p, x);
}

/* Only looks, for NaN and for what cannot be read, or takes the values. */
static lac_status load_one(lac_param *p, const lac_weights *w, int64_t at, bool look)
{
    const int64_t n = lac_numel(p->value);
    float *x;
    LAC_TRY(lac_malloc((void **)&x, (size_t)n * sizeof *x));
    lac_status s = lac_weights_read_f32(w, at, x);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        if (!isfinite(x[i]))
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' holds %s", lac_weights_name(w, at), isnan(x[i]) ? "NaN" : "an infinity");
    if (s == LAC_OK && !look)
        s = take(p, x);
    free(x);
    return s;
}

static lac_status report(const misfits *m)
{
    return m->n == 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_KEY, "%d key%s not fit: %s%s", m->n, m->n == 1 ? " does" : "s do", m->text, m->n > MAX_LISTED ? "; ..." : "");
}

static bool belongs(lac_params *const *ps, const char *const *prefix, int n, const char *key)
{
    for (int k = 0; k < n; k++) {
        const size_t length = strlen(prefix[k]);
        if (strncmp(key, prefix[k], length) == 0 && wants(ps[k], key + length))
            return true;
    }
    return false;
}

lac_status lac_params_check(lac_params *const *ps, const char *const *prefix, int n, const struct lac_weights *w)
{
    misfits m = { .n = 0 };
    for (int k = 0; k < n; k++)
        look_for_missing(ps[k], w, prefix[k], &m);
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        if (!belongs(ps, prefix, n, lac_weights_name(w, i)) && !is_position_ids(lac_weights_name(w, i)))
            note(&m, "'%s' is not in the model", lac_weights_name(w, i));
    return report(&m);
}

lac_status lac_params_load(lac_params *ps, const struct lac_weights *w, const char *prefix, bool strict, int64_t *n_loaded)
{
    misfits m = { .n = 0 };
    if (strict) {
        look_for_missing(ps, w, prefix, &m);
        look_for_surplus(ps, w, prefix, &m);
    }
    LAC_TRY(report(&m));
    int64_t n = 0;
    for (int take = 0; take < 2; take++)
        for (int64_t i = 0; i < ps->n; i++) {
            const int64_t at = find(w, prefix, ps->sorted[i]);
            if (at < 0 || !fits(w, at, ps->sorted[i]))
                continue;
            LAC_TRY(load_one(ps->sorted[i], w, at, take == 0));
            n += take;
        }
    if (n_loaded != NULL)
        *n_loaded = n;
    return LAC_OK;
}
