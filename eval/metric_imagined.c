#include "eval/metric_imagined.h"

#include "eval/cosine.h"

#include <math.h>

static const float *rows_at(const lac_tensor *x, int64_t at) { return (const float *)x->data + at * (lac_numel(x) / x->dim[0]); }

lac_status lac_imagined_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    const lac_imagined *y = p->imagined;
    const lac_tensor *x = def->variant == LAC_IMAGINED_SAID ? y->said : y->seen;
    const double found = lac_masked_cosine(rows_at(x, p->at), rows_at(y->truth, p->at), rows_at(y->cells, p->at), x->dim[1], x->dim[2], false);
    (void)region;
    *value = isnan(found) ? lac_undefined("no token lies in the hole") : (lac_value){ .value = found };
    return LAC_OK;
}
