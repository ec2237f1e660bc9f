#include "eval/metric_distributions.h"

#include "core/memory.h"
#include "eval/frechet.h"
#include "eval/inception_score.h"
#include "eval/kid.h"
#include "eval/p_ids.h"
#include "eval/object_crop.h"
#include "eval/precision_recall.h"

#include <math.h>
#include <stdlib.h>

enum { LEAST_SIDE = 8, NEIGHBOUR = 3 };

static lac_samples pictures_of(const lac_set_rows *r) { return (lac_samples){ .n = r->n, .d = r->n_features, .f32 = r->feature, .weight = r->weight }; }

static lac_samples reference_of(const lac_set_rows *r)
{
    return (lac_samples){ .n = r->n_reference, .d = r->n_features, .f32 = r->reference, .weight = r->reference_weight };
}

static double count(const lac_samples *s)
{
    double n = 0;
    for (int64_t i = 0; i < s->n; i++)
        n += lac_samples_weight(s, i);
    return n;
}

/* Why two sets of rows give nothing; NULL: they do. */
static const char *missing(const lac_set_rows *r, const lac_samples *a, const lac_samples *b, double least, const char *too_few)
{
    if (r->moments != NULL)
        return "the cached reference has no features of pictures";
    return count(a) < least || count(b) < least ? too_few : NULL;
}

lac_status lac_p_ids_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    const lac_samples a = pictures_of(rows), b = reference_of(rows);
    const char *why = missing(rows, &a, &b, 2, "fewer than 2 pairs");
    double *weight, bias;
    lac_p_ids v;
    if (why != NULL)
        return *value = lac_undefined(why), LAC_OK;
    LAC_TRY(lac_malloc((void **)&weight, (size_t)a.d * sizeof *weight));
    const lac_status s = lac_p_ids_of(&v, weight, &bias, &a, &b);
    free(weight);
    LAC_TRY(s);
    return *value = (lac_value){ .value = def->variant == LAC_P_IDS ? v.p_ids : v.u_ids }, LAC_OK;
}

static lac_status reference_gaussian(const lac_set_rows *r, lac_gaussian *g)
{
    const lac_samples b = reference_of(r);
    return r->moments != NULL ? lac_gaussian_of_moments(g, r->moments->mean, r->moments->covariance, r->n_features) : lac_gaussian_of_rows(g, &b, 1);
}

static const char *no_frechet(const lac_set_rows *r)
{
    const lac_samples a = pictures_of(r), b = reference_of(r);
    if (r->moments != NULL && (r->moments->mean == NULL || r->moments->covariance == NULL))
        return "the cached reference has no mu and sigma";
    if (r->moments != NULL && r->moments->n != r->n_features)
        return "the cached reference has another number of features";
    return count(&a) < 2 || (r->moments == NULL && count(&b) < 2) ? "fewer than 2 pictures in a set" : NULL;
}

lac_status lac_frechet_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    const lac_samples a = pictures_of(rows);
    const char *why = no_frechet(rows);
    lac_gaussian g = { 0 }, h = { 0 };
    lac_frechet f;
    if (why != NULL)
        return *value = lac_undefined(why), LAC_OK;
    lac_status s = lac_gaussian_of_rows(&g, &a, 1);
    if (s == LAC_OK)
        s = reference_gaussian(rows, &h);
    if (s == LAC_OK)
        s = lac_frechet_distance(&f, &g, &h);
    lac_gaussian_free(&g);
    lac_gaussian_free(&h);
    if (s == LAC_OK)
        *value = (lac_value){ .value = f.value };
    return (void)def, s;
}

lac_status lac_kid_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    const lac_samples a = pictures_of(rows), b = reference_of(rows);
    lac_kid_config c = LAC_KID_CONFIG;
    c.subsets = rows->settings->kid_subsets;
    c.subset_size = rows->settings->kid_subset_size;
    const char *why = missing(rows, &a, &b, c.subsets > 0 ? fmax(2, (double)c.subset_size) : 2, "fewer pictures in a set than in a subset");
    *value = (lac_value){ .value = 0 };
    if (why != NULL)
        return *value = lac_undefined(why), LAC_OK;
    return (void)def, lac_kid(&value->value, &value->std, &a, &b, &c);
}

