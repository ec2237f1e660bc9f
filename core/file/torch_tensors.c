/* The tensors in a pickle of PyTorch's: which calls make one, and the names that lead there. */
#include "core/file/torch_internal.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 1000, MAX_DEPTH = 64, MAX_STEPS = 4 * 1000 * 1000, MAX_WHY = 700 };

/* A walk through the values. */
typedef struct walk {
    lac_torch_find *find;
    const void *of;
    lac_contents *c;
    char name[MAX_NAME + 1];
    size_t length;
    int depth;
    int64_t steps;
} walk;

/* ---- dtypes and storages ---- */

/* A storage is known as "torch.FloatStorage", a dtype as "torch.float32". The last four are not read: their width alone is wanted, to find what
 * lies behind them. */
static const struct { const char *storage, *name; lac_dtype dtype; size_t width; } known[] = {
    { "FloatStorage", "float32", LAC_F32, 4 }, { "HalfStorage", "float16", LAC_F16, 2 }, { "BFloat16Storage", "bfloat16", LAC_BF16, 2 },
    { "DoubleStorage", "float64", LAC_F64, 8 }, { "LongStorage", "int64", LAC_I64, 8 }, { "IntStorage", "int32", LAC_I32, 4 },
    { "ByteStorage", "uint8", LAC_U8, 1 }, { "BoolStorage", "bool", LAC_U8, 1 }, { "UntypedStorage", "", LAC_N_DTYPES, 1 },
    { "CharStorage", "int8", LAC_N_DTYPES, 1 }, { "ShortStorage", "int16", LAC_N_DTYPES, 2 },
    { "ComplexFloatStorage", "complex64", LAC_N_DTYPES, 8 }, { "ComplexDoubleStorage", "complex128", LAC_N_DTYPES, 16 },
};

static const char *last_part(const lac_pickled *global)
{
    const char *dot = memrchr(global->text, '.', (size_t)global->n);
    return dot != NULL ? dot + 1 : global->text;
}

/* Its dtype, LAC_N_DTYPES where that is not read; width 0: not known. */
static lac_dtype find_dtype(const lac_pickled *global, size_t *width)
{
    const char *last = last_part(global);
    for (size_t i = 0; i < LAC_COUNT(known); i++)
        if (strcmp(last, known[i].storage) == 0 || strcmp(last, known[i].name) == 0)
            return *width = known[i].width, known[i].dtype;
    return *width = 0, LAC_N_DTYPES;
}

static const lac_pickled *item(const lac_pickled *list, int64_t i, lac_pickled_kind kind)
{
    return list->kind == LAC_PICKLED_LIST && i < list->n && list->item[i]->kind == kind ? list->item[i] : NULL;
}

