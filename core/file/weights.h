/* core/file/weights.h -- named tensors in a file, whatever the container (safetensors today; others join weights.c).
 *
 * Opening reads the header alone and checks it against the file's size: offsets inside the file, no overlap, no hole,
 * shapes times dtype equal to the byte range, unique names, header at most 100 MB. Order is by name. */
#pragma once

#include "core/tensor.h"

#include <jansson.h>

typedef struct lac_weights lac_weights;

lac_status lac_weights_open(lac_weights **w, const char *path);
void lac_weights_close(lac_weights *w);

int64_t lac_weights_count(const lac_weights *w);
const char *lac_weights_name(const lac_weights *w, int64_t i);
int64_t lac_weights_find(const lac_weights *w, const char *name);          /* -1 when absent */
lac_dtype lac_weights_dtype(const lac_weights *w, int64_t i);
lac_shape lac_weights_shape(const lac_weights *w, int64_t i);
const char *lac_weights_metadata(const lac_weights *w, const char *key);   /* NULL when absent */
lac_status lac_weights_read(const lac_weights *w, int64_t i, void *to, size_t size);   /* bytes as stored; size must fit */
lac_status lac_weights_read_f32(const lac_weights *w, int64_t i, float *to);           /* converted; numel floats */

/* Writing: add tensors (data borrowed until _finish), then finish writes the file aside, syncs and renames it. The header is in
 * name order; among the data the wider dtypes come first, so that each tensor is aligned for readers that map the file.
 * Names are unique; metadata are strings. The same tensors give the same bytes. */
typedef struct lac_weights_writer lac_weights_writer;
lac_status lac_weights_writer_new(lac_weights_writer **w);
lac_status lac_weights_writer_add(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data);
lac_status lac_weights_writer_metadata(lac_weights_writer *w, const char *key, const char *value);
lac_status lac_weights_writer_finish(lac_weights_writer *w, const char *path);
void lac_weights_writer_free(lac_weights_writer *w);
