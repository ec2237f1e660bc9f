/* train/checkpoint.h -- a run at one step, as HDF5: FOLDER/step-000123.h5.
 *
 *     about/{format,step,stage,model,config,numbers,code}      what it is
 *     names [n], crc [n]                                       arrays in name order and the CRC-32C of each one's bytes
 *     state/NAME                                               the arrays of a lac_state
 *
 * Written aside, synced, renamed: neither a kill nor a full disk touches an older file. The same content gives the same bytes.
 * One thread at a time (core/file/hdf5.h). */
#pragma once

#include "train/state.h"

typedef struct lac_checkpoint {
    int64_t step;               /* steps done */
    char *stage, *model;        /* "main"; "deepfillv2": what may load it */
    char *config, *numbers;     /* the resolved table and the recipe's own numbers, as JSON */
    char *code;                 /* version of the program that wrote it */
} lac_checkpoint;

/* Writes path; *s is sorted. No field of *about is NULL. */
lac_status lac_checkpoint_write(const char *path, const lac_checkpoint *about, lac_state *s);

/* Writes FOLDER/step-N.h5 (making the folder), then removes all but the `keep` newest, keep >= 1. Files of later steps, left from a time
 * before the run went back to this one, go too. */
lac_status lac_checkpoint_save(const char *folder, const lac_checkpoint *about, lac_state *s, int keep);

/* LAC_OK when the file is whole: it opens, lists its arrays, and each gives its sum. */
lac_status lac_checkpoint_check(const char *path);

/* The newest file of the folder that is whole; *path is the caller's, NULL when there is none at all.
 * Damaged ones on the way are told to `note`; LAC_ERR_FORMAT when nothing but damaged ones is there. */
typedef void lac_checkpoint_note(void *context, const char *line);
lac_status lac_checkpoint_find(char **path, const char *folder, lac_checkpoint_note *note, void *context);

lac_status lac_checkpoint_about(lac_checkpoint *about, const char *path);       /* the caller's: lac_checkpoint_clear */
void lac_checkpoint_clear(lac_checkpoint *about);

/* Whether it holds an array of that name. */
lac_status lac_checkpoint_holds(const char *path, const char *name, bool *holds);

/* Reads the arrays of *s (sorted on the way). Model, names, dtypes, shapes and sums are checked before anything is written; LAC_ERR_KEY names
 * another model, or the first twenty arrays that do not fit. */
lac_status lac_checkpoint_load(const char *path, const char *model, lac_state *s);
