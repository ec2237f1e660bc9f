#include "autograd/params.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static lac_status add(lac_sha256 *h, const lac_param *p)
{
    const size_t bytes = (size_t)lac_numel(p->value) * sizeof(float);
    float *x;
    LAC_TRY(lac_malloc((void **)&x, bytes));
    const lac_status s = lac_param_get(p, x);
    lac_sha256_add(h, p->name, strlen(p->name) + 1);
    if (s == LAC_OK)
        lac_sha256_add(h, x, bytes);
    free(x);
    return s;
}

lac_status lac_params_hash(const lac_params *ps, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256 h;
    lac_sha256_start(&h);
    for (int64_t i = 0; i < ps->n; i++)
        LAC_TRY(add(&h, ps->sorted[i]));
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
    return LAC_OK;
}
