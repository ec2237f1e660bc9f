/* core/file/folder.h -- folders as diffusers and transformers write them.
 *
 *     a model      config.json, and weights in diffusion_pytorch_model.safetensors or model.safetensors, in the shards that a
 *                  *.safetensors.index.json names, else in .bin files of the same kinds, else in those of the variant "fp16"
 *     a pipeline   model_index.json, and a folder for each of its components: unet/, vae/, text_encoder/, tokenizer/, scheduler/ */
#pragma once

#include "core/status.h"

#include <jansson.h>

enum { LAC_FOLDER_NAME = 256 };

/* The file that holds a folder's weights, or the index of its shards; `found` false: it has none (and no error). */
lac_status lac_folder_weights(const char *folder, char name[LAC_FOLDER_NAME], bool *found);
bool lac_folder_has_weights(const char *folder);            /* false also for what is no folder */

/* The config of a folder: config.json, of a scheduler scheduler_config.json, of a tokenizer tokenizer_config.json. *config is a new
 * reference to an object, NULL where the folder has none of them. The message names the file. */
lac_status lac_folder_config(const char *folder, json_t **config);

/* A component of a pipeline: its folder, free(*path), and its config as above. LAC_ERR_IO, naming what the pipeline has, where it is not
 * there. lac_weights_open opens the path. */
lac_status lac_pipeline_component(const char *folder, const char *component, char **path, json_t **config);
