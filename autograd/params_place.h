/* autograd/params_place.h -- a parameter's values as f32 where they lie, so that files are read and written without a copy of each. */
#pragma once

#include "autograd/params.h"

/* Room for all values as f32 in the project's layout: where they lie, or, where that is not f32 of the host, memory of its own until _end, which sets them
 * (lac_param_set). What lies there before is undefined. Between the two nothing may fail. */
lac_status lac_param_begin(lac_param *p, float **x);
lac_status lac_param_end(lac_param *p, float *x);

/* All values, read alone: *own is what the caller frees, NULL where they lie so. */
lac_status lac_param_look(const lac_param *p, const float **x, float **own);
