/* eval/weights.h -- files of weights that metrics were given by name: --weights NAME=FILE.
 *
 * One NAME may have several files (LPIPS: torchvision's backbone and the package's heads), whose keys are joined. A network asks for the
 * names that its definition lists (eval/features.h) and says in its recipe, or beside its value, what each file's SHA-256 is. */
#pragma once

#include "core/file/weights.h"
#include "core/sha256.h"

#include <jansson.h>

struct lac_network;
struct lac_network_def;
struct lac_backend;

typedef struct lac_eval_file { char *path, sha256[LAC_SHA256_HEX]; } lac_eval_file;
typedef struct lac_eval_files { char *name; lac_eval_file *file; int64_t n, capacity; } lac_eval_files;     /* in the order given */

/* A zeroed one is empty; lac_eval_weights_free ends it. */
typedef struct lac_eval_weights { lac_eval_files *entry; int64_t n, capacity; } lac_eval_weights;

/* "NAME=FILE". Reads the file for its hash alone. LAC_ERR_ARG for words of another form, LAC_ERR_IO for a file that is not there. */
lac_status lac_eval_weights_add(lac_eval_weights *w, const char *given);
void lac_eval_weights_free(lac_eval_weights *w);

const lac_eval_files *lac_eval_weights_find(const lac_eval_weights *w, const char *name);       /* NULL when none were given; w may be NULL */
/* The same as a status: LAC_ERR_ARG says "--weights NAME=FILE" where none were given. */
lac_status lac_eval_weights_want(const lac_eval_weights *w, const char *name, const lac_eval_files **files);

/* { NAME: [SHA-256, ...] } of these names, which end with NULL; an empty list where none were given. A new reference. */
json_t *lac_eval_weights_json(const lac_eval_weights *w, const char *const *names);

/* The first twelve digits of each file's hash, "e3b0c44298fc+9f86d081884c": what a recipe says of weights. free(*mark). */
lac_status lac_eval_files_mark(const lac_eval_files *files, char **mark);

/* All keys of the files as one; lac_weights_close ends it. LAC_ERR_FORMAT for a key that two of them have. */
lac_status lac_eval_files_open(const lac_eval_files *files, lac_weights **joined);
/* Into an opened network (models/network.h), in whichever of its formats they are, strictly: missing, surplus and misshapen keys are one error that names NAME and files.
 * _open_network: into a fresh one on b, frozen, f32, of the sizes that the files tell. LAC_ERR_KEY where they are not such a network's. */
lac_status lac_eval_files_load(const lac_eval_files *files, struct lac_network *net);
lac_status lac_eval_files_open_network(const lac_eval_files *files, struct lac_network *net, const struct lac_network_def *def, const struct lac_backend *b);
