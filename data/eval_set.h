/* data/eval_set.h -- the pictures and masks that methods are scored on: a split of a packed set as a config's `data.eval` says.
 *
 * A picture's prompt is data.eval.prompt where that is set, else the record's first caption, else its label. Order is by record id; the k-th record takes mask k mod n of the mask file. Pictures are decoded once and kept, as far as they fit into
 * LAC_EVAL_KEEP bytes; a larger set is decoded again on every pass. */
#pragma once

#include "core/config.h"
#include "data/loader.h"

#define LAC_EVAL_KEEP ((int64_t)1 << 30)

typedef struct lac_eval_set lac_eval_set;

/* Where a set or mask file of that name lies (cli/locate.h); *path is fresh. */
typedef lac_status lac_eval_locate(void *context, const char *name, char **path);

/* The loader of resolved data.eval as every evaluation has it: *source, whose set is the caller's, in evaluation order, what is drawn by record. Fields, global, first and count are
 * the caller's to set. */
lac_status lac_eval_loader(lac_loader_config *c, lac_source *source, const lac_set *set, const json_t *data, lac_eval_locate *locate, void *context);

/* data: resolved data.eval (set, split, size, crop, shorter, mask). limit: how many pictures, 0: all. *set is NULL or an earlier one,
 * which is kept when it is of the same data and limit, and closed otherwise; on failure it is NULL. */
lac_status lac_eval_set_open(lac_eval_set **set, const json_t *data, int64_t limit, lac_eval_locate *locate, void *context);
void lac_eval_set_close(lac_eval_set *set);

int64_t lac_eval_set_count(const lac_eval_set *set);

/* Where the pictures come from, for results; lives as long as the set. */
typedef struct lac_eval_about {
    const char *set, *split, *manifest, *masks, *view;
    const char *selection;          /* SHA-256 of the manifest of its objects (lac_set_selection); NULL: there is none */
    const char *prompt;             /* data.eval.prompt; NULL: each record's own */
} lac_eval_about;
lac_eval_about lac_eval_set_about(const lac_eval_set *set);

/* The labels of the split's photographs, each once, in the order of their bytes; *label [*n] is fresh, its texts live as long as the set. */
lac_status lac_eval_set_labels(const lac_eval_set *set, const char ***label, int64_t *n);

typedef struct lac_eval_picture {
    int64_t record, side;           /* its number in the set */
    const char *name;
    const char *group;              /* pictures on one background share it */
    const uint8_t *pixels, *mask;   /* [side, side, 3], and [side, side] with 1 in the hole */
    const char *prompt;             /* NULL: nothing is said */
    const char *label;              /* the record's, else its first object's; NULL: none */
} lac_eval_picture;

/* Picture i; i rises from 0, or begins again there. Borrowed until the next call. */
lac_status lac_eval_set_picture(lac_eval_set *set, int64_t i, lac_eval_picture *picture);
