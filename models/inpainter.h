/* models/inpainter.h -- how a system is used: pictures, masks and what is asked for in, the finished pictures out.
 *
 * Sample grids, `lacuna inpaint` and every evaluation go through lac_inpaint_n or lac_inpaint_each and nothing else, so every system runs everywhere. */
#pragma once

#include "core/image/image.h"
#include "models/network.h"
#include "models/prompts.h"

typedef struct lac_inpainter lac_inpainter;

/* What a user asks for besides picture and mask; a zeroed one asks for nothing. Whatever else a system may be told becomes a member
 * here and a bit below. */
typedef struct lac_ask {
    const char *prompt;             /* UTF-8, borrowed; NULL: none */
    uint64_t seed;                  /* of what is drawn at random (models/noise.h) */
    uint32_t sample;                /* whose draws these are: in evaluation the record's id, else 0 */
    const char *negative;           /* what not to paint, as prompt */
} lac_ask;

/* What a definition takes of it. */
enum { LAC_ASK_PROMPT = 1, LAC_ASK_SEED = 2 };

/* What a definition has made of pictures and may use again for the next of their results. */
typedef struct lac_canvas_memo { void *made; void (*free)(void *made); } lac_canvas_memo;

/* n results to be, of pictures of one size, padded to the definition's multiple, on the host; lives as long as the call. */
typedef struct lac_canvas {
    lac_tensor image, mask;         /* u8 [N, H, W, 3] and [N, H, W, 1], 1 = hole */
    const lac_ask *ask;             /* [N] */
    /* Results of one picture differ in their seeds alone. The pictures without repetition, each with the ask of its first result, and which of them each
     * result is of; what has no seed in it may be made of those and kept in the memo, which is at first empty and lives as long as they do. */
    const struct lac_canvas *pictures;      /* NULL in the canvas of the pictures themselves */
    const int64_t *of;                      /* [N] */
    lac_canvas_memo *memo;
} lac_canvas;

/* Of n pictures, f32 on the host: what an inpainter says of the finished picture's features before it paints, what it saw of the picture with its hole, and the
 * truth's, [N, P, C] each; cells, N P of them, 1 for the tokens of the hole. */
typedef struct lac_imagined { lac_tensor *said, *seen, *truth, *cells; } lac_imagined;

/* One of the networks that an inpainter uses, and its name among them: "unet". */
typedef struct lac_inpainter_role {
    const char *name;
    const char *networks;           /* which it may be: "autoencoder-kl|vqgan", names of definitions; the first where nothing is said */
    bool optional;
} lac_inpainter_role;

enum { LAC_INPAINTER_ROLES = 6 };

typedef struct lac_inpainter_def {
    const char *name, *about;
    lac_inpainter_role role[LAC_INPAINTER_ROLES + 1];       /* whose weights it uses; ends with { NULL } */
    const lac_key *keys;            /* of its own config: sampler, steps, how a hole is filled; NULL: none */
    /* Whether networks can work together, by what a model says of them (lac_inpainter_open): LAC_ERR_CONFIG else. NULL: any can. */
    lac_status (*fits)(const json_t *networks);
    int64_t multiple;               /* heights and widths it takes */
    bool whole;                     /* it fills no holes but makes the picture anew: looks at no mask, and nothing of the given one is kept */
    unsigned asks;                  /* LAC_ASK_..., or 0 */
    /* One of two. In one region of the tape: image [N, H, W, 3] f32 in [-1, 1], mask [N, H, W, 1] f32, 1 = hole; returns the finished
     * pictures, [N, H, W, 3]. */
    lac_tensor *(*paint)(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask);
    /* Or in as many as it likes, say one a denoising step, each by lac_inpaint_region; what one hands to the next is kept on the host by
     * lac_keep and taken up by lac_tape_input. *result: what lac_keep gave of the finished pictures. Between regions it may branch on
     * values, inside them on their signature alone. */
    lac_status (*sample)(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result);
    /* Of one that imagines features before it paints (else NULL): *y, fresh, ended by the caller also after a failure. truth: the whole pictures, under empty masks. */
    lac_status (*imagine)(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_canvas *truth, lac_imagined *y);
    const char *imagines;           /* with imagine: the role of the network whose features they are */
    const char *pipeline;           /* the class of diffusers that paints with the same networks; NULL: none */
    lac_status (*scheduler)(const json_t *config, json_t **published);      /* with pipeline: the scheduler_config.json of a config of its own, a new reference */
} lac_inpainter_def;

