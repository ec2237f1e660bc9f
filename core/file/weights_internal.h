/* core/file/weights_internal.h -- what opening and reading of weights share. */
#pragma once

#include "core/file/stored.h"
#include "core/file/weights.h"
#include "core/file/zip.h"

typedef struct lac_weights_part { char *path; int fd; lac_zip zip; } lac_weights_part;

struct lac_weights {
    char *path;
    lac_weights_part *part;             /* one file, or the shards of a folder */
    int64_t n_parts, capacity;
    lac_contents all;                   /* by name once it is open */
    json_t *metadata;                   /* of the parts, the first one's where several say a key; and a folder's config.json */
};

/* One more file, of any container; its tensors and metadata join those that are there. The message names the path, where it is not w's own. */
lac_status lac_weights_add_file(lac_weights *w, const char *path);
/* The file or the shards that hold a folder's weights, and its config.json. */
lac_status lac_weights_add_folder(lac_weights *w, const char *folder);
/* By name, each once. */
lac_status lac_weights_sort(lac_weights *w);
