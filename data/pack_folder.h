/* data/pack_folder.h -- `lacuna pack folder`: pictures in folders, or named by list files, into one packed set.
 *
 * A source is a folder (walked to the bottom, in byte order of the paths; .jpg .jpeg .png in any case) or a list file (*.flist, *.txt: one
 * path a line, in its order, as the Places2 and CelebA-HQ lists of DeepFill are; relative paths start at `root`, or at the
 * list's folder). Names are the paths below the source. */
#pragma once

#include "data/pack.h"

typedef struct lac_pack_folder_options {
    const char *title;          /* NULL: the target's name without folder and ending */
    const char *split;          /* of everything; NULL: "train" - or by place, if split_by_place */
    bool split_by_place;        /* a folder's first sub-folder, or a list's own name without ending, is the split ("val.flist": val) */
    const char *root;           /* where a list's relative paths start; NULL: the list's folder */
    const char *licence;        /* of everything; NULL: "" */
    int64_t max_side;           /* shrink what is longer (lac_pack_shrink); 0: bytes as published */
    bool strict;                /* one unreadable picture is an error; else it is skipped, named, counted */
    lac_set_complain *skipped;  /* hears of each; may be NULL */
    void *context;
} lac_pack_folder_options;

/* *packed and *skipped are counts. LAC_ERR_ARG when no picture is left. */
lac_status lac_pack_folder(const char *const *sources, int n_sources, const char *out, const lac_pack_folder_options *options,
                           int64_t *packed, int64_t *skipped);
