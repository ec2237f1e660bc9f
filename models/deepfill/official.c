#include "models/deepfill/official.h"

#include "core/file/weights.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 20, MAX_KEY = 300 };

#define GENERATOR "inpaint_net/"
#define DISCRIMINATOR "discriminator/"

static bool ends_with(const char *s, size_t n, const char *end)
{
    const size_t m = strlen(end);
    return n >= m && strncmp(s + n - m, end, m) == 0;
}

/* Official name of our "LAYER.KIND"; false when there is none. */
static bool official_key(const lac_params *ps, const char *name, char key[MAX_KEY])
{
    const char *dot = strrchr(name, '.');
    const int n = dot != NULL ? (int)(dot - name) : 0;
    const bool d = strcmp(ps->name, "discriminator") == 0, up = ends_with(name, (size_t)n, "_upsample");
    const char *kind = dot == NULL ? NULL : strcmp(dot, ".weight") == 0 ? "kernel" : strcmp(dot, ".bias") == 0 ? "bias"
                     : d && strcmp(dot, ".u") == 0 ? "kernel_sn/u" : NULL;
    if (kind == NULL || (d && strncmp(name, "conv", 4) != 0))
        return false;
    if (up)
        snprintf(key, MAX_KEY, GENERATOR "%.*s/%.*s_conv/%s", n, name, n, name, kind);
    else
        snprintf(key, MAX_KEY, "%s%.*s/%s", d ? DISCRIMINATOR "sn_patch_gan/" : GENERATOR, n, name, kind);
    return true;
}

/* Ours [O, kh, kw, I] is theirs [kh, kw, I, O]; a vector u is theirs [1, O]. */
static lac_shape official_shape(const lac_param *p)
{
    const lac_tensor *x = p->value;
    if (p->role == LAC_ROLE_CONV)
        return (lac_shape){ 4, { x->dim[1], x->dim[2], x->dim[3], x->dim[0] } };
    return p->role == LAC_ROLE_BUFFER ? (lac_shape){ 2, { 1, x->dim[0] } } : lac_shape_of(x);
}

static void reorder(float *to, const float *from, const lac_param *p, bool outwards)
{
    const int64_t n = lac_numel(p->value), o = p->role == LAC_ROLE_CONV ? p->value->dim[0] : 1, rest = n / o;
    for (int64_t i = 0; i < o; i++)
        for (int64_t k = 0; k < rest; k++) {
            const int64_t ours = i * rest + k, theirs = k * o + i;
            to[outwards ? theirs : ours] = from[outwards ? ours : theirs];
        }
}

static lac_status add_one(lac_weights_writer *w, const lac_params *ps, const lac_param *p, lac_dtype d, lac_borrowed *keep)
{
    char key[MAX_KEY];
    const int64_t n = lac_numel(p->value);
    const lac_shape shape = official_shape(p);
    float *x;
    void *stored;
    if (!official_key(ps, p->name, key))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' of the %s has no official name", p->name, ps->name);
    LAC_TRY(lac_borrowed_new(keep, (size_t)n * lac_dtype_size(d), &stored));
    LAC_TRY(lac_malloc((void **)&x, 2 * (size_t)n * sizeof *x));
    lac_status s = lac_param_get(p, x);
    if (s == LAC_OK) {
        reorder(x + n, x, p, true);
        lac_from_f32(stored, d, x + n, n);
        s = lac_weights_writer_add(w, key, d, shape.ndim, shape.dim, stored);
    }
    free(x);
    return s;
}

lac_status lac_deepfill_official_add(lac_weights_writer *w, const lac_params *ps, lac_dtype d, lac_borrowed *keep)
{
    for (int64_t i = 0; i < ps->n; i++)
        LAC_TRY(add_one(w, ps, ps->sorted[i], d, keep));
    return LAC_OK;
}

bool lac_deepfill_official(const lac_weights *w)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        if (strncmp(lac_weights_name(w, i), GENERATOR, strlen(GENERATOR)) == 0)
            return true;
    return false;
}

/* ---- loading ---- */

