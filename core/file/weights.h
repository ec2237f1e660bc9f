/* core/file/weights.h -- named tensors in a file or a folder, whatever the container.
 *
 *     safetensors            a header of JSON, then the bytes
 *     PyTorch                what torch.save writes: a zip archive (1.6 and later), or pickles with storages behind them; TorchScript
 *                            archives. Pickles are read as data: nothing that they call is run (core/file/pickle.h, core/file/torch.h)
 *     a folder               of diffusers or transformers: one file, or the shards of a *.index.json; core/file/folder.h has the names
 *
 * A container is known by what is in it, not by its name. Opening reads headers alone and checks them against the file's size: offsets
 * inside the file, shapes times dtype equal to the byte range, unique names, headers of bounded size, and for safetensors no overlap and
 * no hole. Tensors are read when they are asked for. Order is by name. */
#pragma once

#include "core/tensor.h"

#include <jansson.h>

typedef struct lac_weights lac_weights;

lac_status lac_weights_open(lac_weights **w, const char *path);
/* Several files, no folders, as one; LAC_ERR_FORMAT for a name that two of them have. */
lac_status lac_weights_open_joined(lac_weights **w, const char *const *path, int64_t n);
void lac_weights_close(lac_weights *w);

int64_t lac_weights_count(const lac_weights *w);
const char *lac_weights_name(const lac_weights *w, int64_t i);
int64_t lac_weights_find(const lac_weights *w, const char *name);          /* -1 when absent */
lac_dtype lac_weights_dtype(const lac_weights *w, int64_t i);
lac_shape lac_weights_shape(const lac_weights *w, int64_t i);
/* safetensors' `__metadata__`; "config.json": the text of a folder's. NULL when absent. */
const char *lac_weights_metadata(const lac_weights *w, const char *key);
/* Why what stands under a name is no tensor here, in a few words ("what 'os.system' would return"); NULL: nothing stands there. */
const char *lac_weights_why_absent(const lac_weights *w, const char *name);
lac_status lac_weights_read(const lac_weights *w, int64_t i, void *to, size_t size);   /* in order of the shape, as stored; size must fit */
lac_status lac_weights_read_f32(const lac_weights *w, int64_t i, float *to);           /* converted; numel floats */
/* Rows [from, from + n) of the first dim, as stored, read from where they lie; size must fit. Any thread. LAC_ERR_ARG where there are no such rows, or they
 * are packed or strided. */
lac_status lac_weights_read_rows(const lac_weights *w, int64_t i, int64_t from, int64_t n, void *to, size_t size);

/* What memory a writer's tensor comes from where it is not held until _finish: fills `to`, of the tensor's bytes, as `of` says. */
typedef lac_status lac_weights_fill(const void *of, void *to);

/* Writing: add tensors (data, or what fill reads, borrowed until _finish), then finish writes the file aside, syncs and renames it. The
 * header is in name order; among the data the wider dtypes come first, so that each tensor is aligned for readers that map the file.
 * Names are unique; metadata are strings. The same tensors give the same bytes. */
typedef struct lac_weights_writer lac_weights_writer;
lac_status lac_weights_writer_new(lac_weights_writer **w);
lac_status lac_weights_writer_add(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data);
/* The same of a tensor that is made when its turn comes: one at a time is in memory. */
lac_status lac_weights_writer_add_later(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, lac_weights_fill *fill,
                                        const void *of);
lac_status lac_weights_writer_metadata(lac_weights_writer *w, const char *key, const char *value);
lac_status lac_weights_writer_finish(lac_weights_writer *w, const char *path);
void lac_weights_writer_free(lac_weights_writer *w);
