#include "eval/coco_ap.h"

#include "core/memory.h"
#include "data/coco.h"
#include "eval/oks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_THRESHOLDS = 10, N_RECALLS = 101, N_AREAS = 4, N_LIMITS = 3 };

static const double area_range[N_AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 }, { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 } };

/* How many detections of an image count. */
static const int64_t limits[2][N_LIMITS] = { { 1, 10, 100 }, { 20, 20, 20 } };

static double threshold_at(int i) { return i == N_THRESHOLDS - 1 ? .95 : .5 + i * ((.95 - .5) / (N_THRESHOLDS - 1)); }
static double recall_at(int i) { return i == N_RECALLS - 1 ? 1 : i * (1. / (N_RECALLS - 1)); }

/* One box, mask or set of key points, of either file. */
typedef struct thing {
    const lac_coco_object *of;
    int64_t image, category;            /* indices in the ground truth's lists */
    double area, box[4], points[3 * LAC_OKS_POINTS];
    lac_rle mask;
    bool ignored;                       /* of a ground truth, whatever the area */
} thing;

/* What became of a detection, by range of areas; bit t: at threshold t. */
typedef struct outcome {
    double score;
    int64_t category, rank, order;      /* rank: among the detections of its image and category, from 0 */
    uint16_t hit[N_AREAS], ignored[N_AREAS];
} outcome;

typedef struct sums { double precision[N_THRESHOLDS], recall[N_THRESHOLDS]; int64_t categories; } sums;     /* over categories with a ground truth */

typedef struct work {
    lac_coco_sort sort;
    lac_coco truth, found;
    thing *gt, *dt;                     /* by category, then image; detections then by score */
    int64_t n_gt, n_dt;
    double *iou;                        /* [detections, ground truths] of one image and category */
    outcome *out;                       /* by category */
    int64_t n_out, capacity;
    sums sum[N_AREAS][N_LIMITS];
} work;

/* ---- what is compared */

static double area_of_points(const thing *t)
{
    double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
    for (int k = 0; k < 3 * LAC_OKS_POINTS; k++)
        if (k % 3 < 2) {
            low[k % 3] = fmin(low[k % 3], t->points[k]);
            high[k % 3] = fmax(high[k % 3], t->points[k]);
        }
    return (high[0] - low[0]) * (high[1] - low[1]);
}

/* A detection by its box alone is the box as a mask. */
static lac_status box_mask(thing *t, const lac_coco_image *of)
{
    const double *b = t->box, xy[8] = { b[0], b[1], b[0], b[1] + b[3], b[0] + b[2], b[1] + b[3], b[0] + b[2], b[1] };
    return lac_rle_polygon(&t->mask, of->height, of->width, xy, 8);
}

static lac_status read_mask(work *w, const lac_coco *file, thing *t)
{
    const lac_coco_image *of = &w->truth.image[t->image];
    if (t->of->segmentation == NULL && t->of->has_box && file == &w->found)
        return lac_coco_at(file, t->of, box_mask(t, of));
    return lac_coco_mask(file, t->of, of->height, of->width, &t->mask);
}

/* The box, and the area where the record does not say it: of its box, else its mask, else its key points. */
static lac_status read_shape(work *w, const lac_coco *file, thing *t)
{
    const lac_coco_object *o = t->of;
    const bool wants_mask = w->sort == LAC_COCO_SEGM || (w->sort == LAC_COCO_BBOX && !o->has_box && o->segmentation != NULL);
    t->area = o->has_area ? o->area : o->box[2] * o->box[3];
    memcpy(t->box, o->box, sizeof t->box);
    if (w->sort == LAC_COCO_KEYPOINTS) {
        LAC_TRY(lac_coco_points(file, o, LAC_OKS_POINTS, t->points));
        t->area = o->has_area || o->has_box ? t->area : area_of_points(t);
        return LAC_OK;
    }
    if (wants_mask)
        LAC_TRY(read_mask(w, file, t));
    else if (!o->has_box)
        return lac_coco_at(file, o, LAC_FAIL(LAC_ERR_FORMAT, "'bbox' is missing"));
    if (wants_mask && !o->has_box) {
        lac_rle_box(&t->mask, t->box);
        t->area = o->has_area ? o->area : (double)lac_rle_area(&t->mask);
    }
    return LAC_OK;
}

