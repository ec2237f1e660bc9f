/* train/recipe.h -- how a system learns: its networks, the phases of a step, and what each phase's losses are.
 *
 * A recipe's host code branches on the step's signature alone (stage, phase, shapes, precision), because a step is planned once and then
 * only repeated. Losses are sums: the framework divides each by its count over all micro-batches and ranks, weighs it, and seeds
 * backward with weight / count. */
#pragma once

#include "autograd/params.h"
#include "autograd/tape.h"
#include "core/config.h"
#include "core/image/image.h"
#include "data/field.h"
#include "models/inpainter.h"

#include <string.h>

enum { LAC_MAX_NETS = 8, LAC_MAX_PHASES = 4, LAC_MAX_LOSSES = 8, LAC_MAX_SHOWN = 4, LAC_MAX_DERIVED = 16, LAC_MAX_ROWS = 4, LAC_MAX_JUDGED = 4 };

typedef struct lac_phase {
    const char *name;                       /* "d", "g" */
    const char *optim;                      /* key under `optim` */
    lac_trained trains;                     /* none, and optim NULL: it moves nothing, it measures: buffers, shown numbers, losses without a gradient */
    const char *mode;                       /* the steps that it is part of (lac_recipe_def.mode), as those of a loss or a shown number; NULL: all */
    struct { const char *name; double weight; const char *mode; } loss[LAC_MAX_LOSSES];
    int n_losses;
    struct { const char *name, *mode; } shown[LAC_MAX_SHOWN];       /* numbers for the log that are no losses */
    int n_shown;
    bool own_batch;                         /* not the first phase's pictures but others */
} lac_phase;

/* What `forward` is told. */
typedef struct lac_phase_run {
    int phase;                              /* its place in lac_recipe.phase */
    const char *name;                       /* and its name */
    const char *mode;                       /* of the step; part of the signature, as is: */
    bool first;                             /* the first micro-batch of the phase */
    /* seed[p][i]: what backward starts from at phase p's i-th loss, weight / count, the global batch's, in the backend's memory: a lac_root's
     * seed, so that gradients by lac_grad, summed over micro-batches and ranks (lac_tape_commit_sum), are those that the phase adds up. */
    const float *seed[LAC_MAX_PHASES];
} lac_phase_run;

/* What it gives back, in the order of the phase's losses and shown numbers; each a f32 scalar of the tape. Those of another mode stay NULL. */
typedef struct lac_phase_out {
    lac_tensor *sum[LAC_MAX_LOSSES];        /* the loss, summed, unweighted */
    lac_tensor *scale[LAC_MAX_LOSSES];      /* times its weight, beside the config's; a constant to backward. NULL: 1. Logs show the plain loss */
    lac_tensor *shown[LAC_MAX_SHOWN];       /* logged as the mean over micro-batches and ranks */
    lac_tensor *row[LAC_MAX_ROWS];          /* with `judge`: [N, ...], a row for each picture of the batch; wanted of held-out ones alone (train/held_out.h) */
} lac_phase_out;

typedef struct lac_recipe lac_recipe;

/* What a frozen network makes of the pictures of the data, so that it need not be made again in every step (train/latents.h). */
typedef struct lac_recipe_latents {
    const lac_network *encoder;             /* NULL: nothing of the sort is kept */
    lac_shape one;                          /* of one picture: rows, columns, channels; tokens, channels */
    lac_dtype dtype;                        /* in which the encoder gives it */
    bool kept[LAC_LATENT_KINDS];            /* which of the fields there are: `moments`, `moments_around`; `features`, `features_around` */
    /* Calls ops. image: what `see` made; where there is none pictures [N, H, W, 3] in [-1, 1], and mask [N, H, W, 1]. around: of the pictures with their holes. */
    lac_tensor *(*encode)(const lac_recipe *r, lac_tape *t, lac_tensor *image, lac_tensor *mask, bool around);
    /* What the encoder reads of a picture, f32 of shape `seen`. hole: a byte for each pixel, any but 0 is hole; NULL: there is none. */
    lac_status (*see)(const lac_recipe *r, float *to, const lac_image *picture, const uint8_t *hole);
    lac_shape seen;
    const char *about;                      /* lines of what else pictures with holes are a function of; NULL: nothing */
    const float *whole;                     /* of a picture that is hole altogether, where pictures with holes are kept; lent by who opened them, NULL before */
} lac_recipe_latents;

