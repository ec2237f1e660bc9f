#include "tests/harness/op.h"

void embedding_ref(const lac_ref *r)
{
    const int64_t columns = r->shape[0].dim[1];
    for (int64_t k = 0; k < lac_shape_numel(&r->out_shape[0]); k++)
        r->out[0][k] = r->in[0][(int64_t)r->in[1][k / columns] * columns + k % columns];
}