/* Its own, or lent: then it is not closed, and whoever lends ends what it is made of. */
struct lac_inpainter {
    const lac_inpainter_def *def;
    lac_network network[LAC_INPAINTER_ROLES];       /* in the order of def->role; zero: an optional one that is not there */
    json_t *config;                 /* of def->keys, resolved; NULL where lent without: its defaults */
    lac_prompts prompts;            /* zero: it has no tokenizer */
};

#define LAC_INPAINTER(name) extern const lac_inpainter_def lac_inpainter_##name;
#include "models/inpainters.def"
#undef LAC_INPAINTER

lac_status lac_inpainter_find(const lac_inpainter_def **def, const char *name);     /* LAC_ERR_ARG with the nearest one */
lac_status lac_inpainter_register(const lac_inpainter_def *def);        /* beside the list: a test's own */

const lac_inpainter_def *lac_inpainter_at(int i);       /* all of them in order; NULL past the last */

/* With frozen networks of its own, as lac_network_open: load values into their params. networks says by role which they are and how they are built,
 * {"unet": {"network": "unet2d-condition", "config": {...}}, ...}; what is absent is as published, an optional role not there. NULL: nothing is said.
 * config: keys of the definition; NULL: its defaults. lac_inpainter_close ends it; safe on zeroes. */
lac_status lac_inpainter_open(lac_inpainter *ip, const lac_inpainter_def *def, const json_t *networks, const json_t *config, const lac_backend *b, lac_dtype d);
void lac_inpainter_close(lac_inpainter *ip);
/* One of its own that is as `from`, values, tokenizer and all; as: another definition that its networks fit, with the settings that both know (LAC_ERR_CONFIG else); NULL: the same. */
lac_status lac_inpainter_copy(lac_inpainter *ip, const lac_inpainter *from, const lac_inpainter_def *as, const lac_backend *b, lac_dtype d);

/* A model file, which `lacuna export` or `lacuna import` wrote, a folder of diffusers with a model_index.json, or a checkpoint of latent diffusion (CompVis'
 * .ckpt: configs as its shapes tell, else as published; no tokenizer). wanted NULL: the inpainter that the file names, else the first whose networks these
 * can be.
 *
 * A model of one network is that network's file (lac_network_save). One of several has its tensors under their roles' names ("unet.conv_in.weight"), the
 * tokenizer's files as bytes ("tokenizer.vocab.json"), and metadata:
 *
 *     lacuna.inpainter       "sd-inpaint"
 *     lacuna.networks        as in lac_inpainter_open
 *     lacuna.config          of the inpainter
 *     lacuna.tokenizer       config of the tokenizer (models/prompts.h), where there is one */
lac_status lac_inpainter_load(lac_inpainter *ip, const char *path, const lac_inpainter_def *wanted, const lac_backend *b, lac_dtype d);
/* Gives it the tokenizer of a published folder (vocab.json and merges.txt, or vocab.txt), with texts as long as its encoder reads, in place of its own.
 * LAC_ERR_ARG where it has no text encoder. */
lac_status lac_inpainter_take_tokenizer(lac_inpainter *ip, const char *folder);
lac_status lac_inpainter_save(const char *path, const lac_inpainter *ip, lac_dtype d);
/* A network and the tokenizer of the texts that it reads, of which no inpainter is made (a whole CLIP), in a file of the same form, without lacuna.inpainter and
 * lacuna.config. _load_with: frozen, f32; LAC_ERR_FORMAT where the file lacks the one or the other. */