lac_status lac_inception_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    static const lac_is_config c = LAC_IS_CONFIG;
    const lac_samples a = pictures_of(rows);
    *value = (lac_value){ .value = 0 };
    if (count(&a) < (double)c.splits)
        return *value = lac_undefined("fewer pictures than the 10 splits"), LAC_OK;
    return (void)def, lac_inception_score(&value->value, &value->std, &a, &c);
}

lac_status lac_precision_recall_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    const lac_samples a = pictures_of(rows), b = reference_of(rows);
    const char *why = missing(rows, &a, &b, NEIGHBOUR + 1, "fewer than 4 pictures in a set");
    lac_precision_recall v;
    if (why != NULL)
        return *value = lac_undefined(why), LAC_OK;
    LAC_TRY(lac_precision_recall_of(&v, &a, &b, NEIGHBOUR));
    *value = (lac_value){ .value = def->variant == LAC_PRECISION ? v.precision : v.recall };
    return LAC_OK;
}

static const char *large_enough(const lac_cutout *box, const char *why) { return box->height < LEAST_SIDE || box->width < LEAST_SIDE ? why : NULL; }

const char *lac_hole_box(const lac_pair *p, lac_cutout *box)
{
    if (p->mask == NULL)
        return "no mask";
    return lac_hole_around(p->mask, p->height, p->width, box) ? large_enough(box, "a side of the hole's box is under 8 pixels") : "the mask has no hole";
}

const char *lac_hole_alone(const lac_pair *p, lac_cutout *box)
{
    const char *why = lac_hole_box(p, box);
    box->hole_alone = true;
    return why;
}

/* Where a part of `size` about the middle of [from, from + length) begins, inside 0..most. */
static int64_t begin_of(int64_t from, int64_t length, int64_t size, int64_t most) { return LAC_MAX(LAC_MIN(from + (length - size) / 2, most - size), 0); }

static const char *square_of(const lac_pair *p, lac_cutout *box, double times)
{
    lac_cutout hole;
    if (p->mask == NULL)
        return "no mask";
    if (!lac_hole_around(p->mask, p->height, p->width, &hole))
        return "the mask has no hole";
    const int64_t side = (int64_t)floor(times * (double)LAC_MAX(hole.height, hole.width) + 0.5), height = LAC_MIN(side, p->height), width = LAC_MIN(side, p->width);
    *box = (lac_cutout){ begin_of(hole.top, hole.height, height, p->height), begin_of(hole.left, hole.width, width, p->width), height, width, false };
    return large_enough(box, "a side of the square is under 8 pixels");
}

const char *lac_hole_square(const lac_pair *p, lac_cutout *box) { return square_of(p, box, 1); }
const char *lac_hole_square_5_4(const lac_pair *p, lac_cutout *box) { return square_of(p, box, 1.25); }
const char *lac_hole_square_3_2(const lac_pair *p, lac_cutout *box) { return square_of(p, box, 1.5); }

/* [from, to) of a side that was `drawn` long, on one of `size`: out to whole pixels, clipped. */
static void span(double from, double to, int64_t drawn, int64_t size, int64_t *begin, int64_t *length)
{
    const double scale = drawn > 0 ? (double)size / (double)drawn : 1;
    *begin = (int64_t)fmax(floor(from * scale), 0);
    *length = (int64_t)fmin(ceil(to * scale), (double)size) - *begin;
}

const char *lac_annotated_box(const lac_pair *p, lac_cutout *box)
{
    const lac_object_box *said = p->said.box;
    if (said == NULL)
        return "no box";
    *box = (lac_cutout){ .hole_alone = false };
    span(said->top, said->bottom, said->height, p->height, &box->top, &box->height);
    span(said->left, said->right, said->width, p->width, &box->left, &box->width);
    return large_enough(box, "a side of the box is under 8 pixels");
}
