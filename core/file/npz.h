/* core/file/npz.h -- NumPy's .npz: named arrays, each a .npy in a zip archive, stored or deflated. Statistics of reference sets are handed round so
 * (pytorch-fid: mu, sigma; clean-fid: mu, sigma, feats). Sources: NumPy's format description 1.0 to 3.0 (numpy.lib.format), APPNOTE 6.3.10.
 *
 * Little-endian floats of 2, 4 or 8 bytes in either order of axes; other dtypes, objects among them, are refused: nothing of a file is ever run. An
 * array is exactly as long as its header says, or LAC_ERR_FORMAT. */
#pragma once

#include "core/tensor.h"

typedef struct lac_npz lac_npz;

lac_status lac_npz_open(lac_npz **z, const char *path);
void lac_npz_close(lac_npz *z);                         /* NULL is fine */
bool lac_npz_has(const lac_npz *z, const char *name);   /* "mu", not "mu.npy" */
/* *x is fresh, on the host, of the dtype asked for (LAC_F32 or LAC_F64), row after row; lac_tensor_free. LAC_ERR_KEY when there is no such array. */
lac_status lac_npz_read(const lac_npz *z, const char *name, lac_dtype as, lac_tensor **x);

/* Arrays of f32 or f64, borrowed. The same arrays give the same bytes. LAC_ERR_ARG for one of 4 GiB or more. */
typedef struct lac_npz_array { const char *name; const lac_tensor *x; } lac_npz_array;
lac_status lac_npz_write(const char *path, const lac_npz_array *array, int n, bool deflate);