static lac_status read_truth(work *w, thing *t)
{
    const lac_coco_object *o = t->of;
    if (!o->has_area)
        return lac_coco_at(&w->truth, o, LAC_FAIL(LAC_ERR_FORMAT, "'area' is missing"));
    if (w->sort == LAC_COCO_KEYPOINTS && (o->n_labelled < 0 || !o->has_box))
        return lac_coco_at(&w->truth, o, LAC_FAIL(LAC_ERR_FORMAT, "'%s' is missing", o->n_labelled < 0 ? "num_keypoints" : "bbox"));
    t->ignored = o->crowd || (w->sort == LAC_COCO_KEYPOINTS && o->n_labelled == 0);
    return read_shape(w, &w->truth, t);
}

static int order_of(const thing *x, const thing *y)
{
    const int category = (x->category > y->category) - (x->category < y->category);
    return category != 0 ? category : (x->image > y->image) - (x->image < y->image);
}

static int by_place(const void *a, const void *b)
{
    const thing *x = a, *y = b;
    const int order = order_of(x, y);
    return order != 0 ? order : (x->of->place > y->of->place) - (x->of->place < y->of->place);
}

static int by_score(const void *a, const void *b)
{
    const thing *x = a, *y = b;
    const int order = order_of(x, y), score = (x->of->score < y->of->score) - (x->of->score > y->of->score);
    return order != 0 ? order : score != 0 ? score : by_place(a, b);
}

/* Objects of categories that the ground truth lists. */
static lac_status collect(work *w, const lac_coco *file, thing **list, int64_t *n, int (*order)(const void *, const void *))
{
    LAC_TRY(lac_calloc((void **)list, (size_t)file->n_objects, sizeof **list));
    for (int64_t i = 0; i < file->n_objects; i++) {
        const lac_coco_object *o = &file->object[i];
        const thing t = { .of = o, .image = lac_coco_find_image(&w->truth, o->image_id), .category = lac_coco_find_category(&w->truth, o->category_id) };
        if (t.image < 0)
            return lac_coco_at(file, o, LAC_FAIL(LAC_ERR_FORMAT, "'image_id' %lld is that of no image of the ground truth", (long long)o->image_id));
        if (t.category >= 0)
            (*list)[(*n)++] = t;
    }
    if (*n > 0)
        qsort(*list, (size_t)*n, sizeof **list, order);
    return LAC_OK;
}

static lac_status read_things(work *w)
{
    LAC_TRY(collect(w, &w->truth, &w->gt, &w->n_gt, by_place));
    LAC_TRY(collect(w, &w->found, &w->dt, &w->n_dt, by_score));
    for (int64_t i = 0; i < w->n_gt; i++)
        LAC_TRY(read_truth(w, &w->gt[i]));
    for (int64_t i = 0; i < w->n_dt; i++)
        LAC_TRY(read_shape(w, &w->found, &w->dt[i]));
    return LAC_OK;
}

/* ---- one image and category */

typedef struct group { thing *gt, *dt; int64_t n_gt, n_dt; } group;

static double likeness(const work *w, const thing *d, const thing *g)
{
    return w->sort == LAC_COCO_BBOX ? lac_box_iou(d->box, g->box, g->of->crowd)
         : w->sort == LAC_COCO_SEGM ? lac_rle_iou(&d->mask, &g->mask, g->of->crowd)
         : lac_oks(d->points, g->points, lac_oks_sigmas, LAC_OKS_POINTS, g->of->area, g->box);
}

