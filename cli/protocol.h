/* cli/protocol.h -- a benchmark's own way of measuring, as a Lua table: which split with which masks at which size, what the models are told, which
 * metrics, and what the authors published. `lacuna eval --protocol NAME` takes configs-lua/protocols/NAME.lua, or a file.
 *
 *     return {
 *       about = "BrushBench, holes inside objects (Ju et al. 2024)",
 *       data = { set = "brushbench-inside", split = "test", size = 512, crop = "squash", shorter = 0, mask = "object" },
 *       through = "runs/mini-vae",                                               -- the pictures as this autoencoder makes them anew, painted and measured without its loss
 *       sampling = { sampler = "unipc", steps = 50, guidance_scale = 7.5 },    -- keys of inpainters that have them
 *       seed = 1234,
 *       metrics = { "brushnet-psnr", ... },
 *       published = { { name = "BrushNet", source = "arXiv:2403.06976, table 1", values = { ["brushnet-psnr"] = 21.65 } }, ... },
 *     } */
#pragma once

#include "cli/model_arg.h"
#include "core/config.h"

extern const lac_key lac_protocol_keys[];

/* *protocol is a new reference, resolved, with its name under "name". LAC_ERR_IO for a name that is neither a file nor among the program's own, which
 * it lists; LAC_ERR_CONFIG naming file and line. */
lac_status lac_protocol_open(json_t **protocol, const char *word);

/* The names of the program's own, "a, b, c"; free() it. */
lac_status lac_protocol_names(char **names);

/* Its metrics, "a,b,c"; free() it. */
lac_status lac_protocol_metrics(const json_t *protocol, char **list);

/* Its sampling, as far as the inpainter has such keys and `how` does not say otherwise. */
lac_status lac_protocol_sampling(const json_t *protocol, const lac_model_how *how, lac_inpainter *ip);
