#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/embedding/ids.h"
#include "autograd/ops/ops.h"

lac_status lac_embedding_check(const lac_tensor *ids, int64_t rows, const char *what)
{
    for (int64_t i = 0; i < lac_numel(ids); i++) {
        const int64_t id = lac_id(ids->data, i, ids->dtype == LAC_I64);
        if (id < 0 || id >= rows)
            return LAC_FAIL(LAC_ERR_ARG, "%s: id %lld at %lld of %s is not in [0, %lld)", what, (long long)id, (long long)i, lac_shape_str(ids), (long long)rows);
    }
    return LAC_OK;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *table = c->in[0], *ids = c->in[1];
    if (table->ndim != 2)
        return LAC_FAIL(LAC_ERR_SHAPE, "embedding wants a table [V, C], got %s", lac_shape_str(table));
    if (ids->ndim >= LAC_MAX_DIMS)
        return LAC_FAIL(LAC_ERR_SHAPE, "embedding wants ids of at most %d dims, got %s", LAC_MAX_DIMS - 1, lac_shape_str(ids));
    lac_tensor_shape(c->out[0], table->dtype, ids->ndim, ids->dim);
    c->out[0]->dim[c->out[0]->ndim++] = table->dim[1];
    return LAC_OK;
}

const lac_op_def lac_op_embedding = {
    .in = { { "table", LAC_FLOATS }, { "ids", 1 << LAC_I32 | 1 << LAC_I64 } }, .out = { { "y" } },
    .keeps = LAC_KEEP_IN(1), .infer = infer, .workspace = true,
};

lac_tensor *lac_embedding(lac_tape *t, lac_tensor *table, lac_tensor *ids) { return lac_apply(t, LAC_OP_embedding, NULL, table, ids); }