static lac_status compare(work *w, const group *g)
{
    LAC_TRY(lac_realloc((void **)&w->iou, (size_t)LAC_MAX(g->n_gt * g->n_dt, 1) * sizeof *w->iou));
    for (int64_t d = 0; d < g->n_dt; d++)
        for (int64_t k = 0; k < g->n_gt; k++)
            w->iou[d * g->n_gt + k] = likeness(w, &g->dt[d], &g->gt[k]);
    return LAC_OK;
}

static bool outside(double area, int range) { return area < area_range[range][0] || area > area_range[range][1]; }

/* The ground truth that detection d takes: of those that count, else of those that do not, the last of the largest likeness. */
static int64_t best(const work *w, const group *g, int64_t d, double threshold, const bool *ignored, const bool *taken)
{
    int64_t found = -1;
    double most = fmin(threshold, 1 - 1e-10);
    for (int pass = 0; pass < 2 && found < 0; pass++)
        for (int64_t k = 0; k < g->n_gt; k++) {
            const double like = w->iou[d * g->n_gt + k];
            if (ignored[k] != (pass == 1) || (taken[k] && !g->gt[k].of->crowd) || like < most)
                continue;
            most = like;
            found = k;
        }
    return found;
}

static void match(const work *w, const group *g, int range, int t, bool *ignored, bool *taken, outcome *out)
{
    for (int64_t k = 0; k < g->n_gt; k++) {
        ignored[k] = g->gt[k].ignored || outside(g->gt[k].of->area, range);
        taken[k] = false;
    }
    for (int64_t d = 0; d < g->n_dt; d++) {
        const int64_t k = best(w, g, d, threshold_at(t), ignored, taken);
        const bool hit = k >= 0 && g->gt[k].of->id != 0;
        if (k >= 0)
            taken[k] = true;
        out[d].hit[range] |= (uint16_t)(hit << t);
        out[d].ignored[range] |= (uint16_t)(((k >= 0 && ignored[k]) || (!hit && outside(g->dt[d].area, range))) << t);
    }
}

static lac_status evaluate(work *w, group g)
{
    bool *flag;
    g.n_dt = LAC_MIN(g.n_dt, limits[w->sort == LAC_COCO_KEYPOINTS][N_LIMITS - 1]);
    LAC_TRY(compare(w, &g));
    LAC_TRY(lac_malloc((void **)&flag, 2 * (size_t)g.n_gt * sizeof *flag));
    outcome *out = &w->out[w->n_out];
    for (int64_t d = 0; d < g.n_dt; d++)
        out[d] = (outcome){ .score = g.dt[d].of->score, .category = g.dt[d].category, .rank = d, .order = w->n_out + d };
    for (int range = 0; range < N_AREAS; range++)
        for (int t = 0; t < N_THRESHOLDS; t++)
            match(w, &g, range, t, flag, flag + g.n_gt, out);
    w->n_out += g.n_dt;
    free(flag);
    return LAC_OK;
}

/* Groups in order; a category's outcomes come image by image. */
static lac_status evaluate_all(work *w)
{
    LAC_TRY(lac_malloc((void **)&w->out, (size_t)w->n_dt * sizeof *w->out));
    for (int64_t g = 0, d = 0; g < w->n_gt || d < w->n_dt;) {
        const thing *first = g == w->n_gt || (d < w->n_dt && order_of(&w->dt[d], &w->gt[g]) < 0) ? &w->dt[d] : &w->gt[g];
        group all = { w->gt + g, w->dt + d, 0, 0 };
        for (; g < w->n_gt && order_of(&w->gt[g], first) == 0; g++)
            all.n_gt++;
        for (; d < w->n_dt && order_of(&w->dt[d], first) == 0; d++)
            all.n_dt++;
        LAC_TRY(evaluate(w, all));
    }
    return LAC_OK;
}

/* ---- over all images */

static int by_confidence(const void *a, const void *b)
{
    const outcome *x = a, *y = b;
    const int score = (x->score < y->score) - (x->score > y->score);
    return score != 0 ? score : (x->order > y->order) - (x->order < y->order);
}

