/* autograd/params.h -- the parameters and buffers of one network, by the published checkpoint's names.
 *
 * Values are in the network's working dtype (f32 or bf16); roles norm and bias, and parameters made with LAC_PARAM_F32, stay f32.
 * A frozen network has values only. For a trained one the optimizer keeps f32 masters and gradients in flat arenas in name
 * order; where the working dtype is f32 the values are the masters. */
#pragma once

#include "core/sha256.h"
#include "core/tensor.h"

#include <stdint.h>

typedef enum { LAC_ROLE_CONV, LAC_ROLE_CONV_TRANSPOSED, LAC_ROLE_LINEAR, LAC_ROLE_EMBEDDING, LAC_ROLE_NORM, LAC_ROLE_BIAS,
               LAC_ROLE_OTHER, LAC_ROLE_BUFFER } lac_role;
/* Glorot's uniform; uniform in [-1, 1]; N(0, 1); the same truncated at 2. What lac_param_new is given, a layer may change (lac_param_uniform, ...). */
typedef enum { LAC_INIT_ZERO, LAC_INIT_ONE, LAC_INIT_XAVIER, LAC_INIT_UNIFORM, LAC_INIT_NORMAL, LAC_INIT_TRUNCATED } lac_init;
enum { LAC_PARAM_F32 = 1 };                     /* flags: kept in f32 whatever the working dtype */
enum { LAC_PARAM_NAME = 256, LAC_PARAM_DEPTH = 16 };        /* bytes of a name, its end included; modules within modules */

struct lac_param {
    char *name;                                 /* "conv1.weight" */
    lac_role role;
    lac_init init;
    float gain;                                 /* times what is drawn; 1 unless set before lac_params_init */
    float mean;                                 /* and then added to it; 0 unless set before lac_params_init */
    lac_tensor *value;                          /* layouts of core/tensor.h; uid and version set; data from lac_params_init on */
    bool undecayed, bounded;                    /* a recipe's word to its optimizer: no weight decay unless a group says so; no value above `most` after a step (CLIP's logit_scale) */
    float most;
    float *master, *grad;                       /* the optimizer's, f32, numel long; NULL when frozen */
    bool has_grad;                              /* grad holds contributions since the last clear */
    lac_tensor *pending;                        /* a buffer's new value, see lac_tape_commit */
    bool pending_set, pending_sum;              /* _sum: of lac_tape_commit_sum */
    struct lac_params *of;
};

typedef struct lac_params {
    const char *name;                           /* "generator" */
    const lac_backend *backend;
    lac_dtype dtype;                            /* working dtype */
    bool frozen;
    bool (*ignores)(const char *name);          /* set by the network: a tensor of a file that is no parameter is passed over, not surplus; NULL: none is */
    lac_param **param;                          /* in order of creation */
    int64_t n, capacity;
    lac_param **sorted;                         /* the same by name, after lac_params_init */
    char **names;                               /* interned module names */
    int64_t n_names, names_capacity;
    struct { char path[LAC_PARAM_NAME]; size_t end[LAC_PARAM_DEPTH]; int depth; } in;      /* the module whose names are being made */
    struct { void *data; size_t bytes; } block[2];      /* the backend's: values that masters may stand in for, and the others */
} lac_params;

/* Networks that are trained together, in order; n = 0: nothing is. */
enum { LAC_MAX_TRAINED = 4 };
typedef struct lac_trained { lac_params *ps[LAC_MAX_TRAINED]; int n; } lac_trained;

static inline bool lac_trained_has(const lac_trained *t, const lac_params *ps)
{
    bool has = false;
    for (int i = 0; i < t->n; i++)
        has |= t->ps[i] == ps;
    return has;
}

lac_status lac_params_new(lac_params **ps, const char *name, const lac_backend *b, lac_dtype working);
void lac_params_free(lac_params *ps);

