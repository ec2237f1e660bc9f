/* train/recipe_latent_internal.h -- folder-local: what a stage of the recipe `latent` knows, shared by recipe_latent.c and recipe_latent_*.c. */
#pragma once

#include "core/image/image.h"
#include "models/autoencoder/autoencoder.h"
#include "models/diffusion/objective.h"
#include "models/latent/condition.h"
#include "models/latent/system.h"
#include "train/recipe.h"
#include "train/visual.h"

enum { UNET, VAE, TEXT, VISION, SEM, N_ROLES };
extern const char *const latent_role[N_ROLES];

/* What a batch may hold: of the loader, then derived. */
enum { IMAGE, MASK, CAPTION, MOMENTS, MOMENTS_AROUND, TRUTH_KEPT, SEEN_KEPT, N_LOADED,
       IDS = N_LOADED, STATES, TIMESTEP, NOISED, TARGET, WEIGHT, NOISE, POSTERIOR, AROUND, HOLE, CELLS, SURROUNDINGS, LEVEL, EXACT, SEEN,
       TRUTH, PATCHES, SAID, HEARD, N_FIELDS };

/* Which conditions a sample loses: both at once, each by a coin of its own, or both for the whole batch by one. */
enum { DROP_JOINT, DROP_SEPARATE, DROP_PER_BATCH };
#define DROPS "joint|separate|per-batch"

typedef struct latent {
    const lac_network *net[N_ROLES];            /* TEXT: NULL where the denoiser takes none */
    const lac_inpainter_def *system;
    json_t *settings;                           /* of the inpainter, resolved */
    lac_prompts prompts;
    lac_objective objective;
    lac_latent_mask mask_rule;
    lac_hole_fill fill;                         /* what the encoder reads in the hole: the system's own setting */
    int drop_rule;
    double drop, drop_visual, whole;
    bool known;                                 /* of LAC_BESIDE_MASK: cells that are no hole are in the loss */
    bool recompute;
    int visual;                                 /* lac_visual_from, none of them "auto"; -1: there are no RefAdapters */
    double lesson;                              /* weight of what SemInpainter is taught beside; 0: nothing */
    bool lesson_masked;
    int64_t global;                             /* pictures of the whole batch */
    int64_t h, z;                               /* side and channels of the latents */
    lac_image bytes;                            /* a mask as derive hands it on */
    int32_t *ids;                               /* of a prompt whose states are kept */
    lac_beside beside;                          /* what it is told of hole and surroundings; of LAC_BESIDE_MASK the precision too, and it says the object's */
    double coarse[LAC_PRECISION_LEVELS];        /* by how much masks of a level are blurred (lac_mask_coarsen) */
    const char *fields[N_LOADED + 1];
    int at[N_FIELDS], n_fields;                 /* where each stands in a batch; -1: it does not */
} latent;

static inline bool latent_brushes(const latent *m) { return m->beside == LAC_BESIDE_MASK; }
static inline bool latent_inpaints(const latent *m) { return m->beside > LAC_BESIDE_MASK; }

/* recipe_latent_networks.c */
lac_status latent_open_networks(lac_recipe *r, latent *m, const json_t *model);
lac_status latent_check_fit(const latent *m);               /* as the system itself says */
lac_status latent_open_tokenizer(const lac_recipe *r, latent *m, const json_t *model);
lac_status latent_check_sizes(const lac_recipe *r, latent *m);

/* recipe_latent_fields.c: after those */
lac_status latent_choose_kept(lac_recipe *r, const latent *m, const json_t *config);
lac_status latent_choose_texts(lac_recipe *r, const latent *m, const json_t *model);
void latent_choose_fields(lac_recipe *r, latent *m);
lac_status latent_derived_field(lac_recipe *r, latent *m, int what, const char *name, lac_dtype d, int ndim, const int64_t *dim);
lac_status latent_declare(lac_recipe *r, latent *m);

/* recipe_latent_derive.c */
static inline void *latent_data(const latent *m, const lac_batch *b, int what) { return b->field[m->at[what]].tensor.data; }
/* Whether a coin of that name leaves sample i without its condition. */
bool latent_loses(const latent *m, const lac_draws *d, int64_t i, const char *coin, double share);
lac_status latent_derive(const lac_recipe *r, const lac_draws *d, lac_batch *b);

/* recipe_latent_visual.c */
lac_status latent_choose_visual(latent *m, const json_t *model, const json_t *loss);
bool latent_wants_truth(const latent *m);               /* CLIP's features of the whole picture */
bool latent_wants_seen(const latent *m);                /* and of the one with its hole */
void latent_silence_adapters(const latent *m, bool silent);
lac_status latent_declare_visual(lac_recipe *r, latent *m);
lac_status latent_derive_visual(const lac_recipe *r, const lac_draws *d, lac_batch *b);     /* after the hole */
lac_tensor *latent_visual_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f, lac_tensor *text, lac_phase_out *out);

/* recipe_latent_step.c */
lac_tensor *latent_encode(const lac_recipe *r, lac_tape *t, lac_tensor *image, lac_tensor *mask, bool around);
lac_status latent_forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *given, lac_phase_out *out);