/* What a frozen text encoder makes of the captions of the data, so that it need not be made again in every step (train/texts.h). */
typedef struct lac_recipe_texts {
    const lac_network *encoder;             /* NULL: nothing is kept */
    const lac_prompts *prompts;             /* how texts become ids */
    lac_shape one;                          /* of a text's states: ids, channels */
    lac_dtype dtype;                        /* in which the encoder gives them */
    const struct lac_texts *kept;           /* lent by who opened them, NULL before */
} lac_recipe_texts;

/* What `derive` draws from: sample i of the batch has numbers of its own for each word, whatever ranks and micro-batches. */
typedef struct lac_draws { uint64_t seed; uint32_t stream, step; int64_t first; } lac_draws;
static inline lac_stream lac_draws_at(const lac_draws *d, const char *what, int64_t i)
{
    return lac_draw(d->seed, d->stream, what, d->step, (uint32_t)(d->first + i));
}

/* What forward gave for each of n pictures (lac_phase_out.row), one behind another, on the host: floats as f32, integers as they are. */
typedef struct lac_held_rows { int64_t n; const void *row[LAC_MAX_ROWS]; } lac_held_rows;

typedef struct lac_recipe_def {
    const char *name, *about;               /* "deepfill" */
    const lac_key *model_keys, *loss_keys;  /* schemas of the config's `model` and `loss` */
    const char *const *fields;              /* of its batch (data/fields.def), in order, ends with NULL: "image", "mask" */
    const char *const *optims;              /* keys that `optim` has, ends with NULL */
    /* NULL: it makes no pictures. Else lends its networks to *ip, for sample grids, validation and export: ip->def, a copy of a lac_network for each of its roles (made by hand: with def,
     * params, model and config, which say how a file is opened again), and what else it has. config: the stage's. */
    void (*inpainter)(const lac_recipe *r, const json_t *config, lac_inpainter *ip);
    /* config: the stage's resolved table. Makes the networks (r->net; not yet initialised) and the phases. */
    lac_status (*open)(lac_recipe *r, const json_t *config);
    void (*close)(lac_recipe *r);
    /* What sort of step the stage's step-th is (from 0), where there are several: a word that forward branches on, borrowed, part of the signature; "" before a
     * discriminator takes part, "gan" from then on. Phases and losses of another mode stand still, and their numbers in the log are null. NULL: always "".
     * A validation of the loss (train/held_out.h) is in mode "", whatever the step. */
    const char *(*mode)(const lac_recipe *r, int64_t step);
    /* Calls ops. field: in the order of `fields`, pictures f32 in [-1, 1], masks 0 or 1, others as they are. *out is zero before. */
    lac_status (*forward)(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out);
    /* Fills the fields that open declared by lac_recipe_derive: what the host makes of a batch, as tokens of its captions, or timesteps drawn for each
     * sample. In forward's `field` they stand behind `fields`. NULL: there are none. */
    lac_status (*derive)(const lac_recipe *r, const lac_draws *d, lac_batch *batch);
    /* Numbers of all held-out pictures together, by the names of `judged` (ends with NULL), beside the loss: how often a text is found by its picture, say. rows:
     * what the first training phase gave of them. NULL: there are none. */
    const char *const *judged;
    lac_status (*judge)(const lac_recipe *r, const lac_held_rows *rows, double *value);
    /* How many elements each loss sums over the whole of this rank's batch. */
    void (*count)(const lac_recipe *r, int phase, const lac_batch *batch, double *count);
} lac_recipe_def;

