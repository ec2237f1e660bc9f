/* data/batch.h -- a batch: named tensors, the first dim of each the samples. data/fields.def lists the names, data/field.h says what each is.
 *
 * A loader fills one from a set; where only names, dtypes and shapes matter, lac_loader_describe gives them without data, and
 * lac_batch_random with data of no set. */
#pragma once

#include "core/tensor.h"

enum { LAC_MAX_FIELDS = 24 };           /* of a batch, and so of what a recipe asks for */

struct lac_field_def;
struct lac_loader_config;

typedef struct lac_field { const struct lac_field_def *def; lac_tensor tensor; } lac_field;
typedef struct lac_batch { int64_t step, n; int n_fields; lac_field field[LAC_MAX_FIELDS]; } lac_batch;

/* NULL when the batch has no such field. */
const lac_field *lac_batch_find(const lac_batch *batch, const char *name);
const lac_tensor *lac_batch_field(const lac_batch *batch, const char *name);

/* The batch that a loader of this config makes, its data NULL: fields, view.size and count are read. LAC_ERR_CONFIG for a field that
 * is not known, naming the nearest, or asked for twice. */
lac_status lac_loader_describe(const struct lac_loader_config *config, lac_batch *batch);

/* The same with data, and without a set: what is drawn is as a loader draws it (seed, stream, step, place in the global batch), pictures are
 * random bytes, masks a rectangle, texts letters. lac_batch_free ends it; safe on zeroes. */
lac_status lac_batch_random(lac_batch *batch, const struct lac_loader_config *config, int64_t step);
void lac_batch_free(lac_batch *batch);
