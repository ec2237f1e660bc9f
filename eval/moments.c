#include "eval/moments.h"

#include "core/file/npz.h"
#include "core/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Array `name`, of `dims` sides that are all m->n (set here where it is 0), into fresh *to; NULL where there is none. */
static lac_status take(lac_moments *m, const lac_npz *z, const char *name, int dims, double **to)
{
    lac_tensor *x;
    if (!lac_npz_has(z, name))
        return LAC_OK;
    LAC_TRY(lac_npz_read(z, name, LAC_F64, &x));
    const int64_t n = m->n > 0 ? m->n : x->dim[0];
    lac_status s = LAC_OK;
    if (x->ndim != dims || n < 1 || x->dim[0] != n || x->dim[dims - 1] != n)
        s = LAC_FAIL(LAC_ERR_FORMAT, "array '%s' is %s, expected [n] of mu and [n, n] of sigma", name, lac_shape_str(x));
    for (int64_t i = 0; s == LAC_OK && i < lac_numel(x); i++)
        if (!isfinite(((const double *)x->data)[i]))
            s = LAC_FAIL(LAC_ERR_NONFINITE, "array '%s': number %" PRId64 " is %g", name, i, ((const double *)x->data)[i]);
    if (s == LAC_OK)
        s = lac_malloc((void **)to, lac_bytes(x));
    if (s == LAC_OK)
        memcpy(*to, x->data, lac_bytes(x));
    m->n = n;
    lac_tensor_free(x);
    return s;
}

lac_status lac_moments_load(lac_moments *m, const char *path)
{
    lac_npz *z;
    *m = (lac_moments){ .n = 0 };
    LAC_TRY(lac_context(lac_npz_open(&z, path), "statistics"));
    lac_status s = take(m, z, "mu", 1, &m->mean);
    if (s == LAC_OK && m->mean != NULL)
        s = take(m, z, "sigma", 2, &m->covariance);
    lac_npz_close(z);
    if (s != LAC_OK || m->covariance == NULL)
        lac_moments_free(m);
    return lac_context(s, "statistics '%s'", path);
}

lac_status lac_moments_save(const char *path, const lac_moments *m)
{
    const lac_tensor mean = { .dtype = LAC_F64, .ndim = 1, .dim = { m->n }, .data = m->mean };
    const lac_tensor covariance = { .dtype = LAC_F64, .ndim = 2, .dim = { m->n, m->n }, .data = m->covariance };
    return lac_npz_write(path, (lac_npz_array[]){ { "mu", &mean }, { "sigma", &covariance } }, 2, true);
}

void lac_moments_free(lac_moments *m)
{
    free(m->mean);
    free(m->covariance);
    *m = (lac_moments){ .n = 0 };
}
