/* cli/model_arg.h -- the word MODEL or RUN on a command line: a run's folder, or weights that say what they are (models/network.h).
 *
 * A run gives the networks of its newest checkpoint, the averaged ones where there is an EMA. */
#pragma once

#include "cli/options.h"
#include "train/run.h"

/* An inpainter of its own, ready for use; nothing of the run stays in memory but its config. Ends with lac_model_close. */
typedef struct lac_model {
    lac_inpainter ip;
    char *name;                 /* for a table's row: the run's name, or the file's without folder and ending */
    json_t *config;             /* of the run's stage, resolved; NULL for a file */
} lac_model;

/* How it runs: words of the options of the same names; "auto" is what lac_run_device makes of it. system: an inpainter that is to use the model's
 * networks; NULL: the model's own. */
typedef struct lac_model_how {
    const char *device, *precision, *system;
    const char *sampler, *steps, *guidance, *strength;      /* of the inpainter's config, as words; NULL: as the model says */
    lac_words set;                                          /* KEY=VALUE for all other keys; lac_words_free */
} lac_model_how;

/* The rows of these options, for a command's table. */
#define LAC_MODEL_HOW_OPTIONS(how) \
    { "precision", 0, "NAME", LAC_OPTION_STRING, &(how).precision, "f32, bf16 or auto (default auto: bf16 where the machine is made for it)" }, \
    { "system", 0, "NAME", LAC_OPTION_STRING, &(how).system, "which inpainter uses a model's networks (default: what the model says)" }, \
    { "sampler", 0, "NAME", LAC_OPTION_STRING, &(how).sampler, "of a model that samples: ddpm, ddim, pndm, dpm, unipc, euler, euler-ancestral" }, \
    { "steps", 0, "N", LAC_OPTION_STRING, &(how).steps, "of the sampler" }, \
    { "guidance", 0, "X", LAC_OPTION_STRING, &(how).guidance, "how much the prompt counts; 1: without guidance" }, \
    { "strength", 0, "X", LAC_OPTION_STRING, &(how).strength, "share of the steps that is taken, from the picture itself; 1: from noise" }, \
    { "setting", 0, "KEY=VALUE", LAC_OPTION_MULTIPLE, &(how).set, "any other key of the model's sampling: paste=blur, hole_fill=black (docs/latent.md)" }, \
    { "device", 0, "NAME", LAC_OPTION_STRING, &(how).device, "cpu, cuda or auto (default auto)" }

bool lac_model_is_run(const char *word);        /* a folder */
lac_status lac_model_device(const lac_model_how *how, const lac_backend **b, lac_dtype *d);

/* LAC_ERR_IO when there is neither run nor file of that name. */
lac_status lac_model_open(lac_model *m, const char *word, const lac_model_how *how);
/* What `how` says of its config, put into it. lac_model_open has done so. */
lac_status lac_model_configure(lac_model *m, const lac_model_how *how);
/* What its pictures depend on: { "inpainter", "weights": { ROLE: SHA-256 of names and values }, "config", "precision", "device" }; a new reference. Reads all weights. */
lac_status lac_model_about(const lac_model *m, json_t **about);
void lac_model_close(lac_model *m);             /* safe on zeroes */
