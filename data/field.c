#include "data/field.h"

#include "core/memory.h"
#include "core/named.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const lac_named fields = { "batch field", LAC_ERR_CONFIG, {
#define LAC_FIELD(name) &lac_field_##name,
#include "data/fields.def"
#undef LAC_FIELD
} };

const lac_field_def *lac_field_at(int i) { return fields.entry[i]; }
lac_status lac_field_find(const lac_field_def **def, const char *name) { return LAC_NAMED_FIND(&fields, name, def); }

/* ---- a batch ---- */

const lac_field *lac_batch_find(const lac_batch *b, const char *name)
{
    for (int i = 0; i < b->n_fields; i++)
        if (strcmp(b->field[i].def->name, name) == 0)
            return &b->field[i];
    return NULL;
}

const lac_tensor *lac_batch_field(const lac_batch *b, const char *name)
{
    const lac_field *f = lac_batch_find(b, name);
    return f != NULL ? &f->tensor : NULL;
}

static lac_status describe_field(const lac_loader_config *c, const char *name, lac_batch *b)
{
    lac_shape one = { 0 };
    const lac_field_def *def;
    LAC_TRY(lac_field_find(&def, name));
    if (lac_batch_field(b, name) != NULL || b->n_fields == LAC_MAX_FIELDS)
        return LAC_FAIL(LAC_ERR_CONFIG, "field '%s' is %s", name, b->n_fields == LAC_MAX_FIELDS ? "one too many" : "asked for twice");
    lac_field *f = &b->field[b->n_fields++];
    int64_t dim[LAC_MAX_DIMS] = { c->count };
    def->shape(c, &one);
    memcpy(dim + 1, one.dim, (size_t)one.ndim * sizeof *dim);
    f->def = def;
    lac_tensor_shape(&f->tensor, def->dtype, one.ndim + 1, dim);
    return LAC_OK;
}

lac_status lac_loader_describe(const lac_loader_config *c, lac_batch *b)
{
    *b = (lac_batch){ .n = c->count };
    for (int i = 0; c->fields != NULL && c->fields[i] != NULL; i++)
        LAC_TRY(describe_field(c, c->fields[i], b));
    return b->n_fields > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "a batch without fields");
}

/* ---- a batch of no set ---- */

/* Somewhere in the middle, a quarter to a half of each side. */
static void fill_mask(uint8_t *to, int64_t size, lac_stream *random)
{
    const int64_t least = LAC_MAX(size / 4, 1), span = LAC_MAX(size / 4, 1);
    const int64_t height = least + lac_stream_below(random, (uint32_t)span), width = least + lac_stream_below(random, (uint32_t)span);
    const int64_t top = lac_stream_below(random, (uint32_t)(size - height + 1)), left = lac_stream_below(random, (uint32_t)(size - width + 1));
    for (int64_t k = 0; k < size * size; k++)
        to[k] = k / size >= top && k / size < top + height && k % size >= left && k % size < left + width;
}

static void fill_bytes(uint8_t *to, size_t n, lac_field_use use, lac_stream *random)
{
    for (size_t k = 0; k < n; k++)
        to[k] = use == LAC_FIELD_PICTURE ? (uint8_t)lac_stream_word(random) : k + 1 < LAC_MIN(n, 24) ? (uint8_t)('a' + lac_stream_below(random, 26)) : 0;
}

static lac_status fill_one(const lac_field_def *def, const lac_sample *s, size_t bytes, void *to)
{
    lac_stream random = lac_sample_draw(s, def->name);
    if (def->needs == 0)
        return def->make(s, to);
    if (def->use == LAC_FIELD_MASK)
        fill_mask(to, s->view->size, &random);
    else if (def->dtype == LAC_F32)
        lac_philox_normals(&random.philox, to, (int64_t)(bytes / sizeof(float)));
    else
        fill_bytes(to, bytes, def->use, &random);
    return LAC_OK;
}

lac_status lac_batch_random(lac_batch *b, const lac_loader_config *c, int64_t step)
{
    lac_sample s = { .view = &c->view, .seed = c->seed, .stream = lac_draw_stream(c->stream != NULL ? c->stream : ""), .step = (uint32_t)step };
    lac_status status = lac_loader_describe(c, b);
    b->step = step;
    for (int f = 0; status == LAC_OK && f < b->n_fields; f++) {
        lac_tensor *x = &b->field[f].tensor;
        const size_t each = lac_bytes(x) / (size_t)LAC_MAX(b->n, 1);
        status = lac_calloc(&x->data, (size_t)b->n, each);
        for (int64_t i = 0; status == LAC_OK && i < b->n; i++) {
            s.id = c->first + i;
            s.sample = (uint32_t)s.id;
            status = fill_one(b->field[f].def, &s, each, (char *)x->data + (size_t)i * each);
        }
    }
    if (status != LAC_OK)
        lac_batch_free(b);
    return status;
}

void lac_batch_free(lac_batch *b)
{
    for (int f = 0; f < b->n_fields; f++)
        free(b->field[f].tensor.data);
    *b = (lac_batch){ 0 };
}
