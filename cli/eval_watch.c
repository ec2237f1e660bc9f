#include "cli/eval_watch.h"

#include "core/image/grid.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/baseline.h"
#include "train/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GAP = 2 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void tell(const lac_eval_watch *w)
{
    char left[40];
    const int64_t n = lac_eval_set_count(w->set);
    if (!w->terminal)
        return;
    lac_duration(left, sizeof left, w->at > 0 ? (now() - w->started) / (double)w->at * (double)(n - w->at) : -1);
    fprintf(stderr, "\r\033[Kpicture %lld/%lld   ETA %s", (long long)w->at, (long long)n, left);
}

static lac_image *cell(const lac_eval_watch *w, int64_t column) { return &w->shown[w->at * (w->n_methods + 2) + column]; }

static lac_status show(const lac_eval_watch *w, int64_t column, const uint8_t *picture, int64_t height, int64_t width)
{
    const lac_image image = { height, width, 3, (uint8_t *)picture };
    return w->at < w->n_shown ? lac_image_crop(cell(w, column), &image, 0, 0, height, width) : LAC_OK;
}

static lac_status read_item(void *context, int64_t i, lac_eval_item *item)
{
    lac_eval_watch *w = context;
    w->at = i;
    tell(w);
    LAC_TRY(lac_eval_set_read(w->set, i, item));
    LAC_TRY(show(w, w->n_methods + 1, item->reference, item->height, item->width));
    LAC_TRY(show(w, 0, item->reference, item->height, item->width));
    for (int64_t k = 0; i < w->n_shown && k < item->height * item->width; k++)
        if (item->mask[k])
            memset(cell(w, 0)->pixels + 3 * k, LAC_BASELINE_GREY, 3);
    return LAC_OK;
}

static lac_status complete(void *context, uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask, const char *id)
{
    const lac_eval_watched *m = context;
    LAC_TRY(m->method.complete(m->method.context, picture, height, width, mask, id));
    return show(m->watch, m->column, picture, height, width);
}

static lac_status run(lac_eval_watch *w, lac_score *score, lac_eval_method *methods)
{
    for (int64_t m = 0; m < w->n_methods; m++)
        methods[m] = (lac_eval_method){ w->watched[m].method.name, complete, &w->watched[m] };
    w->started = now();
    const lac_status s = lac_score_run(score, read_item, w, lac_eval_set_count(w->set), methods);
    if (w->terminal)
        fprintf(stderr, "\r\033[K");
    return s;
}

lac_status lac_eval_watch_run(lac_eval_watch *w, lac_score *score, lac_eval_set *set, const lac_eval_method *methods, int64_t n_methods,
                              int64_t images)
{
    lac_eval_method *own;
    *w = (lac_eval_watch){ .set = set, .n_methods = n_methods, .terminal = isatty(STDERR_FILENO) };
    LAC_TRY(lac_calloc((void **)&w->watched, (size_t)n_methods, sizeof *w->watched));
    for (int64_t m = 0; m < n_methods; m++)
        w->watched[m] = (lac_eval_watched){ methods[m], w, m + 1 };
    images = LAC_MIN(images, lac_eval_set_count(set));
    LAC_TRY(lac_calloc((void **)&w->shown, (size_t)(images * (n_methods + 2)), sizeof *w->shown));
    w->n_shown = images;
    LAC_TRY(lac_calloc((void **)&own, (size_t)n_methods, sizeof *own));
    const lac_status s = run(w, score, own);
    free(own);
    return s;
}

void lac_eval_watch_free(lac_eval_watch *w)
{
    for (int64_t i = 0; i < w->n_shown * (w->n_methods + 2); i++)
        lac_image_free(&w->shown[i]);
    free(w->shown);
    free(w->watched);
    *w = (lac_eval_watch){ .set = NULL };
}

lac_status lac_eval_watch_sheet(const lac_eval_watch *w, const char *path)
{
    lac_image sheet = { 0 };
    LAC_TRY(lac_image_grid(&sheet, w->shown, w->n_shown * (w->n_methods + 2), w->n_methods + 2, GAP));
    const lac_status s = lac_image_save_png(&sheet, path);
    lac_image_free(&sheet);
    return s;
}
