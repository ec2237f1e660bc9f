#include "cli/eval_watch.h"

#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/image/grid.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/gather.h"
#include "eval/pictures.h"
#include "train/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GAP = 2 };

static void tell(const lac_eval_watch *w)
{
    char left[40];
    const int64_t n = w->share.n, done = w->at - w->share.from, scored = LAC_MAX(done - w->taken, 0);
    if (!w->terminal)
        return;
    lac_duration(left, sizeof left, scored > 0 ? (lac_seconds() - w->started) / (double)scored * (double)(n - done) : -1);
    fprintf(stderr, "\r\033[Kpicture %lld/%lld   ETA %s", (long long)done, (long long)n, left);
}

static lac_image *cell(const lac_eval_watch *w, int64_t i, int64_t column) { return &w->shown[i * (w->n_methods + 2) + column]; }

static lac_status show(const lac_eval_watch *w, int64_t i, int64_t column, const uint8_t *picture, int64_t height, int64_t width)
{
    const lac_image image = { height, width, 3, (uint8_t *)picture };
    return i < w->n_shown ? lac_image_crop(cell(w, i, column), &image, 0, 0, height, width) : LAC_OK;
}

/* ---- what is kept ---- */

static lac_status keep(const lac_eval_watch *w, const char *name, const char *id, const lac_image *image)
{
    char *path;
    LAC_TRY(lac_kept_path(&path, w->kept, name, id));
    char *slash = strrchr(path, '/');
    *slash = '\0';
    lac_status s = lac_make_folders(path);
    *slash = '/';
    if (s == LAC_OK)
        s = lac_image_save_png(image, path);
    free(path);
    return s;
}

static bool is_kept(const lac_eval_watch *w, int64_t i) { return w->kept != NULL && (w->kept_first == 0 || i < w->kept_first); }

/* Picture i of the set. */
static lac_status keep_picture(const lac_eval_watch *w, int64_t i, const char *name, const lac_eval_item *item, const uint8_t *pixels)
{
    return is_kept(w, i) ? keep(w, name, item->id, &(lac_image){ item->height, item->width, 3, (uint8_t *)pixels }) : LAC_OK;
}

static lac_status keep_mask(const lac_eval_watch *w, int64_t at, const lac_eval_item *item)
{
    lac_image mask;
    if (!is_kept(w, at))
        return LAC_OK;
    LAC_TRY(lac_image_new(&mask, item->height, item->width, 1));
    for (int64_t i = 0; i < item->height * item->width; i++)
        mask.pixels[i] = item->mask[i] != 0 ? 255 : 0;
    const lac_status s = keep(w, "masks", item->id, &mask);
    lac_image_free(&mask);
    return s;
}

/* ---- scoring ---- */

/* The item's picture, which stays until the next. */
static lac_status make_anew(lac_eval_watch *w, lac_eval_item *item)
{
    const size_t size = (size_t)(item->height * item->width) * 3;
    if (w->anew == NULL)
        return LAC_OK;
    LAC_TRY(lac_realloc((void **)&w->picture, size));
    memcpy(w->picture, item->reference, size);
    LAC_TRY(lac_context(w->anew->complete(w->anew->context, 1, item, &w->picture), "%s on '%s'", w->anew->name, item->id));
    item->reference = w->picture;
    return LAC_OK;
}

static lac_status read_item(void *context, int64_t i, lac_eval_item *item)
{
    lac_eval_watch *w = context;
    w->at = i;
    tell(w);
    LAC_TRY(lac_eval_set_read(w->set, i, item));
    LAC_TRY(make_anew(w, item));
    LAC_TRY(show(w, i, w->n_methods + 1, item->reference, item->height, item->width));
    LAC_TRY(show(w, i, 0, item->reference, item->height, item->width));
    if (i < w->n_shown)
        lac_hole_grey(cell(w, i, 0)->pixels, item->mask, item->height * item->width);
    LAC_TRY(keep_mask(w, i, item));
    return keep_picture(w, i, "reference", item, item->reference);
}

/* The items follow those that are in the score. */
static lac_status complete(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture)
{
    const lac_eval_watched *m = context;
    const int64_t first = m->watch->share.from + m->watch->score->n_rows;
    LAC_TRY(m->method.complete(m->method.context, n, item, picture));
    for (int64_t i = 0; i < n; i++) {
        LAC_TRY(show(m->watch, first + i, m->column, picture[i], item[i].height, item[i].width));
        LAC_TRY(keep_picture(m->watch, first + i, m->method.name, &item[i], picture[i]));
    }
    return LAC_OK;
}

static lac_status imagine(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture, lac_imagined *y)
{
    const lac_eval_watched *m = context;
    return m->method.imagine(m->method.context, n, item, picture, y);
}

