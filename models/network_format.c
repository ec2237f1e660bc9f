#include "models/network_format.h"

#include "autograd/params_place.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/print.h"
#include "models/network_folder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 20 };

static const lac_network_format own_names = { .name = "probe" };

/* ---- which format, which network ---- */

lac_status lac_network_format_find(const lac_network_def *def, const char *word, const lac_network_format **format)
{
    for (const lac_network_format *f = def != NULL ? def->formats : NULL; f != NULL && f->name != NULL; f++)
        if (strcmp(f->name, word) == 0)
            return *format = f, LAC_OK;
    *format = &own_names;
    return strcmp(word, own_names.name) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "there is no layout '%s' of the network '%s'", word, def != NULL ? def->name : "?");
}

void lac_network_format_of(const lac_network_def *def, const lac_weights *w, const lac_network_format **format, const char **prefix)
{
    for (const lac_network_format *f = def->formats; f != NULL && f->name != NULL; f++)
        if (f->recognises != NULL && (*prefix = f->recognises(w)) != NULL) {
            *format = f;
            return;
        }
    *prefix = "";
    *format = &own_names;
}

static lac_status nobody_recognises(void)
{
    char *text;
    lac_print p;
    LAC_TRY(lac_print_open(&p, "names of networks"));
    for (int i = 0; lac_network_at(i) != NULL; i++)
        fprintf(p.to, "%s%s", i > 0 ? ", " : "", lac_network_at(i)->name);
    LAC_TRY(lac_print_close(&p, LAC_OK, &text));
    const lac_status s = LAC_FAIL(LAC_ERR_FORMAT, "no network is known by these names: say which it is (%s)", text);
    free(text);
    return s;
}

/* By what a file says of itself, or the class in a folder's config.json; *def NULL where these say nothing that is known. */
static lac_status recognise_by_metadata(const lac_weights *w, const lac_network_def **def)
{
    const char *text = lac_weights_metadata(w, "config.json");
    *def = NULL;
    if (lac_weights_metadata(w, "lacuna.network") != NULL || lac_weights_metadata(w, "lacuna.inpainter") != NULL) {
        json_t *config;
        bool bgr;
        LAC_TRY(lac_network_about(w, def, &config, &bgr));
        json_decref(config);
    } else if (text != NULL) {
        json_t *published = json_loads(text, 0, NULL);
        *def = lac_network_of_class(published);
        json_decref(published);
    }
    return LAC_OK;
}

lac_status lac_network_recognise(const lac_weights *w, const lac_network_def **def)
{
    LAC_TRY(recognise_by_metadata(w, def));
    for (int i = 0; *def == NULL && lac_network_at(i) != NULL; i++) {
        const lac_network_format *f;
        const char *prefix;
        lac_network_format_of(lac_network_at(i), w, &f, &prefix);
        *def = f != &own_names ? lac_network_at(i) : NULL;
    }
    return *def != NULL ? LAC_OK : nobody_recognises();
}

/* ---- where a parameter lies ---- */

void lac_foreign_as_is(const lac_param *p, lac_foreign *f)
{
    f->shape = lac_shape_of(p->value);
    for (int i = 0; i < LAC_MAX_DIMS; i++)
        f->axis[i] = i;
}

void lac_foreign_filters_last(const lac_param *p, lac_foreign *f)
{
    const int n = p->value->ndim;
    lac_foreign_as_is(p, f);
    for (int i = 0; i < n; i++) {
        f->axis[i] = (i + 1) % n;
        f->shape.dim[i] = p->value->dim[f->axis[i]];
    }
}

void lac_foreign_border(const lac_param *p, lac_foreign *f)
{
    static const int oihw[] = { 0, 3, 1, 2 };
    lac_foreign_as_is(p, f);
    for (int i = 0; p->role == LAC_ROLE_CONV && i < 4; i++) {
        f->axis[i] = oihw[i];
        f->shape.dim[i] = p->value->dim[oihw[i]];
    }
}

/* Of the tensor there, which may hold more than this parameter. */
lac_shape lac_foreign_whole(const lac_foreign *f)
{
    lac_shape s = f->shape;
    s.dim[0] = f->of > 0 ? f->of : s.dim[0];
    return s;
}

/* Walks the memory there in order and hands each element's place in ours to the copy. */
static void reorder(float *to, const float *from, const lac_param *p, const lac_foreign *f, bool outwards)
{
    const lac_tensor *x = p->value;
    int64_t stride[LAC_MAX_DIMS], at[LAC_MAX_DIMS] = { 0 }, ours = 0;
    const int64_t n = lac_numel(x);
    for (int64_t i = x->ndim - 1, s = 1; i >= 0; s *= x->dim[i--])
        stride[i] = s;
    for (int64_t there = 0; there < n; there++) {
        to[outwards ? there : ours] = from[outwards ? ours : there];
        for (int i = x->ndim - 1; i >= 0; i--) {
            const int a = f->axis[i];
            ours += stride[a];
            if (++at[i] < x->dim[a])
                break;
            ours -= stride[a] * x->dim[a];
            at[i] = 0;
        }
    }
}