struct lac_recipe {
    const lac_recipe_def *def;
    const lac_backend *backend;
    lac_dtype dtype;
    int64_t size;                           /* side of the pictures */
    lac_params *net[LAC_MAX_NETS];
    lac_network network[LAC_MAX_NETS];      /* whose parameters net[] are; made by hand: without def, model and config */
    int n_nets;
    lac_phase phase[LAC_MAX_PHASES];
    int n_phases;
    const lac_prompts *prompts;             /* of a recipe without an inpainter: goes with its first network into an exported model; NULL: none */
    int64_t held_out;                       /* held-out pictures that its losses want at once; 0: a few */
    const char *const *fields;              /* of its batch: def's, where open does not set others */
    lac_recipe_latents latents[LAC_LATENT_SORTS];
    lac_recipe_texts texts;
    struct { lac_field_def def; lac_shape one; } derived[LAC_MAX_DERIVED];
    int n_derived;
    void *state;                            /* the recipe's own */
};

#define LAC_RECIPE(name) extern const lac_recipe_def lac_recipe_##name;
#include "train/recipes.def"
#undef LAC_RECIPE

/* Finds a recipe by name among those of train/recipes.def and those registered; LAC_ERR_CONFIG with the nearest one. */
lac_status lac_recipe_find(const lac_recipe_def **def, const char *name);

/* All of them in order; NULL past the last. */
const lac_recipe_def *lac_recipe_at(int i);

/* Adds a recipe that the program's list does not have: a test's, or that of a program which links the house. *def is borrowed for good. */
lac_status lac_recipe_register(const lac_recipe_def *def);

/* Opens the recipe of a resolved config and initialises its networks from the seed. lac_recipe_close ends all; safe on zeroes. */
lac_status lac_recipe_open(lac_recipe *r, const lac_recipe_def *def, const json_t *config, const lac_backend *b, lac_dtype d);
void lac_recipe_close(lac_recipe *r);

/* For open. A network is trained by a phase, or it is frozen: no master, no gradient, no moments, no EMA, whatever the precision.
 *
 * _open_network: of a definition, lent; its config, resolved here, is what export says of it. To freeze it, set params->frozen.
 * _network, _frozen: parameters alone, of layers that the recipe makes by hand. */
lac_status lac_recipe_open_network(lac_recipe *r, const char *name, const lac_network_def *def, const json_t *config, const lac_network **n);
lac_status lac_recipe_network(lac_recipe *r, const char *name, lac_params **ps);
lac_status lac_recipe_frozen(lac_recipe *r, const char *name, lac_params **ps);
/* The next phase of a step; names are borrowed. optim and trains NULL: it trains nothing. */
lac_status lac_recipe_phase(lac_recipe *r, lac_phase **p, const char *name, const char *optim, lac_params *trains);
/* Another network that it trains: one optimizer moves them all. Its groups tell them apart by name ("text_encoder/" and a star). */
lac_status lac_phase_trains(lac_phase *p, lac_params *ps);
lac_status lac_phase_loss(lac_phase *p, const char *name, double weight);
lac_status lac_phase_shown(lac_phase *p, const char *name);
/* The same, in steps of this mode alone. */
lac_status lac_phase_loss_in(lac_phase *p, const char *mode, const char *name, double weight);
lac_status lac_phase_shown_in(lac_phase *p, const char *mode, const char *name);
const char *lac_recipe_mode(const lac_recipe *r, int64_t step);
static inline bool lac_mode_has(const char *step, const char *own) { return own == NULL || strcmp(step, own) == 0; }
/* A field that `derive` fills; dims are one sample's, the name is borrowed. */
lac_status lac_recipe_derive(lac_recipe *r, const char *name, lac_dtype d, int ndim, const int64_t *dim);
/* Whether masks of data.train belong to its records, whatever the sample (lac_mask_source_of_record), those of every set of its mix. */
bool lac_recipe_masks_of_record(const json_t *config);
/* The tokenizer that a config's `model` names: `tokenizer`, a folder or one of the program's own, and `prompts`. lac_prompts_close ends it. On a blank backend one that is not there
 * is no failure: how long prompts are is all that a plan wants of them. */
lac_status lac_recipe_tokenizer(const lac_recipe *r, lac_prompts *p, const json_t *model);
/* Keys of a network among those of a config's `model`: which it is, and its own config. */
extern const lac_key lac_recipe_network_keys[];
lac_params *lac_recipe_find_network(const lac_recipe *r, const char *name);
