/* cli/table_file.h -- a table of a paper as a Lua file: which runs it wants, what is measured of them, what was published. `trainer configs-lua/tables/NAME.lua` trains what is not
 * trained yet, in order, scores what is not scored yet, and prints the table (cli/table_run.h).
 *
 *     return {
 *       name = "catdiff-ablation",
 *       table = {
 *         caption = "...",
 *         first = { require "clip.mini", require "ldm.mini-vae" },           -- runs that others begin from (init = { { from = "runs/mini-vae" } }), in order
 *         seeds = { 1, 2, 3 },                                                -- of rows that say none
 *         rows = {
 *           { name = "row 1", config = lac.extend(require "catdiff", { ... }) },      -- its runs are NAME/seed=1, ... as those of a sweep
 *           { name = "row 3", config = ..., settings = { steps = 20 } },              -- how its inpainter is told to paint
 *           { name = "ours", weights = "weights/x.safetensors" },                     -- a model file (system = "...": of another inpainter) or a run, as it is
 *           { name = "laplace", baseline = "laplace" },
 *         },
 *         differences = { { a = "row 2", b = "row 1" } },                     -- a less b
 *         weights = { ["mini-clip"] = "runs/mini-clip" },                     -- of metrics' networks: files or runs
 *         measures = {
 *           { name = "segmentation", protocol = "catdiff-openimages-segmentation", metrics = { "fid" }, limit = 100, pictures = 24,
 *             published = { { name = "CAT-Diffusion", source = "...", values = { ["sem-cosine"] = 0.65 } } },
 *             published_differences = { { name = "row 2 - row 1", source = "...", values = { fid = -0.91 } } } },
 *           { name = "seconds", time = { size = 512, rounds = 20 } },                                   -- each row's first run paints, in turns
 *           { name = "mine", data = { set = "scenes", split = "val", size = 64, mask = "object" }, metrics = { ... } },
 *         },
 *         notes = { "..." },
 *       },
 *     }
 *
 * A run that several rows, or several tables, name is one run: it is known by its config's name. */
#pragma once

#include "cli/train_list.h"

typedef struct lac_table_file_row {
    const char *name;
    const json_t *told;             /* resolved */
    int64_t *run, n_runs;           /* of the list; none: weights or a baseline */
} lac_table_file_row;

typedef struct lac_table_file {
    json_t *file;                   /* resolved; "name", "table" */
    const json_t *table;
    const char *name;
    lac_train_list list;            /* every run, in the order in which they are trained */
    lac_table_file_row *row;
    int64_t n_rows;
} lac_table_file;

/* Whether a config as given is a table's. */
bool lac_table_file_is(const json_t *given);

/* Checks the file and every run's config. LAC_ERR_CONFIG names what is wrong and where. On failure *f is empty. */
lac_status lac_table_file_open(lac_table_file *f, lac_experiment *e);
void lac_table_file_close(lac_table_file *f);           /* safe on zeroes */

/* Whether a file or folder is there, or is that of a run which the table trains. */
bool lac_table_file_has(const lac_table_file *f, const char *path);

/* A measure as a protocol (cli/protocol.h), resolved, a new reference: its `protocol` under what it says itself. */
lac_status lac_table_file_protocol(const json_t *measure, json_t **protocol);
