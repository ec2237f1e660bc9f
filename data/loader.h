/* data/loader.h -- batches of crops and masks, decoded by threads ahead of the step.
 *
 * What a batch holds is a function of (seed, step, position in the global batch): thread count, depth and resuming change nothing.
 * Its fields (data/fields.def) are dense, on the host, the loader's until the next lac_loader_next.
 * Pictures and masks are u8; conversion to float belongs to the step.
 *
 * Training order: epochs of data/order.h, endless. Evaluation order: every record of the split once, in id order, the last batch
 * shorter; crops and masks then come from the record's id in place of step and sample,
 * and nothing is flipped or tinted.
 */
#pragma once

#include "data/batch.h"
#include "data/latent_cache.h"
#include "data/mask_source.h"
#include "data/set.h"
#include "data/view.h"

/* Photographs of a split that have what fields and masks want. */
typedef struct lac_source {
    const lac_set *set;
    const char *split;
    double weight;
    const char *mask;                   /* where its masks come from, in place of the loader's; NULL: there */
    const lac_latent_cache *latents[LAC_LATENT_SORTS];      /* what encoders made of just these, by sort, or NULL */
} lac_source;

typedef struct lac_loader_config {
    const lac_source *source;           /* borrowed with their sets until lac_loader_free; evaluation: one */
    int n_sources;
    lac_view view;
    const char *const *fields;          /* what a batch shall hold, by name, ends with NULL; read while lac_loader_new runs, as every text here */
    lac_shape latent[LAC_LATENT_SORTS]; /* of what fields take of the caches of latents, one sample's */
    const char *mask;                   /* where masks come from (data/mask_source.h); NULL: there are none */
    const lac_mask_params *mask_params; /* a generator's; NULL: its defaults */
    lac_mask_locate *locate;                 /* finds a file of masks by its name; NULL: the name is its path */
    void *locate_context;
    bool around;                        /* windows are laid so that the object drawn (data/mask_source.h) is in them; but of a source whose own masks are of no objects */
    float tint;                         /* share of the samples whose colours are changed (data/tint.h) */
    const char *stream;                 /* what the numbers are for: two loaders of one run with different streams are independent */
    uint64_t seed;
    int64_t global, first, count;       /* images of a step over all ranks; this rank makes [first, first + count) of them */
    int64_t sum_order;                  /* above 0: the same samples of this rank in another order, one for each number */
    bool evaluate;                      /* evaluation order */
    int64_t limit;                      /* in it: the first so many records; 0: all */
    int threads, depth;                 /* 0: two threads, batches for two steps ahead */
} lac_loader_config;

typedef struct lac_loader lac_loader;

/* LAC_ERR_CONFIG for a field that is not known, or that these sources and masks cannot give. */
lac_status lac_loader_new(lac_loader **l, const lac_loader_config *config);
void lac_loader_free(lac_loader *l);
/* The next batch will be that of `step`; cheap, any number of times. A fresh loader stands at 0. */
lac_status lac_loader_seek(lac_loader *l, int64_t step);
/* In evaluation order n is 0 when all is done. A picture that cannot be read is an error naming it. */
lac_status lac_loader_next(lac_loader *l, const lac_batch **batch);
int64_t lac_loader_records(const lac_loader *l);    /* pictures of all sources: those of the splits that have what the fields want */
int64_t lac_loader_record(const lac_loader *l, int64_t place);      /* of the evaluation's order: its id in the set */
/* LAC_ERR_CONFIG, naming the key, unless what a loader of config c makes of this one's records is a function of the record and its flip alone: its picture, and with
 * `masks` its mask. In evaluation order it always is. */
lac_status lac_loader_check_fixed(const lac_loader *l, const lac_loader_config *c, bool masks);
const char *lac_loader_masks(const lac_loader *l);  /* lac_mask_source_about of the first source; "" without masks */
double lac_loader_waited(const lac_loader *l);      /* seconds that lac_loader_next has waited in all */