static lac_status score_share(lac_eval_watch *w, lac_score *score, lac_eval_method *methods, lac_comm *comm)
{
    for (int64_t m = 0; m < w->n_methods; m++)
        methods[m] = (lac_eval_method){ w->watched[m].method.name, complete, &w->watched[m], w->watched[m].method.whole, w->watched[m].method.imagine != NULL ? imagine : NULL };
    w->started = lac_seconds();
    const lac_status s = lac_eval_share_run(&w->share, score, read_item, w, methods, w->batch, &w->notes, comm);
    if (w->terminal)
        fprintf(stderr, "\r\033[K");
    return s;
}

static lac_status make_room(lac_eval_watch *w, lac_eval_method **own, const lac_eval_method *methods, int64_t images)
{
    LAC_TRY(lac_calloc((void **)own, (size_t)w->n_methods, sizeof **own));
    LAC_TRY(lac_calloc((void **)&w->watched, (size_t)w->n_methods, sizeof *w->watched));
    for (int64_t m = 0; m < w->n_methods; m++)
        w->watched[m] = (lac_eval_watched){ methods[m], w, m + 1 };
    LAC_TRY(lac_calloc((void **)&w->shown, (size_t)(images * (w->n_methods + 2)), sizeof *w->shown));
    w->n_shown = images;
    return LAC_OK;
}

/* A picture of the sheet from the rank that has it to all. */
static lac_status spread(lac_image *image, int64_t side, int owner, lac_comm *comm)
{
    const lac_status s = comm->rank == owner ? LAC_OK : lac_image_new(image, side, side, 3);
    LAC_TRY(lac_comm_agree(comm, s));
    return comm->broadcast(comm, image->pixels, (size_t)(side * side) * 3, owner);
}

static lac_status spread_sheet(lac_eval_watch *w, int64_t side, lac_comm *comm)
{
    const int64_t columns = w->n_methods + 2;
    for (int64_t i = 0; comm->size > 1 && i < w->n_shown * columns; i++)
        LAC_TRY(spread(&w->shown[i], side, (int)(i / columns / w->share.each), comm));
    return LAC_OK;
}

/* Pictures of the sheet are made again. */
static lac_status open_notes(lac_eval_watch *w, const lac_eval_watch_wish *wish, lac_comm *comm)
{
    if (wish->journal == NULL)
        return LAC_OK;
    LAC_TRY(lac_eval_notes_open(&w->notes, wish->journal, wish->question, lac_eval_set_count(w->set), w->share.from, w->share.n, comm));
    w->notes.afresh = w->n_shown;
    for (int64_t i = w->share.from; i < w->share.from + w->share.n; i++)
        w->taken += lac_eval_notes_have(&w->notes, i, 1);
    return LAC_OK;
}

lac_status lac_eval_watch_run(lac_eval_watch *w, lac_score *score, lac_eval_set *set, const lac_eval_method *methods, int64_t n_methods, const lac_eval_watch_wish *wish,
                              lac_comm *comm)
{
    lac_eval_method *own = NULL;
    *w = (lac_eval_watch){ .set = set, .score = score, .batch = wish->batch, .kept = wish->kept, .kept_first = wish->kept_first, .anew = wish->anew, .share = lac_eval_share_of(lac_eval_set_count(set), comm), .n_methods = n_methods,
                           .terminal = comm->rank == 0 && isatty(STDERR_FILENO) };
    lac_status s = lac_comm_agree(comm, make_room(w, &own, methods, LAC_MIN(wish->images, lac_eval_set_count(set))));
    if (s == LAC_OK)
        s = open_notes(w, wish, comm);
    if (s == LAC_OK)
        s = score_share(w, score, own, comm);
    free(own);
    LAC_TRY(s);
    LAC_TRY(lac_score_gather(score, comm));
    return score->n_rows > 0 ? spread_sheet(w, score->row[0].height, comm) : LAC_OK;
}

void lac_eval_watch_free(lac_eval_watch *w)
{
    for (int64_t i = 0; i < w->n_shown * (w->n_methods + 2); i++)
        lac_image_free(&w->shown[i]);
    lac_eval_notes_close(&w->notes);
    free(w->picture);
    free(w->shown);
    free(w->watched);
    *w = (lac_eval_watch){ .n_shown = 0 };
}

lac_status lac_eval_watch_sheet(const lac_eval_watch *w, const char *path)
{
    lac_image sheet = { 0 };
    LAC_TRY(lac_image_grid(&sheet, w->shown, w->n_shown * (w->n_methods + 2), w->n_methods + 2, GAP));
    const lac_status s = lac_image_save_png(&sheet, path);
    lac_image_free(&sheet);
    return s;
}
