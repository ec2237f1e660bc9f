/* eval/finished_internal.h -- what the parts of eval/finished.h share. */
#pragma once

#include "core/file/pictures.h"
#include "core/image/image.h"
#include "core/sha256.h"
#include "eval/blob.h"
#include "eval/finished.h"
#include "eval/journal.h"
#include "eval/resized.h"
#include "eval/spool.h"

enum { LAC_IMAGES, LAC_REFERENCE, LAC_MASKS, LAC_FOLDERS };
enum { LAC_MOST_VIEWS = 24 };

extern const char *const lac_finished_folder[LAC_FOLDERS];          /* "images", "reference", "masks" */

/* An id, its file in each folder, relative to that, NULL: none; and what is said of it. */
typedef struct lac_finished_entry {
    const char *id, *path[LAC_FOLDERS];
    lac_said said;
    lac_object_box box;                     /* said.box, where there is one */
} lac_finished_entry;

/* What one network sees of the pictures: whole, or a part of each pair. */
typedef struct lac_finished_view {
    lac_features *net;
    lac_crop_of *crop;
    bool unpaired, reference;               /* all pictures of both folders; those of the reference too */
    unsigned wants;                         /* pictures of which this is said alone */
} lac_finished_view;

/* What was found of an entry. */
typedef struct lac_finished_row {
    bool done, pair;
    int64_t height, width, holes;           /* of a pair: the reference's size as read, and its mask's hole; -1: no mask of that size */
    char *broken[LAC_FOLDERS];              /* why a file cannot be read; NULL: it can, or there is none */
    uint8_t digest[LAC_FOLDERS][LAC_SHA256_SIZE];
    lac_value *value;                       /* [n_metrics] of a pair; NULL otherwise */
    float *feature[LAC_MOST_VIEWS][2];      /* [view's n] of image and reference, in the spool; NULL: not seen */
} lac_finished_row;

struct lac_finished {
    lac_finished_ask ask;
    lac_metric *metric;
    char **recipe;
    lac_features *net;
    int64_t n_nets;
    lac_finished_view view[LAC_MOST_VIEWS];
    int64_t n_views, *view_of;              /* of each metric; -1: none */
    lac_features **net_of;                  /* of each metric; NULL: none */
    lac_paths paths[LAC_FOLDERS], ids[LAC_FOLDERS];
    lac_finished_entry *entry;              /* in the order of ids */
    lac_finished_row *row;                  /* of each entry */
    int64_t n_entries;
    lac_spool *spool;                       /* of all rows' features */
    json_t *captions;                       /* NULL: none given */
    char captions_hash[LAC_SHA256_HEX];     /* of their file */
    const char **classes;                   /* their labels, each once, in order */
    int64_t n_classes;
    lac_eval_means means;
    lac_backbones *backbones;
    lac_moments moments;
    bool cached;                            /* moments stand for the reference */
    char moments_hash[LAC_SHA256_HEX];      /* of their file */
    char **reason;                          /* reasons of rows, each once */
    int64_t n_reasons, reason_capacity;
    char question[LAC_SHA256_HEX];          /* what all that was asked comes to: a journal belongs to one */
};

/* Folders and captions; the entries of all folders in one list. */
lac_status lac_finished_find_files(lac_finished *f);
lac_status lac_finished_read_said(lac_finished *f);         /* captions, of the entries that there are */

/* A metric of pictures whose sizes, and masks, --size is for. */
bool lac_finished_resizes(const lac_metric_def *def);
bool lac_finished_paired(const lac_metric_def *def);

/* Entries at[0 .. n) are read and measured: their rows are filled. */
lac_status lac_finished_measure(lac_finished *f, const int64_t *at, int64_t n);

/* As a summary's "area" (eval/summary.h): a new reference. */
lac_status lac_finished_bins(const lac_finished *f, json_t **bins);

/* The same words as one pointer, that lives as long as f. */
lac_status lac_finished_reason(lac_finished *f, const char *words, const char **reason);

lac_status lac_finished_put_row(const lac_finished *f, int64_t i, lac_blob *to);
lac_status lac_finished_take_row(lac_finished *f, lac_blob_reader *from);
void lac_finished_free_row(lac_finished_row *row);