static bool same(const lac_shape *a, const lac_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

static void list(FILE *to, int *n, const char *key, const char *what)
{
    if ((*n)++ < MAX_LISTED)
        fprintf(to, "%s'%s' %s", *n > 1 ? "; " : "", key, what);
}

static void list_what_is_asked_for(const lac_params *ps, const lac_weights *w, FILE *to, int *n)
{
    for (int64_t i = 0; i < ps->n; i++) {
        char key[MAX_KEY], what[160];
        official_key(ps, ps->sorted[i]->name, key);
        const int64_t at = lac_weights_find(w, key);
        const lac_shape wanted = official_shape(ps->sorted[i]), found = at < 0 ? wanted : lac_weights_shape(w, at);
        if (same(&wanted, &found) && at >= 0)
            continue;
        snprintf(what, sizeof what, "is %s in the file, %s in the model", lac_dims_str(found.ndim, found.dim),
                 lac_dims_str(wanted.ndim, wanted.dim));
        list(to, n, key, at < 0 ? "is missing" : what);
    }
}

/* What TensorFlow saves beside the generator. */
static bool passed_over(const char *key)
{
    const size_t n = strlen(key);
    return strncmp(key, DISCRIMINATOR, strlen(DISCRIMINATOR)) == 0 || ends_with(key, n, "/Adam") || ends_with(key, n, "/Adam_1") ||
           ends_with(key, n, "_power") || ends_with(key, n, "_power_1") || strcmp(key, "global_step") == 0;
}

static void list_what_is_not(const lac_params *ps, const lac_weights *w, FILE *to, int *n)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++) {
        char key[MAX_KEY];
        bool known = passed_over(lac_weights_name(w, i));
        for (int64_t k = 0; k < ps->n && !known; k++)
            known = official_key(ps, ps->sorted[k]->name, key) && strcmp(key, lac_weights_name(w, i)) == 0;
        if (!known)
            list(to, n, lac_weights_name(w, i), "is not in the model");
    }
}

static lac_status check_keys(const lac_params *ps, const lac_weights *w)
{
    char *text = NULL;
    size_t size;
    int n = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: keys of the file");
    list_what_is_asked_for(ps, w, to, &n);
    list_what_is_not(ps, w, to, &n);
    fclose(to);
    const lac_status s = n == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "%d key%s not fit: %s%s", n, n == 1 ? " does" : "s do", text,
                                                    n > MAX_LISTED ? "; ..." : "");
    free(text);
    return s;
}

/* Without `set` it is only looked at. */
static lac_status read_one(const lac_params *ps, lac_param *p, const lac_weights *w, bool set)
{
    char key[MAX_KEY];
    const int64_t n = lac_numel(p->value);
    float *x;
    official_key(ps, p->name, key);
    LAC_TRY(lac_malloc((void **)&x, 2 * (size_t)n * sizeof *x));
    lac_status s = lac_weights_read_f32(w, lac_weights_find(w, key), x + n);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        if (isnan(x[n + i]))
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' holds NaN", key);
    if (s == LAC_OK && set) {
        reorder(x, x + n, p, false);
        s = lac_param_set(p, x);
    }
    free(x);
    return s;
}

lac_status lac_deepfill_official_load(lac_params *ps, const lac_weights *w)
{
    LAC_TRY(check_keys(ps, w));
    for (int64_t i = 0; i < 2 * ps->n; i++)         /* all are looked at before the first is set */
        LAC_TRY(read_one(ps, ps->sorted[i % ps->n], w, i >= ps->n));
    return LAC_OK;
}

/* ---- what the shapes say ---- */

/* Input channels and filters of a layer; false when it is not there or no kernel. */
static bool channels(const lac_weights *w, const char *prefix, const char *layer, int64_t *in, int64_t *filters)
{
    char key[MAX_KEY];
    const bool official = lac_deepfill_official(w);
    snprintf(key, sizeof key, official ? GENERATOR "%s%s/kernel" : "%s%s.weight", official ? "" : prefix, layer);
    const int64_t at = lac_weights_find(w, key);
    if (at < 0 || lac_weights_shape(w, at).ndim != 4)
        return false;
    const lac_shape s = lac_weights_shape(w, at);
    *in = s.dim[official ? 2 : 1];
    *filters = s.dim[official ? 3 : 0];
    return true;
}

/* Three layers have cnum filters; one of them may be misshapen, and is then to be named, not believed. */
static int64_t likely_cnum(const lac_weights *w, const char *prefix)
{
    static const char *const layer[] = { "conv1", "xconv1", "pmconv1" };
    int64_t in, filters[3] = { 0 };
    for (int i = 0; i < 3; i++)
        if (!channels(w, prefix, layer[i], &in, &filters[i]))
            filters[i] = 0;
    return filters[1] == filters[2] && filters[1] > 0 ? filters[1] : filters[0];
}

lac_status lac_deepfill_infer_config(const lac_weights *w, const char *prefix, json_t **config)
{
    int64_t in, filters;
    const int64_t cnum = likely_cnum(w, prefix);
    json_t *c = json_object();
    int failed = c == NULL;
    if (cnum > 0)
        failed |= json_object_set_new(c, "cnum", json_integer(cnum));
    if (cnum > 0 && channels(w, prefix, "conv2_downsample", &in, &filters))
        failed |= json_object_set_new(c, "conv", json_string(in == cnum ? "vanilla" : "gated"));
    if (channels(w, prefix, "conv1", &in, &filters))
        failed |= json_object_set_new(c, "input_aux", json_boolean(in != 3));
    if (channels(w, prefix, "xconv1", &in, &filters))
        failed |= json_object_set_new(c, "stage2_aux", json_boolean(in != 3));
    *config = c;
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}
