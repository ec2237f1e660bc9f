/* models/diffusion/sampler.h -- how a sample of noise becomes a picture: x_{t-1} from x_t and what the network says, step by step.
 *
 * A sampler's step is data: a few moves, each of which sets a slot to a linear combination of slots. Slots hold the sample, the network's output, the
 * step's noise, and what the sampler remembers. The coefficients are made in double on the host from the schedule; one op (lincomb) applies them on
 * any device, read from memory, so that steps of one pattern are one region of the tape.
 *
 * The caller loops, each step a region of its own (models/inpainter.h):
 *
 *     lac_sampler_open(&s, config);                                       config: diffusers' scheduler config, with num_inference_steps
 *     lac_sampler_begin(&s, &st, x);                                      x from lac_noise_new (models/noise.h)
 *     while (st.k < s.n) {                                                in a region whose signature has lac_sampler_pattern:
 *         x = lac_sampler_input(t, &s, &st);                              what the network sees
 *         e = network(t, x, s.timestep[st.k], ...);
 *         x = lac_sampler_step(t, &s, &st, e, v, noise);                  noise where lac_sampler_draws(&s, st.k), else NULL
 *         lac_sampler_keep(t, &s, &st, x);                                x, or what the caller made of it: blended, pasted
 *                                                                         after the region:
 *         lac_sampler_next(&st);
 *     }
 *
 * The state between steps is st.k and the tensors of st.slot, on the host: with them a sampler goes on at any time. Nothing is drawn here. */
#pragma once

#include "autograd/tape.h"
#include "models/diffusion/noise_schedule.h"
#include "models/diffusion/prediction.h"
#include "models/diffusion/variance.h"

enum {
    LAC_SLOT_SAMPLE,                                    /* x_t, in the sampler's own scaling */
    LAC_SLOT_START,                                     /* a sample kept for a later step */
    LAC_SLOT_HISTORY, LAC_SAMPLER_HISTORY = 5,          /* so many estimates or outputs of steps before */
    LAC_SLOTS_KEPT = LAC_SLOT_HISTORY + LAC_SAMPLER_HISTORY,
    LAC_SLOT_OUTPUT = LAC_SLOTS_KEPT,                   /* the network's, guided */
    LAC_SLOT_NOISE,                                     /* standard normals */
    LAC_SLOT_X0,                                        /* an estimate of the picture that lives for one step */
    LAC_SLOTS,
    LAC_MOVE_TERMS = 7, LAC_STEP_MOVES = 4,
};

typedef struct lac_move {
    int to, n, from[LAC_MOVE_TERMS];
    double a[LAC_MOVE_TERMS];
    double clip;                                        /* cut to [-clip, clip]; 0: not */
} lac_move;

typedef struct lac_sampler_moves { int n; lac_move move[LAC_STEP_MOVES]; } lac_sampler_moves;

typedef struct lac_sampler lac_sampler;

typedef struct lac_sampler_def {
    const char *name, *about;                           /* diffusers' class */
    const lac_key *keys;
    lac_status (*init)(lac_sampler *s);                 /* fills n, timestep (room for S + 1), sigma (S + 1, zero), init_sigma where they are not S, 0 and 1 */
    void (*step)(const lac_sampler *s, int64_t k, lac_sampler_moves *m);
    bool (*is_random)(const lac_sampler *s);            /* steps may add noise; NULL: never */
    void (*skipped)(lac_sampler *s);                    /* after lac_sampler_skip: puts right what is no plain list; NULL: nothing */
    /* Whether the network says the variance of the noise, and within which bounds in step k; NULL: it does not. */
    bool (*variance)(const lac_sampler *s, int64_t k, lac_variance_range *range);
    bool scales_input;                                  /* samples are x_0 + sigma noise, the network sees them divided by sqrt(sigma^2 + 1) */
} lac_sampler_def;

#define LAC_SAMPLER(identifier) extern const lac_sampler_def lac_sampler_##identifier;
#include "models/diffusion/samplers.def"
#undef LAC_SAMPLER

struct lac_sampler {
    const lac_sampler_def *def;
    json_t *config;                                     /* resolved by def->keys */
    lac_noise_schedule schedule;
    lac_prediction prediction;
    int64_t steps, n;                                   /* num_inference_steps, and how often the network is called */
    double *timestep, *sigma;                           /* [n], [steps + 1] */
    double init_sigma;                                  /* standard normals times this begin */
};

