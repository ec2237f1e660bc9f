/* Metrics of two sets of pictures on given features: weights, cached moments, and what is too few. */
#include "eval/metric_distributions.h"
#include "eval/frechet.h"
#include "eval/moments.h"
#include "eval/p_ids.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64, D = 8 };

typedef struct sets { double wide[2][N * D]; float x[2][N * D]; const float *row[2][N]; double weight[N]; lac_metric_settings settings; } sets;

static lac_set_rows rows_of(sets *s)
{
    static const char *const name[] = { "A", "B" };
    static const double low[] = { 0, 0.1 }, high[] = { 1, 1.3 };
    for (int side = 0; side < 2; side++) {
        lac_hash_fill(s->wide[side], name[side], N * D, low[side], high[side]);
        for (int i = 0; i < N * D; i++)
            s->x[side][i] = (float)s->wide[side][i];
        for (int i = 0; i < N; i++)
            s->row[side][i] = s->x[side] + i * D;
    }
    for (int i = 0; i < N; i++)
        s->weight[i] = 1;
    s->settings = (lac_metric_settings)LAC_METRIC_SETTINGS;
    s->settings.kid_subsets = 10;
    s->settings.kid_subset_size = 16;
    return (lac_set_rows){ .n = N, .n_features = D, .weight = s->weight, .feature = s->row[0], .reference = s->row[1], .n_reference = N,
                           .reference_weight = s->weight, .settings = &s->settings };
}

static bool near(double found, double expected) { return fabs(found - expected) < 1e-9 * fabs(expected); }

static lac_metric_def of_variant(int variant) { return (lac_metric_def){ .variant = variant }; }

LAC_TEST(distances_of_features_are_those_of_their_functions)
{
    sets s;
    lac_set_rows r = rows_of(&s);
    const lac_metric_def precision = of_variant(LAC_PRECISION), recall = of_variant(LAC_RECALL);
    lac_value v;
    LAC_CHECK_STATUS(lac_frechet_of_set(&precision, &r, &v));
    LAC_CHECK(v.reason == NULL && near(v.value, 0.462997196785));
    LAC_CHECK_STATUS(lac_kid_of_set(&precision, &r, &v));
    LAC_CHECK(v.reason == NULL && near(v.value, 0.386381841970) && near(v.std, 0.178606334470));
    r = rows_of(&s);
    r.feature = s.row[1];               /* B is made, A is real */
    r.reference = s.row[0];
    LAC_CHECK_STATUS(lac_precision_recall_of_set(&precision, &r, &v));
    LAC_CHECK(v.value == 0.484375);
    LAC_CHECK_STATUS(lac_precision_recall_of_set(&recall, &r, &v));
    LAC_CHECK(v.value == 0.859375);
}

LAC_TEST(a_cached_reference_stands_for_its_pictures_or_says_what_it_lacks)
{
    sets s;
    lac_set_rows r = rows_of(&s);
    const lac_metric_def d = of_variant(0);
    double mean[D], covariance[D * D];
    char path[256];
    lac_moments m = { D, mean, covariance }, back;
    lac_value v;
    LAC_CHECK_STATUS(lac_samples_moments(&(lac_samples){ .n = N, .d = D, .f64 = s.wide[1] }, 1, mean, covariance));
    snprintf(path, sizeof path, "%s/b.npz", lac_test_folder());
    LAC_CHECK_STATUS(lac_moments_save(path, &m));
    LAC_CHECK_STATUS(lac_moments_load(&back, path));
    LAC_CHECK(back.n == D && memcmp(back.covariance, covariance, sizeof covariance) == 0);
    r.moments = &back;
    r.n_reference = 0;
    LAC_CHECK_STATUS(lac_frechet_of_set(&d, &r, &v));
    LAC_CHECK(v.reason == NULL && near(v.value, 0.462997196785));
    LAC_CHECK_STATUS(lac_kid_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "no features"));
    lac_moments_free(&back);
    LAC_CHECK_STATUS(lac_frechet_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "mu and sigma"));
    back = (lac_moments){ D + 1, mean, covariance };
    LAC_CHECK_STATUS(lac_frechet_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "another number"));
}

LAC_TEST(weights_count_and_too_few_are_undefined)
{
    sets s;
    lac_set_rows r = rows_of(&s);
    const lac_metric_def d = of_variant(0);
    double only[N] = { 0 };
    lac_value v;
    only[3] = 1;
    r.weight = only;
    LAC_CHECK_STATUS(lac_frechet_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "fewer than 2"));
    LAC_CHECK_STATUS(lac_precision_recall_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "fewer than 4"));
    LAC_CHECK_STATUS(lac_kid_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "subset"));
    LAC_CHECK_STATUS(lac_inception_score_of_set(&d, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "10 splits"));
    only[3] = 2;                        /* the same picture twice has no spread: the rest is the distance to its place */
    LAC_CHECK_STATUS(lac_frechet_of_set(&d, &r, &v));
    LAC_CHECK(v.reason == NULL && v.value > 0.4);
}

