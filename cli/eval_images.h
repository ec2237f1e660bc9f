/* cli/eval_images.h -- lacuna eval on folders of finished pictures (eval/finished.h): what its options ask for, and what it writes. */
#pragma once

#include "cli/model_arg.h"
#include "eval/metric.h"

typedef struct lac_eval_images_wish {
    const char *images, *reference, *masks, *prompts, *metrics, *out;
    const char *statistics, *cache;         /* NULL: none are written; nothing is kept */
    lac_words weights;                      /* NAME=FILE each; lac_words_free */
    lac_metric_settings settings;
    int64_t size, limit, batch, seed;
    bool strict;
    const lac_model_how *how;               /* device */
} lac_eval_images_wish;

/* Exit status. */
int lac_eval_images(const lac_eval_images_wish *w);