/* One threshold: mean precision at the recalls asked for, and the recall reached. room: 2 n numbers. */
static void curve(const outcome *o, int64_t n, int range, int64_t limit, int t, int64_t positives, double *room, sums *to)
{
    int64_t hits = 0, misses = 0, points = 0;
    double *recall = room, *precision = room + n, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (o[i].rank >= limit)
            continue;
        const bool counts = !(o[i].ignored[range] >> t & 1), hit = o[i].hit[range] >> t & 1;
        hits += counts && hit;
        misses += counts && !hit;
        recall[points] = (double)hits / (double)positives;
        precision[points++] = (double)hits / ((double)misses + (double)hits + DBL_EPSILON);
    }
    for (int64_t i = points - 1; i > 0; i--)
        precision[i - 1] = fmax(precision[i - 1], precision[i]);
    for (int64_t r = 0, i = 0; r < N_RECALLS; r++) {
        while (i < points && recall[i] < recall_at((int)r))
            i++;
        sum += i < points ? precision[i] : 0;
    }
    to->precision[t] += sum / N_RECALLS;
    to->recall[t] += points > 0 ? recall[points - 1] : 0;
}

static void add_category(work *w, const thing *gt, int64_t n_gt, const outcome *o, int64_t n, double *room)
{
    for (int range = 0; range < N_AREAS; range++) {
        int64_t positives = 0;
        for (int64_t k = 0; k < n_gt; k++)
            positives += !(gt[k].ignored || outside(gt[k].of->area, range));
        for (int m = 0; m < N_LIMITS && positives > 0; m++) {
            sums *to = &w->sum[range][m];
            to->categories++;
            for (int t = 0; t < N_THRESHOLDS; t++)
                curve(o, n, range, limits[w->sort == LAC_COCO_KEYPOINTS][m], t, positives, room, to);
        }
    }
}

static lac_status accumulate(work *w)
{
    double *room;
    LAC_TRY(lac_malloc((void **)&room, 2 * (size_t)w->n_out * sizeof *room));
    for (int64_t g = 0, d = 0; g < w->n_gt;) {
        const int64_t category = w->gt[g].category, first = g;
        while (g < w->n_gt && w->gt[g].category == category)
            g++;
        while (d < w->n_out && w->out[d].category < category)
            d++;
        const int64_t from = d;
        while (d < w->n_out && w->out[d].category == category)
            d++;
        if (d > from)
            qsort(&w->out[from], (size_t)(d - from), sizeof *w->out, by_confidence);
        add_category(w, &w->gt[first], g - first, &w->out[from], d - from, room);
    }
    free(room);
    return LAC_OK;
}

/* ---- the table */

/* t < 0: over all thresholds. */
static double mean(const sums *s, const double of[N_THRESHOLDS], int t)
{
    double sum = 0;
    for (int i = 0; i < N_THRESHOLDS; i++)
        sum += t < 0 || i == t ? of[i] : 0;
    return s->categories == 0 ? -1 : sum / (double)s->categories / (t < 0 ? N_THRESHOLDS : 1);
}

static void summarize(const work *w, double *stats, int64_t *n)
{
    enum { ALL, SMALL, MEDIUM, LARGE, FIFTY = 0, SEVENTY_FIVE = 5, MOST = N_LIMITS - 1 };
    const bool points = w->sort == LAC_COCO_KEYPOINTS;
    const sums *all = &w->sum[ALL][MOST];
    *n = 0;
    for (int k = 0; k < 3; k++)
        stats[(*n)++] = mean(all, all->precision, k == 0 ? -1 : k == 1 ? FIFTY : SEVENTY_FIVE);
    for (int range = points ? MEDIUM : SMALL; range <= LARGE; range++)
        stats[(*n)++] = mean(&w->sum[range][MOST], w->sum[range][MOST].precision, -1);
    for (int k = 0; k < 3; k++)
        stats[(*n)++] = points ? mean(all, all->recall, k == 0 ? -1 : k == 1 ? FIFTY : SEVENTY_FIVE) : mean(&w->sum[ALL][k], w->sum[ALL][k].recall, -1);
    for (int range = points ? MEDIUM : SMALL; range <= LARGE; range++)
        stats[(*n)++] = mean(&w->sum[range][MOST], w->sum[range][MOST].recall, -1);
}