LAC_TEST(local_fid_sees_the_box_of_the_hole)
{
    uint8_t mask[20 * 30] = { 0 };
    lac_cutout box;
    const lac_pair p = { .height = 20, .width = 30, .mask = mask };
    LAC_CHECK(strstr(lac_hole_box(&p, &box), "no hole"));
    LAC_CHECK(strstr(lac_hole_box(&(lac_pair){ .height = 20, .width = 30 }, &box), "no mask"));
    mask[3 * 30 + 5] = mask[10 * 30 + 12] = 1;
    LAC_CHECK(lac_hole_box(&p, &box) == NULL && box.top == 3 && box.left == 5 && box.height == 8 && box.width == 8);
    LAC_CHECK(lac_hole_alone(&p, &box) == NULL && box.hole_alone && box.top == 3 && box.width == 8);
    LAC_CHECK(lac_hole_square(&p, &box) == NULL && !box.hole_alone && box.top == 3 && box.left == 5 && box.height == 8 && box.width == 8);
    LAC_CHECK(lac_hole_square_3_2(&p, &box) == NULL && box.top == 1 && box.left == 3 && box.height == 12 && box.width == 12);
    LAC_CHECK(lac_hole_square_5_4(&p, &box) == NULL && box.top == 2 && box.left == 4 && box.height == 10 && box.width == 10);
    mask[3 * 30 + 29] = 1;              /* 25 wide: as large as the picture is high, and moved inside it */
    LAC_CHECK(lac_hole_square_3_2(&p, &box) == NULL && box.top == 0 && box.left == 0 && box.height == 20 && box.width == 30);
    LAC_CHECK(lac_hole_square(&p, &box) == NULL && box.top == 0 && box.left == 5 && box.height == 20 && box.width == 25);
    mask[3 * 30 + 29] = 0;
    mask[10 * 30 + 12] = 0;
    mask[9 * 30 + 20] = 1;
    LAC_CHECK(strstr(lac_hole_box(&p, &box), "under 8"));
}

LAC_TEST(local_fid_sees_an_annotated_box_out_to_whole_pixels)
{
    lac_cutout box;
    lac_object_box said = { 10.2, 4.5, 31.1, 20, 60, 40 };              /* drawn in a picture twice as large */
    const lac_pair p = { .height = 20, .width = 30, .said = { .box = &said } };
    LAC_CHECK(lac_annotated_box(&p, &box) == NULL && box.left == 5 && box.width == 11 && box.top == 2 && box.height == 8);
    said = (lac_object_box){ -3, -1, 100, 12, 0, 0 };                   /* of no size said: of this picture */
    LAC_CHECK(lac_annotated_box(&p, &box) == NULL && box.left == 0 && box.width == 30 && box.top == 0 && box.height == 12);
    said.bottom = 6;
    LAC_CHECK(strstr(lac_annotated_box(&p, &box), "under 8"));
    LAC_CHECK(strstr(lac_annotated_box(&(lac_pair){ .height = 20, .width = 30 }, &box), "no box"));
}

LAC_TEST(inception_discriminative_scores_are_those_of_the_machine)
{
    sets s;
    lac_set_rows r = rows_of(&s);
    const lac_metric_def p_ids = of_variant(LAC_P_IDS), u_ids = of_variant(LAC_U_IDS);
    double weight[D], bias;
    lac_p_ids known;
    lac_value v;
    LAC_CHECK_STATUS(lac_p_ids_of(&known, weight, &bias, &(lac_samples){ .n = N, .d = D, .f32 = s.row[0] }, &(lac_samples){ .n = N, .d = D, .f32 = s.row[1] }));
    LAC_CHECK_STATUS(lac_p_ids_of_set(&p_ids, &r, &v));
    LAC_CHECK(v.reason == NULL && v.value == known.p_ids && v.value > 0 && v.value < 0.5);
    LAC_CHECK_STATUS(lac_p_ids_of_set(&u_ids, &r, &v));
    LAC_CHECK(v.reason == NULL && v.value == known.u_ids);
    r.n = r.n_reference = 1;
    LAC_CHECK_STATUS(lac_p_ids_of_set(&u_ids, &r, &v));
    LAC_CHECK(isnan(v.value) && strstr(v.reason, "fewer than 2 pairs"));
}
