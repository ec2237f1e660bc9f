#include "autograd/ops/avg_pool/avg_pool.h"
#include "tests/harness/op.h"

void avg_pool_ref(const lac_ref *r)
{
    const int64_t radius = ((const lac_avg_pool_attr *)r->attr)->kernel / 2, *dim = r->shape[0].dim;
    for (int64_t k = 0; k < lac_shape_numel(&r->shape[0]); k++) {
        const int64_t c = k % dim[3], j = k / dim[3] % dim[2], i = k / dim[3] / dim[2] % dim[1], n = k / dim[3] / dim[2] / dim[1];
        double sum = 0;
        int count = 0;
        for (int64_t row = i - radius; row <= i + radius; row++)
            for (int64_t column = j - radius; column <= j + radius; column++)
                if (row >= 0 && row < dim[1] && column >= 0 && column < dim[2]) {
                    sum += r->in[0][((n * dim[1] + row) * dim[2] + column) * dim[3] + c];
                    count++;
                }
        r->out[0][k] = sum / count;
    }
}