/* ("storage", torch.FloatStorage, "0", "cpu", 6), before 1.6 with None or (its key, first element, elements) of a view behind it. */
lac_status lac_torch_storage_of(const lac_pickled *persistent, lac_torch_storage *s)
{
    const lac_pickled *told = persistent->arguments;
    const lac_pickled *word = item(told, 0, LAC_PICKLED_TEXT), *type = item(told, 1, LAC_PICKLED_GLOBAL), *key = item(told, 2, LAC_PICKLED_TEXT);
    const lac_pickled *numel = item(told, 4, LAC_PICKLED_INT), *view = item(told, 5, LAC_PICKLED_LIST);
    if (word == NULL || !lac_pickled_is(word, LAC_PICKLED_TEXT, "storage") || type == NULL || key == NULL || numel == NULL || numel->number < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the pickle refers to something outside of it that is no storage of PyTorch's");
    *s = (lac_torch_storage){ .key = key->text, .n_key = key->n, .numel = numel->number, .untyped = strcmp(last_part(type), "UntypedStorage") == 0 };
    find_dtype(type, &s->width);
    if (view != NULL && (item(view, 1, LAC_PICKLED_INT) == NULL || (s->from = view->item[1]->number) < 0))
        return LAC_FAIL(LAC_ERR_FORMAT, "a storage of the pickle is a view of nothing");
    return LAC_OK;
}

/* ---- a tensor ---- */

/* What torch._utils._rebuild_tensor_v2 is called with. */
typedef struct rebuilt { const lac_pickled *storage, *dims, *strides, *dtype; int64_t offset; } rebuilt;

static bool calls(const lac_pickled *v, const char *who) { return v->kind == LAC_PICKLED_CALL && lac_pickled_is(v->callee, LAC_PICKLED_GLOBAL, who); }

/* Parameters and tensors of subclasses are wrapped: the call whose result they hold. */
static const lac_pickled *unwrap(const lac_pickled *v)
{
    for (int i = 0; i < MAX_DEPTH; i++) {
        const int64_t n = v->kind == LAC_PICKLED_CALL ? v->arguments->n : 0;
        if (n > 0 && (calls(v, "torch._utils._rebuild_parameter") || calls(v, "torch._utils._rebuild_parameter_with_state")))
            v = v->arguments->item[0];
        else
            break;
    }
    return v;
}

static bool read_call(const lac_pickled *v, rebuilt *r)
{
    const bool v3 = calls(v, "torch._utils._rebuild_tensor_v3");
    if (!v3 && !calls(v, "torch._utils._rebuild_tensor_v2") && !calls(v, "torch._utils._rebuild_tensor"))
        return false;
    const lac_pickled *a = v->arguments, *offset = item(a, 1, LAC_PICKLED_INT);
    *r = (rebuilt){ item(a, 0, LAC_PICKLED_PERSISTENT), item(a, 2, LAC_PICKLED_LIST), item(a, 3, LAC_PICKLED_LIST), v3 ? item(a, 6, LAC_PICKLED_GLOBAL) : NULL,
                    offset != NULL ? offset->number : -1 };
    return r->storage != NULL && r->dims != NULL && r->strides != NULL && r->offset >= 0 && (!v3 || r->dtype != NULL);
}

static lac_status absent(walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static lac_status absent(walk *w, const char *format, ...)
{
    char why[MAX_WHY];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return lac_contents_add_absent(w->c, w->name, why);
}

/* Dims and strides, and the elements from the first to behind the last: 0 of an empty tensor, -1 where they are impossible. */
static int64_t extent(const rebuilt *r, lac_stored *e)
{
    int64_t last = 0, numel = 1, step;
    e->shape.ndim = (int)r->dims->n;
    for (int i = 0; i < e->shape.ndim; i++) {
        const lac_pickled *d = item(r->dims, i, LAC_PICKLED_INT), *s = item(r->strides, i, LAC_PICKLED_INT);
        if (d == NULL || s == NULL || d->number < 0 || s->number < 0)
            return -1;
        e->shape.dim[i] = d->number;
        e->stride[i] = s->number;
        if (__builtin_mul_overflow(numel, d->number, &numel) || (d->number > 0 && (__builtin_mul_overflow(d->number - 1, s->number, &step) ||
                                                                                   __builtin_add_overflow(last, step, &last))))
            return -1;
    }
    return numel == 0 ? 0 : __builtin_add_overflow(last, 1, &last) ? -1 : last;
}

static bool lies_in_order(const lac_stored *e)
{
    int64_t step = 1;
    for (int i = e->shape.ndim - 1; i >= 0; step *= e->shape.dim[i--])
        if (e->shape.dim[i] != 1 && e->stride[i] != step)
            return false;
    return true;
}

/* Whether a storage of so many bytes has what the tensor wants of it; then where that lies. */
static bool place(const rebuilt *r, const lac_torch_storage *s, uint64_t storage_bytes, lac_stored *e)
{
    const int64_t n = extent(r, e), room = (int64_t)(storage_bytes / lac_dtype_size(e->dtype));
    int64_t first;
    if (n < 0 || __builtin_add_overflow(r->offset, s->untyped ? 0 : s->from, &first) || (n > 0 && (first > room || n > room - first)))
        return false;
    e->at = (uint64_t)(n > 0 ? first : 0) * lac_dtype_size(e->dtype);
    e->size = (uint64_t)n * lac_dtype_size(e->dtype);
    e->strided = n > 0 && !lies_in_order(e);
    return true;
}

static lac_status add_tensor(walk *w, const rebuilt *r)
{
    lac_torch_storage s;
    lac_torch_place where = { .packed = -1 };
    lac_stored found = { .packed = -1 }, *e;
    LAC_TRY(lac_torch_storage_of(r->storage, &s));
    const lac_pickled *type = r->dtype != NULL ? r->dtype : item(r->storage->arguments, 1, LAC_PICKLED_GLOBAL);
    size_t width;
    found.dtype = find_dtype(type, &width);
    if (found.dtype == LAC_N_DTYPES)
        return absent(w, "a tensor of the dtype %s, which is not read", last_part(type));
    if (r->dims->n != r->strides->n || r->dims->n > LAC_MAX_DIMS)
        return absent(w, "a tensor of %lld dims, %d at most are read", (long long)r->dims->n, LAC_MAX_DIMS);
    const uint64_t bytes = (uint64_t)s.numel * s.width;
    if (s.width == 0 || bytes / s.width != (uint64_t)s.numel)
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' lies in a storage of an impossible size", w->name);
    LAC_TRY(w->find(w->of, s.key, s.n_key, bytes, &where));
    if (!place(r, &s, where.size, &found))
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' reaches beyond its storage, or has an impossible shape", w->name);
    if ((uint64_t)lac_shape_numel(&found.shape) > where.size / lac_dtype_size(found.dtype))
        return absent(w, "a tensor that repeats its elements, which is not read");
    LAC_TRY(lac_contents_add(w->c, w->name, &e));
    found.name = e->name;
    found.at += where.at;
    found.packed = where.packed;
    *e = found;
    return LAC_OK;
}

/* ---- names ---- */

static lac_status visit(walk *w, const lac_pickled *v);

/* A name one part longer, without a dot before the first. */
static lac_status visit_under(walk *w, const char *part, size_t n, const lac_pickled *v)
{
    const size_t before = w->length, dot = before > 0;
    if (memchr(part, 0, n) != NULL || n + dot > MAX_NAME - before)
        return LAC_FAIL(LAC_ERR_FORMAT, "a name in the pickle is longer than %d bytes, or holds a zero", MAX_NAME);
    if (dot)
        w->name[w->length++] = '.';
    memcpy(w->name + w->length, part, n);
    w->length += n;
    w->name[w->length] = '\0';
    const lac_status s = visit(w, v);
    w->name[w->length = before] = '\0';
    return s;
}

static lac_status visit_numbered(walk *w, int64_t i, const lac_pickled *v)
{
    char part[24];
    return visit_under(w, part, (size_t)snprintf(part, sizeof part, "%lld", (long long)i), v);
}

static bool is_members(const lac_pickled *key)
{
    return lac_pickled_is(key, LAC_PICKLED_TEXT, "_parameters") || lac_pickled_is(key, LAC_PICKLED_TEXT, "_buffers") ||
           lac_pickled_is(key, LAC_PICKLED_TEXT, "_modules");
}

static lac_status visit_pairs(walk *w, const lac_pickled *table, bool of_object)
{
    for (int64_t i = 0; i + 1 < table->n; i += 2) {
        const lac_pickled *key = table->item[i], *v = table->item[i + 1];
        if (of_object && is_members(key))
            LAC_TRY(visit(w, v));
        else if (key->kind == LAC_PICKLED_TEXT)
            LAC_TRY(visit_under(w, key->text, (size_t)key->n, v));
        else if (key->kind == LAC_PICKLED_INT)
            LAC_TRY(visit_numbered(w, key->number, v));
    }
    return LAC_OK;
}

/* What a call would return, if it is no tensor: its parts, and a word on what stands here. A state is a table, or one with slots beside. */
static lac_status visit_object(walk *w, const lac_pickled *v)
{
    char who[MAX_WHY];
    LAC_TRY(visit_pairs(w, v, false));
    const lac_pickled *state = v->state;
    if (state != NULL && state->kind == LAC_PICKLED_LIST && state->n > 0)
        state = state->item[0];
    if (state != NULL && state->kind == LAC_PICKLED_TABLE)
        LAC_TRY(visit_pairs(w, state, true));
    return absent(w, "what '%s' would return, and nothing that a pickle calls is run", lac_pickled_callee(v, who, sizeof who - 80));
}

static lac_status visit_inside(walk *w, const lac_pickled *v)
{
    rebuilt r;
    v = unwrap(v);
    if (read_call(v, &r))
        return add_tensor(w, &r);
    if (calls(v, "torch._tensor._rebuild_from_type_v2") && item(v->arguments, 2, LAC_PICKLED_LIST) != NULL) {
        const lac_pickled inner = { .kind = LAC_PICKLED_CALL, .callee = v->arguments->item[0], .arguments = v->arguments->item[2] };
        return read_call(&inner, &r) ? add_tensor(w, &r) : visit_object(w, v);
    }
    switch (v->kind) {
    case LAC_PICKLED_TABLE: return visit_pairs(w, v, false);
    case LAC_PICKLED_CALL: return visit_object(w, v);
    case LAC_PICKLED_LIST:
        for (int64_t i = 0; i < v->n; i++)
            LAC_TRY(visit_numbered(w, i, v->item[i]));
        return LAC_OK;
    default: return LAC_OK;
    }
}

static lac_status visit(walk *w, const lac_pickled *v)
{
    if (++w->depth > MAX_DEPTH || ++w->steps > MAX_STEPS)
        return LAC_FAIL(LAC_ERR_FORMAT, "the pickle's object is more than %d deep, or has more than %d parts", MAX_DEPTH, MAX_STEPS);
    const lac_status s = visit_inside(w, v);
    w->depth--;
    return s;
}

/* The table that trainings keep the weights in, beside optimizers and the like; else all. */
static const lac_pickled *choose(const lac_pickled *root)
{
    static const char *const key[] = { "state_dict", "model_state_dict", "params_ema", "params", "model", "module" };
    for (size_t i = 0; i < LAC_COUNT(key) && root->kind == LAC_PICKLED_TABLE; i++) {
        const lac_pickled *v = lac_pickled_find(root, key[i]);
        if (v != NULL && ((v->kind == LAC_PICKLED_TABLE && v->n > 0) || (v->kind == LAC_PICKLED_CALL && v->state != NULL)))
            return v;
    }
    return root;
}

lac_status lac_torch_collect(const lac_pickled *root, lac_torch_find *find, const void *of, lac_contents *c)
{
    walk w = { .find = find, .of = of, .c = c };
    const lac_pickled *chosen = choose(root);
    LAC_TRY(visit(&w, chosen));
    if (c->n > 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "no tensors in the pickle%s%s", c->n_absent > 0 ? ": it holds " : "", c->n_absent > 0 ? c->absent[c->n_absent - 1].why : "");
}
