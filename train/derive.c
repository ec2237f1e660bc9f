#include "train/derive.h"

#include "autograd/ops/dequantize/dequantize.h"
#include "core/memory.h"
#include "data/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_derived(const lac_field *f) { return f->def->make == NULL; }

lac_tensor *lac_field_load(lac_tape *t, const lac_field *field, int64_t from, int64_t n)
{
    const lac_tensor *whole = &field->tensor;
    lac_tensor part = *whole;
    part.dim[0] = n;
    if (whole->data != NULL)        /* only planned: there is none */
        part.data = (uint8_t *)whole->data + (whole->dim[0] ? from * (int64_t)(lac_bytes(whole) / (size_t)whole->dim[0]) : 0);
    lac_tensor *x = lac_tape_input(t, &part, LAC_F32);
    if (field->def->use == LAC_FIELD_PLAIN || part.dtype != LAC_U8)
        return x;
    const bool mask = field->def->use == LAC_FIELD_MASK;
    return lac_dequantize(t, x, &(lac_dequantize_attr){ mask ? 1 : 1 / 127.5f, mask ? 0 : -1, LAC_F32 });
}

lac_status lac_derived_describe(const lac_recipe *r, int64_t n, lac_batch *batch)
{
    LAC_TRY(lac_loader_describe(&(lac_loader_config){ .fields = r->fields, .latent = { r->latents[0].one, r->latents[1].one }, .view.size = r->size, .count = n }, batch));
    if (batch->n_fields + r->n_derived > LAC_MAX_FIELDS)
        return LAC_FAIL(LAC_ERR_STATE, "recipe '%s': more than %d fields", r->def->name, LAC_MAX_FIELDS);
    for (int i = 0; i < r->n_derived; i++) {
        lac_field *f = &batch->field[batch->n_fields++];
        int64_t dim[LAC_MAX_DIMS] = { n };
        memcpy(dim + 1, r->derived[i].one.dim, (size_t)r->derived[i].one.ndim * sizeof *dim);
        f->def = &r->derived[i].def;
        lac_tensor_shape(&f->tensor, f->def->dtype, r->derived[i].one.ndim + 1, dim);
    }
    return LAC_OK;
}

lac_status lac_derived_open(lac_derived *d, const lac_recipe *r, const char *stage, uint64_t seed, int64_t first, int64_t share)
{
    *d = (lac_derived){ .seed = seed, .first = first, .share = share };
    for (int p = 0; p < r->n_phases; p++) {
        char stream[160];
        lac_batch *b = &d->batch[p];
        snprintf(stream, sizeof stream, "%s/derived/%s", stage, r->phase[p].name);
        d->stream[p] = lac_draw_stream(stream);
        LAC_TRY(lac_derived_describe(r, share, b));
        for (int i = 0; i < b->n_fields; i++)
            if (is_derived(&b->field[i]))
                LAC_TRY(lac_calloc(&b->field[i].tensor.data, 1, lac_bytes(&b->field[i].tensor)));
    }
    return LAC_OK;
}

void lac_derived_close(lac_derived *d)
{
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        for (int i = 0; i < d->batch[p].n_fields; i++)
            if (is_derived(&d->batch[p].field[i]))
                free(d->batch[p].field[i].tensor.data);
    *d = (lac_derived){ 0 };
}

/* The loader's data in the recipe's order, and room for what is derived. */
static lac_status take_fields(const lac_recipe *r, const lac_batch *from, lac_batch *to)
{
    to->step = from->step;
    to->n = from->n;
    for (int i = 0; i < to->n_fields; i++) {
        const char *name = to->field[i].def->name;
        const lac_field *f = is_derived(&to->field[i]) ? &to->field[i] : lac_batch_find(from, name);
        if (f == NULL)
            return LAC_FAIL(LAC_ERR_STATE, "the batch has no field '%s', which the recipe '%s' asks for", name, r->def->name);
        to->field[i] = *f;
        to->field[i].tensor.dim[0] = from->n;
    }
    return LAC_OK;
}

static int first_use(const lac_batch *const *batch, int p)
{
    int first = 0;
    while (batch[first] != batch[p])
        first++;
    return first;
}

lac_status lac_derived_take(lac_derived *d, const lac_recipe *r, const lac_batch *const *batch, const lac_batch **whole)
{
    for (int p = 0; p < r->n_phases; p++) {
        const int from = first_use(batch, p);
        whole[p] = &d->batch[from];
        if (batch[p]->n > d->share)
            return LAC_FAIL(LAC_ERR_STATE, "a batch of %lld pictures, this rank's share is %lld", (long long)batch[p]->n, (long long)d->share);
        if (from < p)
            continue;
        LAC_TRY(take_fields(r, batch[p], &d->batch[p]));
        const lac_draws draws = { d->seed, d->stream[p], (uint32_t)batch[p]->step, d->first };
        if (r->n_derived > 0)
            LAC_TRY(lac_context(r->def->derive(r, &draws, &d->batch[p]), "recipe '%s'", r->def->name));
    }
    return LAC_OK;
}