/* Keys that every definition lists. */
#define LAC_SAMPLER_KEYS(spacing)                                                                                                           \
    { "_class_name", LAC_KEY_STR, NULL, .help = "the sampler, by diffusers' class" },                                                       \
    { "num_inference_steps", LAC_KEY_INT, NULL, .min = 1, .max = 1000000, .help = "steps, S" },                                             \
    LAC_NOISE_SCHEDULE_KEYS("1e-4", "0.02", "\"linear\""),                                                                                  \
    { "timestep_spacing", LAC_KEY_STR, spacing, .choices = "leading|trailing|linspace", .help = "which timesteps are taken" },              \
    { "steps_offset", LAC_KEY_INT, "0", .min = 0, .max = 1000000, .help = "added to timesteps of leading" }

/* config: an object of keys as diffusers' scheduler_config.json has them, and what a run adds: num_inference_steps, eta. `_class_name` says which
 * sampler; keys of the others have no effect, those that no sampler here has a use for must have diffusers' default, other keys that begin with _ are
 * ignored. LAC_ERR_CONFIG names the key. Ends with lac_sampler_close, safe on zeroes; after an error there is nothing to close. */
lac_status lac_sampler_open(lac_sampler *s, const json_t *config);
void lac_sampler_close(lac_sampler *s);

/* Leaves out the first `first` of its steps, fewer than there are: what was step `first` is step 0, as if nothing were before it. For beginning in the
 * middle (strength), from a sample made as lac_sampler_level(s, 0) says. */
void lac_sampler_skip(lac_sampler *s, int64_t first);

/* Every key that lac_sampler_open takes, those in which samplers differ of any type and without a default. */
extern const lac_key lac_sampler_keys[];

bool lac_sampler_draws(const lac_sampler *s, int64_t k);        /* step k adds noise */
bool lac_sampler_is_random(const lac_sampler *s);               /* some step may */
bool lac_sampler_learns_variance(const lac_sampler *s);         /* the network's output has as many channels again, of which lac_sampler_step is told */
bool lac_sampler_remembers(const lac_sampler *s);               /* some step reads what steps before it left: a sample alone is not enough to go on from */
double lac_sampler_input_scale(const lac_sampler *s, int64_t k);
/* Picture and noise in a sample before step k; after the last, k = n, the picture alone. */
lac_mixture lac_sampler_level(const lac_sampler *s, int64_t k);

/* Steps with one pattern differ in numbers alone: part of the region's signature. At most `size` characters, 256 are enough. */
void lac_sampler_pattern(const lac_sampler *s, int64_t k, char *text, size_t size);

typedef struct lac_sampler_state {
    int64_t k;                                          /* steps done */
    lac_tensor *slot[LAC_SLOTS_KEPT];                   /* f32, on the host; NULL: holds nothing yet */
    lac_tensor *next[LAC_SLOTS_KEPT];                   /* of the step under way */
    lac_tensor *on_tape[LAC_SLOTS];
    unsigned written;
    float a[1 + LAC_STEP_MOVES][LAC_MOVE_TERMS], unclip[LAC_STEP_MOVES], range[2];        /* coefficients on their way to the device */
} lac_sampler_state;

/* x: f32, on the host; the state's from here on. _begin: standard normals, brought to the scale of step 0. _begin_at: a sample before step k, as
 * lac_sampler_level says it is made of picture and noise. */
void lac_sampler_begin(const lac_sampler *s, lac_sampler_state *st, lac_tensor *x);
void lac_sampler_begin_at(lac_sampler_state *st, int64_t k, lac_tensor *x);
void lac_sampler_state_free(lac_sampler_state *st);

/* In a region, in this order. noise, output and variance, what the network says of it where lac_sampler_learns_variance, else NULL, may be f32 or bf16, of the sample's
 * shape. LAC_ERR_STATE past the last step, or where the step's noise or its variance is missing. Results are f32. */
lac_tensor *lac_sampler_input(lac_tape *t, const lac_sampler *s, lac_sampler_state *st);
lac_tensor *lac_sampler_step(lac_tape *t, const lac_sampler *s, lac_sampler_state *st, lac_tensor *output, lac_tensor *variance, lac_tensor *noise);
lac_status lac_sampler_keep(lac_tape *t, lac_sampler_state *st, lac_tensor *sample);
/* After the region. */
void lac_sampler_next(lac_sampler_state *st);

/* ---- for definitions ---- */

lac_move *lac_moves_to(lac_sampler_moves *m, int slot);         /* one more move */
void lac_move_add(lac_move *m, int slot, double a);             /* a times the slot; terms of one slot are put together */
void lac_move_add_estimate(lac_move *m, lac_estimate e, double a);      /* of sample and output */
