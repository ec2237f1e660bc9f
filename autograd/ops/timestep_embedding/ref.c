#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "tests/harness/op.h"

#include <math.h>

void timestep_embedding_ref(const lac_ref *r)
{
    const lac_timestep_embedding_attr *a = r->attr;
    const int64_t half = a->width / 2;
    for (int64_t n = 0; n < r->shape[0].dim[0]; n++)
        for (int64_t i = 0; i < half; i++) {
            const double phase = r->in[0][n] * exp(-log(10000) * (double)i / ((double)half - (double)a->freq_shift));
            double *row = r->out[0] + n * a->width;
            row[a->flip_sin_to_cos ? half + i : i] = sin(phase);
            row[a->flip_sin_to_cos ? i : half + i] = cos(phase);
        }
}