lac_status lac_network_save_with(const char *path, const lac_network *n, const lac_prompts *p, lac_dtype d);
lac_status lac_network_load_with(lac_network *n, lac_prompts *p, const char *path, const lac_network_def *wanted, const lac_backend *b);
/* A folder that diffusers' class `pipeline` loads, made if need be: model_index.json, which is there last, and a folder each for the networks, the tokenizer and
 * the scheduler. It holds what diffusers has a place for: weights, configs, tokenizer, noise schedule; not steps, guidance or how a hole is filled.
 * LAC_ERR_ARG, before anything is written, where the definition has no such class or a network has no such folder. */
lac_status lac_inpainter_save_folder(const char *path, const lac_inpainter *ip, lac_dtype d);
bool lac_inpainter_is_pipeline(const char *path);       /* a folder of diffusers with a model_index.json */
/* several: a model of several networks, a file, a folder of diffusers or a checkpoint of latent diffusion. */
lac_status lac_inpainter_is_model(const char *path, bool *several);

/* What it says of its networks, as _open takes it: a new reference. */
lac_status lac_inpainter_networks(const lac_inpainter *ip, json_t **networks);

/* Keys of its config that are to be otherwise; LAC_ERR_ARG for those that it has not. */
lac_status lac_inpainter_configure(lac_inpainter *ip, const json_t *changes);

int lac_inpainter_roles(const lac_inpainter_def *def);
/* The network of that name, which the role must take: LAC_ERR_CONFIG else. NULL or "": its first. */
lac_status lac_role_find(const lac_inpainter_role *role, const char *network, const lac_network_def **def);
const lac_backend *lac_inpainter_backend(const lac_inpainter *ip);

/* LAC_ERR_ARG where something is asked for that the definition does not take. */
lac_status lac_inpainter_takes(const lac_inpainter_def *def, const lac_ask *ask);

/* n pictures at once, all of one height and width, any size: padded to the multiple, run, cut back. result[n] are fresh; pixels where mask
 * is 0 are image's own bytes, unless it makes them `whole`, or the inpainter's config has a `paste` that says otherwise: "none", all pixels are the
 * system's, or "blur", those near the hole go from one to the other (core/image/feather.h). ask [n], or NULL for nothing. LAC_ERR_SHAPE for a mask or picture of another size, LAC_ERR_ARG as
 * lac_inpainter_takes. A mask without a hole gives a copy. A picture's result depends on the picture, its mask and its ask alone: on the
 * CPU n changes no bit (on CUDA a library may choose another kernel for another n). On failure result[] is all empty. */
lac_status lac_inpaint_n(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                         lac_image *result);
lac_status lac_inpaint(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, const lac_ask *ask, lac_image *result);

/* Result k of picture i, to be taken over or left (then it is freed); a failure ends the call. */
typedef lac_status lac_inpainted(void *context, int64_t i, int64_t k, lac_image *result);
/* `count` results of each picture, with the seeds ask[i].seed, ask[i].seed + 1, ...; at most at_once of them go through the networks together. Each is what it is
 * alone, but what does not depend on the seed is made once a picture: what the encoders of text and picture say. ask [n], not NULL; else as lac_inpaint_n. */
lac_status lac_inpaint_each(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask, int64_t count, int64_t at_once,
                            lac_inpainted *done, void *context);

/* What it imagines of n pictures at once, as lac_inpaint_n takes them, beside the truth. LAC_ERR_ARG where it imagines nothing; on failure *y is empty. */
lac_status lac_inpaint_imagine(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                               const lac_image *truth, lac_imagined *y);
void lac_imagined_free(lac_imagined *y);        /* safe on zeroes */

/* ---- for a definition's `sample` ---- */

/* lac_tape_run of a region of its own. `what` says all that body's host code branches on besides the canvas's shape: "step", "decode". */
lac_status lac_inpaint_region(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const char *what, lac_body *body, void *context);
/* In a region: the pictures, f32 in [-1, 1], and the masks, f32. */
lac_tensor *lac_canvas_image(lac_tape *t, const lac_canvas *c);
lac_tensor *lac_canvas_mask(lac_tape *t, const lac_canvas *c);
