/* eval/moments.h -- cached statistics of a reference: NumPy's .npz as pytorch-fid and clean-fid write it (arrays mu [n] and sigma [n, n]). */
#pragma once

#include "eval/metric.h"

/* f8 or f4, stored or deflated. A file that holds no pair of mu and sigma gives n 0. LAC_ERR_FORMAT for what is no .npz, or arrays of other shapes; LAC_ERR_IO for one that cannot
 * be opened. lac_moments_free ends it; safe on zeroes. */
lac_status lac_moments_load(lac_moments *m, const char *path);
/* The same arrays, as pytorch-fid writes them: f8, deflated. Files of the same moments have the same bytes. */
lac_status lac_moments_save(const char *path, const lac_moments *m);
void lac_moments_free(lac_moments *m);
