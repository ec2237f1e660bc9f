/* models/model_file.h -- a safetensors file that says what it is: an inpainter's weights under their published names, and metadata
 *
 *     lacuna.inpainter       "deepfill"
 *     lacuna.config          the network's resolved config, JSON
 *     lacuna.channel_order   "rgb" or "bgr"
 *
 * The same weights give the same bytes: no date, path or name of a run. */
#pragma once

#include "models/inpainter.h"

/* Writes the network's weights in the border's layouts; dtype LAC_F32 or LAC_BF16. */
lac_status lac_model_save(const char *path, const lac_params *ps, const char *inpainter, const json_t *config, bool bgr, lac_dtype d);

/* Adds a network's parameters to a file under construction, each key with `prefix` before it. *keep owns what the writer borrows:
 * free each of its n pointers, and itself, after the file is written. */
typedef struct lac_borrowed { void **data; int64_t n, capacity; } lac_borrowed;
struct lac_weights_writer;
lac_status lac_model_add(struct lac_weights_writer *w, const lac_params *ps, const char *prefix, lac_dtype d, lac_borrowed *keep);
lac_status lac_borrowed_new(lac_borrowed *b, size_t size, void **p);      /* memory that lives as long as *b */
void lac_borrowed_free(lac_borrowed *b);
lac_status lac_model_describe(struct lac_weights_writer *w, const char *inpainter, const json_t *config, bool bgr);    /* the metadata */

/* What a file's metadata say; *config is a new reference, resolved. LAC_ERR_FORMAT when they say nothing. */
struct lac_weights;
lac_status lac_model_about(const struct lac_weights *w, const lac_inpainter_def **def, json_t **config, bool *bgr);
