/* eval/features.h -- networks that make numbers of a picture, for the metrics that stand on them (Frechet distances, LPIPS, CLIP scores).
 *
 * One instance serves all metrics that name the same network and option, and sees every picture once; it runs on the device that the
 * evaluation was told to use. What it gives must not depend on what else is in the batch. eval/features.def lists them. */
#pragma once

#include "eval/backbones.h"
#include "eval/memo.h"

typedef enum { LAC_WHOLE, LAC_HOLE, LAC_KNOWN } lac_region;

/* Part of a picture; of the hole alone: what is known is grey (127) in it. */
typedef struct lac_cutout { int64_t top, left, height, width; bool hole_alone; } lac_cutout;

/* Where an object is, [left, right) x [top, bottom) in a picture of that size: the one that was drawn in, which may be larger than the one that is seen. */
typedef struct lac_object_box { double left, top, right, bottom; int64_t width, height; } lac_object_box;

/* What is said of a picture beside its pixels; NULL: nothing. Borrowed. */
typedef struct lac_said {
    const char *prompt;                 /* its caption */
    const char *label;                  /* the name of the object in the hole */
    const char *before, *after;         /* captions of the reference, and of the picture that was made of it */
    const lac_object_box *box;
} lac_said;

/* A picture as a network sees it; borrowed. */
typedef struct lac_picture {
    int64_t height, width;
    const uint8_t *pixels;              /* [H, W, 3] */
    const uint8_t *mask;                /* [H, W], non-zero = hole; may be NULL */
    lac_said said;
} lac_picture;

/* Of its pixels, its size and what is done with them before a network sees them. */
lac_memo_key lac_picture_key(const lac_picture *p, int64_t recipe);

/* What an evaluation has for its networks; borrowed, and outlives them. */
typedef struct lac_eval_means {
    const lac_backend *backend;         /* where they run; NULL: no metric wants any */
    const lac_eval_weights *weights;    /* those given; may be NULL */
    const char *const *classes;         /* [n_classes] the labels of all pictures, each once, in the order of their bytes */
    int64_t n_classes;
    const char *imagined;               /* whose features the methods imagine before they paint, for recipes; NULL: none does */
} lac_eval_means;

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
    lac_eval_means means;
    lac_backbones *backbones;           /* what is loaded once for all features of the evaluation */
    char *option, *recipe;
    int64_t n;
    void *state;
};

#define LAC_FEATURES(name) extern const lac_features_def lac_features_##name;
#include "eval/features.def"
#undef LAC_FEATURES

/* means, backbones: the evaluation's, borrowed; LAC_ERR_ARG where there is no backend. lac_features_close ends it; safe on zeroes. On failure *f is empty. */
lac_status lac_features_open(lac_features *f, const lac_features_def *def, const char *option, const lac_eval_means *means, lac_backbones *backbones);
void lac_features_close(lac_features *f);
