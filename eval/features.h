/* eval/features.h -- networks that make numbers of a picture, for the metrics that stand on them (Frechet distances, LPIPS, CLIP scores).
 *
 * One instance serves all metrics that name the same network and option, and sees every picture once; it runs on the device that the
 * evaluation was told to use. What it gives must not depend on what else is in the batch. eval/features.def lists them. */
#pragma once

#include "core/backend.h"
#include "eval/weights.h"

typedef enum { LAC_WHOLE, LAC_HOLE, LAC_KNOWN } lac_region;

/* A picture as a network sees it; borrowed. */
typedef struct lac_picture {
    int64_t height, width;
    const uint8_t *pixels;              /* [H, W, 3] */
    const uint8_t *mask;                /* [H, W], non-zero = hole */
    const char *prompt;                 /* NULL: none */
} lac_picture;

typedef struct lac_features lac_features;

typedef struct lac_features_def {
    const char *name, *about;           /* "inception": the word in FD[inception:FILE] */
    int64_t n;                          /* numbers of a picture; 0: open sets f->n */
    /* option: what stood behind the colon, "" for nothing. Sets f->state, and f->recipe (fresh) where option or files decide more than
     * the name says: the weights' SHA-256, resizing. After an error close is called. */
    lac_status (*open)(lac_features *f, const char *option);
    /* feature [n][f->n] of n pictures of one size. */
    lac_status (*of)(lac_features *f, const lac_picture *picture, int64_t n, float *feature);
    void (*close)(lac_features *f);     /* state may be NULL */
    /* Of a network that compares instead (LPIPS; then of is NULL and f->n 1): value [n], what lies between n pairs of one size in the region of
     * image[i].mask. NaN where a pair is too small for the network. */
    lac_status (*between)(lac_features *f, const lac_picture *image, const lac_picture *reference, lac_region region, int64_t n, double *value);
    const char *const *weights;         /* NAMEs of --weights that open takes from f->weights, ends with NULL; NULL: none */
} lac_features_def;

struct lac_features {
    const lac_features_def *def;
    const lac_backend *backend;
    const lac_eval_weights *weights;    /* those given; for open */
    char *option, *recipe;
    int64_t n;
    void *state;
};

#define LAC_FEATURES(name) extern const lac_features_def lac_features_##name;
#include "eval/features.def"
#undef LAC_FEATURES

/* b: where it runs; LAC_ERR_ARG when that is NULL. weights: those given, borrowed; may be NULL. lac_features_close ends it; safe on zeroes. On failure
 * *f is empty. */
lac_status lac_features_open(lac_features *f, const lac_features_def *def, const char *option, const lac_backend *b, const lac_eval_weights *weights);
void lac_features_close(lac_features *f);
