/* models/network_folder.h -- a network as diffusers or transformers keep it: a folder of weights and config.json (core/file/folder.h).
 *
 * A definition that names `folder` is read from such folders and written into them: its own names are the published ones, its config's keys
 * are those of config.json. `_class_name` (diffusers) or `architectures` (transformers) say whose the folder is. */
#pragma once

#include "models/network.h"

typedef struct lac_network_folder {
    const char *layout;                 /* "diffusers" or "transformers": a word of `export --layout` */
    const char *weights;                /* "diffusion_pytorch_model.safetensors" */
    const char *const *classes;         /* what such folders say they are, ends with NULL; the first is written */
    /* Adds to config.json what the library wants beside the class and our keys ("model_type"); NULL: nothing. */
    lac_status (*describe)(const json_t *config, json_t *published);
    /* What our keys are by a config.json of another make (CLIPModel's `text_config`), into config; NULL: the keys as they stand. Keys that
     * begin with _ are never ours. */
    lac_status (*adopt)(const json_t *published, json_t *config);
} lac_network_folder;

/* What a config.json says it is, as text within it; NULL: nothing. */
const char *lac_network_class_of(const json_t *published);
/* LAC_ERR_FORMAT, naming both, where config.json is of another class than the network's; one that says none passes. */
lac_status lac_network_check_class(const lac_network_def *def, const json_t *published);
/* The network of that class; NULL where none is known. */
const lac_network_def *lac_network_of_class(const json_t *published);
/* The network's keys by a config.json, checked for its class; a new reference, not resolved. */
lac_status lac_network_adopt(const lac_network_def *def, const json_t *published, json_t **config);

/* A config as text into FOLDER/name, keys in order; the folder is there. */
lac_status lac_config_write(const char *folder, const char *name, const json_t *config);

/* config.json and weights into a folder, made if need be, for the library to load. The weights are there first, so that a folder with a
 * config is whole. LAC_ERR_ARG where the definition names no such folder. */
lac_status lac_network_save_folder(const char *path, const lac_network *n, lac_dtype d);
