#include "autograd/ops/find_token/find_token.h"
#include "tests/harness/op.h"

void find_token_ref(const lac_ref *r)
{
    const int64_t token = ((const lac_find_token_attr *)r->attr)->token, length = r->shape[0].dim[1];
    for (int64_t n = 0; n < r->shape[0].dim[0]; n++) {
        const double *ids = r->in[0] + n * length;
        double wanted = (double)token;
        int64_t place = 0;
        for (int64_t t = 0; token < 0 && t < length; t++)
            wanted = t == 0 || ids[t] > wanted ? ids[t] : wanted;
        for (int64_t t = length - 1; t >= 0; t--)
            place = ids[t] == wanted ? t : place;
        r->out[0][n] = (double)(n * length + place);
    }
}