typedef struct stat { const char *name, *thresholds, *area; int detections; } stat;

static const stat *stat_of(lac_coco_sort sort, int64_t i)
{
    static const char all[] = "0.5:0.05:0.95";
    static const stat plain[LAC_COCO_STATS] = {
        { "ap", all, "all", 100 }, { "ap50", "0.5", "all", 100 }, { "ap75", "0.75", "all", 100 }, { "ap-small", all, "<32^2", 100 }, { "ap-medium", all, "32^2..96^2", 100 },
        { "ap-large", all, ">96^2", 100 }, { "ar1", all, "all", 1 }, { "ar10", all, "all", 10 }, { "ar100", all, "all", 100 }, { "ar-small", all, "<32^2", 100 },
        { "ar-medium", all, "32^2..96^2", 100 }, { "ar-large", all, ">96^2", 100 },
    };
    static const stat points[] = {
        { "ap", all, "all", 20 }, { "ap50", "0.5", "all", 20 }, { "ap75", "0.75", "all", 20 }, { "ap-medium", all, "32^2..96^2", 20 }, { "ap-large", all, ">96^2", 20 },
        { "ar", all, "all", 20 }, { "ar50", "0.5", "all", 20 }, { "ar75", "0.75", "all", 20 }, { "ar-medium", all, "32^2..96^2", 20 }, { "ar-large", all, ">96^2", 20 },
    };
    return sort == LAC_COCO_KEYPOINTS ? &points[i] : &plain[i];
}

const char *lac_coco_stat_name(lac_coco_sort sort, int64_t i) { return stat_of(sort, i)->name; }

lac_status lac_coco_stat_recipe(lac_coco_sort sort, int64_t i, char **recipe)
{
    static const char *const like[] = { "bbox", "segm", "oks" };
    const stat *s = stat_of(sort, i);
    return lac_format(recipe, "coco-%.2s{iou=%s,threshold=%s,area=%s,detections=%d}", s->name, like[sort], s->thresholds, s->area, s->detections);
}

static void close_work(work *w)
{
    for (int64_t i = 0; i < w->n_gt; i++)
        lac_rle_free(&w->gt[i].mask);
    for (int64_t i = 0; i < w->n_dt; i++)
        lac_rle_free(&w->dt[i].mask);
    free(w->gt);
    free(w->dt);
    free(w->iou);
    free(w->out);
    lac_coco_close(&w->truth);
    lac_coco_close(&w->found);
}

static lac_status run(work *w, const char *ground_truth, const char *detections)
{
    LAC_TRY(lac_coco_open(&w->truth, ground_truth, NULL, NULL));
    LAC_TRY(lac_coco_open_results(&w->found, detections));
    LAC_TRY(read_things(w));
    LAC_TRY(evaluate_all(w));
    return accumulate(w);
}

static void count(const work *w, lac_coco_result *r)
{
    r->images = w->truth.n_images;
    r->objects = w->truth.n_objects;
    r->detections = w->found.n_objects;
    for (int64_t i = 0; i < w->found.n_objects; i++)
        if (lac_coco_find_category(&w->truth, w->found.object[i].category_id) < 0)
            r->first_unlisted = r->unlisted++ == 0 ? i : r->first_unlisted;
}

lac_status lac_coco_ap(const char *ground_truth, const char *detections, lac_coco_sort sort, lac_coco_result *result)
{
    work w = { .sort = sort };
    const lac_status s = run(&w, ground_truth, detections);
    *result = (lac_coco_result){ .n = 0 };
    if (s == LAC_OK) {
        summarize(&w, result->stats, &result->n);
        count(&w, result);
    }
    close_work(&w);
    return s;
}
