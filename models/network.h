/* models/network.h -- a network as the program knows it: its name, its config, its parameters, and its weights in files.
 *
 * A network is a struct of layers, an init that makes them from a config, and functions of its own that call ops. The definition ties these
 * together, so that recipes, inpainters, metrics, probe, import and export open any network in the same way. How foreign files name and
 * lay out its weights is said by its formats (models/network_format.h). */
#pragma once

#include "autograd/params.h"
#include "autograd/tape.h"
#include "core/config.h"

struct lac_weights;
struct lac_network_format;
struct lac_network_folder;

typedef struct lac_network_def {
    const char *name, *about;                   /* "deepfill": what files and command lines call it */
    const lac_key *keys;                        /* schema of its config; NULL: none */
    size_t size;                                /* of the struct that init fills */
    /* Fills *model, which is zero, and adds its parameters to ps. config is resolved by keys. After an error close is called. */
    lac_status (*init)(void *model, lac_params *ps, const json_t *config);
    void (*close)(void *model);                 /* ends what *model owns beside its parameters; NULL: nothing */
    /* Of a text encoder: its states, ids i32 [N, T] -> [N, T, C]. And of all that read texts: how many ids there are, and how many of them in a text. */
    lac_tensor *(*states)(lac_tape *t, const void *model, lac_tensor *ids);
    void (*reads)(const void *model, int64_t *vocabulary, int64_t *length);
    const struct lac_network_format *formats;   /* of foreign files, ends with { NULL }; NULL: its own names alone */
    const struct lac_network_folder *folder;    /* how diffusers or transformers keep it (models/network_folder.h); NULL: they do not */
} lac_network_def;

#define LAC_NETWORK(identifier) extern const lac_network_def lac_network_##identifier;
#include "models/networks.def"
#undef LAC_NETWORK

lac_status lac_network_find(const lac_network_def **def, const char *name);     /* LAC_ERR_ARG with the nearest one */
/* All of them in order: models/networks.def, then those registered. NULL past the last. */
const lac_network_def *lac_network_at(int i);
/* Adds one that the list does not have, a test's own; *def is borrowed for good. Again: nothing. LAC_ERR_STATE when there is no room. */
lac_status lac_network_register(const lac_network_def *def);

/* The resolved config, a new reference, of given keys (NULL: none). */
lac_status lac_network_resolve(const lac_network_def *def, const json_t *given, json_t **config);

typedef struct lac_network {
    const lac_network_def *def;
    lac_params *params;
    void *model;                                /* def's struct */
    json_t *config;                             /* resolved */
    bool bgr;                                   /* its weights expect pictures blue first (the official DeepFill checkpoints) */
} lac_network;

/* All end with lac_network_close, safe on zeroes; after an error there is nothing to close. config is resolved here (NULL: all defaults).
 *
 * _make: trainable, parameters not yet initialised: change `gain`, then call lac_params_init. name is its name among others
 *        ("generator"), first in the path of messages; NULL: def's.
 * _open: frozen, values drawn by their inits: load them into n->params. _open_zero: values 0, for who loads all of them; of a large network drawing takes
 *        as long as reading.
 * _load: frozen, from a file that _save wrote or a folder of diffusers or transformers; `wanted` NULL takes what the file says, else another
 *        network is LAC_ERR_FORMAT. */
lac_status lac_network_make(lac_network *n, const lac_network_def *def, const char *name, const json_t *config, const lac_backend *b, lac_dtype d);
lac_status lac_network_open(lac_network *n, const lac_network_def *def, const json_t *config, const lac_backend *b, lac_dtype d);
lac_status lac_network_open_zero(lac_network *n, const lac_network_def *def, const json_t *config, const lac_backend *b, lac_dtype d);
lac_status lac_network_load(lac_network *n, const char *path, const lac_network_def *wanted, const lac_backend *b, lac_dtype d);
void lac_network_close(lac_network *n);

/* The weights under their published names and in the border's layouts, as LAC_F32, LAC_BF16 or LAC_F16, and metadata that say what they are:
 *
 *     lacuna.network         "deepfill"       (files of before: lacuna.inpainter)
 *     lacuna.config          the resolved config, JSON
 *     lacuna.channel_order   "rgb" or "bgr"
 *
 * The same weights give the same bytes: no date, path or name of a run. */
lac_status lac_network_save(const char *path, const lac_network *n, lac_dtype d);

/* What a file's metadata say, or a folder's config.json; *config is a new reference, resolved. LAC_ERR_FORMAT when they say nothing. */
lac_status lac_network_about(const struct lac_weights *w, const lac_network_def **def, json_t **config, bool *bgr);

enum { LAC_NETWORK_MAX_IN = 8, LAC_NETWORK_MAX_OUT = 8 };

/* Calls ops on the region's tensors and sets out[]. in[i] NULL where none was given. Called twice (planning, running): it branches
 * on the network's config, shapes and absent inputs alone. */
typedef lac_status lac_network_call(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out);

/* One region: copies in[i], host tensors, onto the tape in their own dtypes, calls f, and copies out[i] back: new host tensors (floats as
 * f32), the caller's until lac_tensor_free; all NULL after an error. what names f ("encode") among the network's calls. */
lac_status lac_network_run(const lac_network *n, lac_tape *t, const char *what, lac_network_call *f, lac_tensor *const *in, int n_in,
                           lac_tensor **out, int n_out);
