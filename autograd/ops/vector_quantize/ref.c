#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "tests/harness/op.h"

#include <math.h>

void vector_quantize_ref(const lac_ref *r)
{
    const lac_vector_quantize_attr *a = r->attr;
    const int64_t codes = r->shape[1].dim[0], depth = r->shape[1].dim[1], rows = lac_shape_numel(&r->shape[0]) / depth;
    *r->out[2] = 0;
    *r->out[3] = (double)(rows * depth);
    for (int64_t i = 0; i < rows; i++) {
        const double *z = r->in[0] + i * depth;
        double least = INFINITY;
        int64_t at = 0;
        for (int64_t k = 0; k < codes; k++) {
            double d = 0;
            for (int64_t j = 0; j < depth; j++)
                d += (r->in[1][k * depth + j] - z[j]) * (r->in[1][k * depth + j] - z[j]);
            at = d < least ? k : at;
            least = fmin(d, least);
        }
        r->out[1][i] = (double)at;
        for (int64_t j = 0; j < depth; j++)
            r->out[0][i * depth + j] = r->in[1][at * depth + j];
        *r->out[2] += ((double)a->commitment + (double)a->codebook) * least;
    }
}