/* Names made from _enter to its _leave stand under this module and those around it: "blocks.3" and in it "conv1" give
 * "blocks.3.conv1.weight". LAC_ERR_ARG where that is too long or too deep; after an error nothing need be left. */
lac_status lac_params_enter(lac_params *ps, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lac_params_leave(lac_params *ps);

/* The whole name of a module, for lac_tape_enter: an interned copy that lives as long as ps. */
lac_status lac_params_name(lac_params *ps, const char **interned, const char *name);

/* dims in the project's layout; role LAC_ROLE_BUFFER is saved, exported, never trained. A name used twice is an error. */
lac_status lac_param_new(lac_params *ps, lac_param **p, lac_role role, int ndim, const int64_t *dim, lac_init init, unsigned flags,
                         const char *format, ...) __attribute__((format(printf, 8, 9)));

/* What lac_params_init fills p with, in place of what it was made with. */
void lac_param_zero(lac_param *p);
void lac_param_uniform(lac_param *p, double bound);             /* in [-bound, bound] */
void lac_param_normal(lac_param *p, double mean, double deviation);

/* After the last lac_param_new: sorts, gives the values memory, and fills them by each one's init from Philox (seed, "init/NETWORK/NAME"). */
lac_status lac_params_init(lac_params *ps, uint64_t seed);
/* The same with zeros, for who sets all of them: of a thousand million, drawing takes as long as reading. */
lac_status lac_params_init_zero(lac_params *ps);

lac_param *lac_params_find(const lac_params *ps, const char *name);
bool lac_param_trained(const lac_param *p);                    /* not a buffer, network not frozen */
int64_t lac_params_numel(const lac_params *ps);                 /* trained and frozen parameters, buffers left out */

/* Values as f32 in the project's layout; setting also bumps the version and rounds to the working dtype (and sets the master). */
lac_status lac_param_get(const lac_param *p, float *to);
/* SHA-256 of the parameters' names, in order, and values as f32. */
lac_status lac_params_hash(const lac_params *ps, char hex[LAC_SHA256_HEX]);
lac_status lac_param_set(lac_param *p, const float *from);
void lac_param_changed(lac_param *p);                           /* after writing value->data by other means */

/* The f32 values of trained parameters become their masters, which hold the same, and give up memory of their own; _own gives it back
 * with what the masters hold. On failure (memory) those parameters have no data. */
void lac_params_borrow_masters(lac_params *ps);
lac_status lac_params_own_values(lac_params *ps);

void lac_params_clear_grad(lac_params *ps);
/* Pending buffer values become the values, unless *unless, in the backend's memory, is set. */
lac_status lac_params_commit(lac_params *ps, const uint32_t *unless);
void lac_params_drop(lac_params *ps);

/* Border layouts: the dims of the published layout (OIHW, IOHW, [O, I]) and element-wise reordering. */
lac_shape lac_border_shape(lac_role role, const lac_shape *ours);
lac_shape lac_inner_shape(lac_role role, const lac_shape *border);
void lac_to_border(float *to, const float *from, lac_role role, const lac_shape *ours);
void lac_from_border(float *to, const float *from, lac_role role, const lac_shape *ours);

struct lac_weights;
/* Whether the file holds just what n networks want, each under its prefix: missing, surplus and misshapen keys, and those that
 * are not of floats, are one error that lists all, first twenty by name. After lac_params_init. */
lac_status lac_params_check(lac_params *const *ps, const char *const *prefix, int n, const struct lac_weights *w);
/* Loads by name from a file whose keys carry `prefix` ("" or "generator."); checks everything before anything is written.
 * strict: missing, surplus (under the prefix) and misshapen keys are one error that lists all, first twenty by name; not strict:
 * only what matches in name and shape is taken and *n_loaded says how many. NaN or infinity in a weight is an error naming it. In both,
 * `position_ids`, a buffer of older transformers' files, is never surplus. */
lac_status lac_params_load(lac_params *ps, const struct lac_weights *w, const char *prefix, bool strict, int64_t *n_loaded);