void lac_foreign_put(float *whole, const float *from, const lac_param *p, const lac_foreign *f)
{
    const int64_t row = f->of > 0 ? lac_numel(p->value) / LAC_MAX(f->shape.dim[0], 1) : 0;
    reorder(whole + f->from * row, from, p, f, true);
}

/* ---- what a file tells ---- */

int64_t lac_foreign_dim(const lac_weights *w, int axis, const char *format, ...)
{
    char key[LAC_FOREIGN_KEY];
    va_list args;
    va_start(args, format);
    vsnprintf(key, sizeof key, format, args);
    va_end(args);
    const int64_t at = lac_weights_find(w, key);
    const lac_shape shape = at < 0 ? (lac_shape){ 0 } : lac_weights_shape(w, at);
    return axis < shape.ndim ? shape.dim[axis] : 0;
}

lac_status lac_foreign_tells(json_t *config, const char *key, int64_t value)
{
    return value == 0 || json_object_set_new(config, key, json_integer(value)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
}

/* ---- writing ---- */

void lac_borrowed_free(lac_borrowed *b)
{
    for (int64_t i = 0; i < b->n; i++)
        free(b->data[i]);
    free(b->data);
    *b = (lac_borrowed){ 0 };
}

static lac_status borrow(lac_borrowed *b, size_t size, void **p)
{
    LAC_TRY(lac_grow((void **)&b->data, b->n, &b->capacity, sizeof *b->data));
    LAC_TRY(lac_malloc(p, size));
    b->data[b->n++] = *p;
    return LAC_OK;
}

/* Where p is to lie: `there` of the format, or its own name in the border's layout. */
static bool place_of(const lac_param *p, const lac_network_format *format, const char *prefix, lac_foreign *there)
{
    const lac_shape ours = lac_shape_of(p->value);
    *there = (lac_foreign){ .shape = lac_border_shape(p->role, &ours) };
    if (format->place != NULL)
        return format->place(p, prefix, there);
    snprintf(there->key, sizeof there->key, "%s%s", prefix, p->name);
    return true;
}

/* A parameter on its way into a file. */
typedef struct outward {
    const lac_param *p;
    lac_foreign there;
    lac_dtype dtype;
    bool own_names;                     /* in the border's layout */
} outward;

/* What f16 has no number for would be an infinity in the file, which no reader takes. */
static lac_status check_range(const float *x, int64_t n, lac_dtype d)
{
    for (int64_t i = 0; d == LAC_F16 && i < n; i++)
        if (!(fabsf(x[i]) < 65520))
            return LAC_FAIL(LAC_ERR_DTYPE, "%g does not fit into f16", x[i]);
    return LAC_OK;
}

static void order(float *to, const float *from, const outward *o)
{
    const lac_shape ours = lac_shape_of(o->p->value);
    if (o->own_names)
        lac_to_border(to, from, o->p->role, &ours);
    else
        reorder(to, from, o->p, &o->there, true);
}

/* f32 is put in order where it goes; other dtypes on the way there. */
static lac_status put_in_order(const outward *o, const float *from, void *to)
{
    const int64_t n = lac_numel(o->p->value);
    float *x;
    if (o->dtype == LAC_F32) {
        order(to, from, o);
        return LAC_OK;
    }
    LAC_TRY(lac_malloc((void **)&x, (size_t)n * sizeof *x));
    order(x, from, o);
    const lac_status s = check_range(x, n, o->dtype);
    if (s == LAC_OK)
        lac_from_f32(to, o->dtype, x, n);
    free(x);
    return s;
}

static lac_status fill(const void *of, void *to)
{
    const outward *o = of;
    const float *x;
    float *own;
    LAC_TRY(lac_param_look(o->p, &x, &own));
    const lac_status s = put_in_order(o, x, to);
    free(own);
    return s;
}

static lac_status write_one(lac_weights_writer *w, const lac_param *p, const lac_network_format *format, const char *prefix, lac_dtype d, lac_borrowed *keep)
{
    outward *o;
    LAC_TRY(borrow(keep, sizeof *o, (void **)&o));
    *o = (outward){ .p = p, .dtype = d, .own_names = format->place == NULL };
    if (!place_of(p, format, prefix, &o->there))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' of the %s has no place in layout '%s'", p->name, p->of->name, format->name);
    if (o->there.of > 0)
        return LAC_FAIL(LAC_ERR_ARG, "layout '%s' keeps several parameters in '%s': such files are read, not written", format->name, o->there.key);
    return lac_weights_writer_add_later(w, o->there.key, d, o->there.shape.ndim, o->there.shape.dim, fill, o);
}

lac_status lac_network_write(lac_weights_writer *w, const lac_params *ps, const lac_network_format *format, const char *prefix, lac_dtype d,
                             lac_borrowed *keep)
{
    for (int64_t i = 0; i < ps->n; i++)
        LAC_TRY(write_one(w, ps->sorted[i], format, prefix, d, keep));
    return LAC_OK;
}

/* ---- reading ---- */

static bool same(const lac_shape *a, const lac_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

static bool floats(lac_dtype d) { return d == LAC_F32 || d == LAC_BF16 || d == LAC_F16 || d == LAC_F64; }

/* A format, a file in it, and what its keys are found to lack. */
typedef struct reader {
    lac_params *ps;
    const lac_weights *w;
    const lac_network_format *format;
    const char *prefix;
    bool *taken;                        /* of each tensor of the file */
    FILE *to;
    int n;
} reader;

static void list(reader *r, const char *key, const char *what)
{
    if (r->n++ < MAX_LISTED)
        fprintf(r->to, "%s'%s' %s", r->n > 1 ? "; " : "", key, what);
}

static void look_for(reader *r, const lac_param *p)
{
    lac_foreign there = { .shape.ndim = 0 };
    char what[160];
    if (!r->format->place(p, r->prefix, &there)) {
        list(r, p->name, "has no place in such a file");
        return;
    }
    const int64_t at = lac_weights_find(r->w, there.key);
    if (at < 0) {
        const char *why = lac_weights_why_absent(r->w, there.key);
        snprintf(what, sizeof what, "is missing%s%s", why != NULL ? ": in its place is " : "", why != NULL ? why : "");
        list(r, there.key, what);
        return;
    }
    r->taken[at] = true;
    const lac_shape found = lac_weights_shape(r->w, at), wanted = lac_foreign_whole(&there);
    snprintf(what, sizeof what, "is %s in the file, %s in the model", lac_dims_str(found.ndim, found.dim), lac_dims_str(wanted.ndim, wanted.dim));
    if (!same(&found, &wanted))
        list(r, there.key, what);
    else if (!floats(lac_weights_dtype(r->w, at)))
        list(r, there.key, "is not of floats");
}

static void look_at_all(reader *r)
{
    for (int64_t i = 0; i < r->ps->n; i++)
        look_for(r, r->ps->sorted[i]);
    for (int64_t i = 0; i < lac_weights_count(r->w); i++)
        if (!r->taken[i] && (r->format->ignores == NULL || !r->format->ignores(lac_weights_name(r->w, i))))
            list(r, lac_weights_name(r->w, i), "is not in the model");
}

static lac_status check_keys(reader *r)
{
    char *text;
    lac_print p;
    LAC_TRY(lac_print_open(&p, "keys of the file"));
    r->to = p.to;
    lac_status listed = lac_calloc((void **)&r->taken, (size_t)lac_weights_count(r->w) + 1, sizeof *r->taken);
    if (listed == LAC_OK)
        look_at_all(r);
    free(r->taken);
    LAC_TRY(lac_print_close(&p, listed, &text));
    const lac_status s = r->n == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "%d key%s not fit: %s%s", r->n, r->n == 1 ? " does" : "s do", text,
                                                       r->n > MAX_LISTED ? "; ..." : "");
    free(text);
    return s;
}

static lac_status take(lac_param *p, const float *theirs, const lac_foreign *there)
{
    float *x;
    LAC_TRY(lac_param_begin(p, &x));
    reorder(x, theirs, p, there, false);
    return lac_param_end(p, x);
}

/* Without `set` it is only looked at. */
static lac_status read_one(const reader *r, lac_param *p, bool set)
{
    lac_foreign there = { .shape.ndim = 0 };
    const int64_t n = lac_numel(p->value);
    float *x;
    r->format->place(p, r->prefix, &there);
    const lac_shape whole = lac_foreign_whole(&there);
    LAC_TRY(lac_malloc((void **)&x, (size_t)lac_shape_numel(&whole) * sizeof *x));
    const float *part = x + (there.of > 0 ? n / there.shape.dim[0] * there.from : 0);
    lac_status s = lac_weights_read_f32(r->w, lac_weights_find(r->w, there.key), x);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        if (!isfinite(part[i]))
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' holds %s", there.key, isnan(part[i]) ? "NaN" : "an infinity");
    if (s == LAC_OK && set)
        s = take(p, part, &there);
    free(x);
    return s;
}

lac_status lac_network_read(lac_params *ps, const lac_weights *w, const lac_network_format *format, const char *prefix)
{
    reader r = { .ps = ps, .w = w, .format = format, .prefix = prefix };
    if (format->place == NULL)
        return lac_params_load(ps, w, prefix, true, NULL);
    LAC_TRY(check_keys(&r));
    for (int64_t i = 0; i < 2 * ps->n; i++)         /* all are looked at before the first is set */
        LAC_TRY(read_one(&r, ps->sorted[i % ps->n], i >= ps->n));
    return LAC_OK;
}
