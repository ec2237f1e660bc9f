#include "eval/set_value.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

static lac_status groups_of(const lac_score *s, int64_t **group)
{
    LAC_TRY(lac_calloc((void **)group, (size_t)s->n_rows, sizeof **group));
    for (int64_t i = 0; i < s->n_rows; i++)
        (*group)[i] = s->row[i].background;
    return LAC_OK;
}

/* ---- a mean over pictures ---- */

/* each: the value of every resample, where that is wanted. */
static lac_status mean_of_pictures(const lac_score *s, int64_t a, int64_t b, int64_t k, const int64_t *group, bool resampled, uint64_t seed,
                                   lac_interval *found, double *each)
{
    double *value;
    LAC_TRY(lac_score_values(s, a, k, &value));
    for (int64_t i = 0; b >= 0 && i < s->n_rows; i++)
        value[i] -= s->row[i].value[b * s->n_metrics + k].value;
    const lac_status status = each != NULL ? lac_bootstrap_means(found, each, value, group, s->n_rows, s->backgrounds.n, seed)
                            : resampled ? lac_bootstrap(found, value, group, s->n_rows, s->backgrounds.n, seed)
                                        : lac_bootstrap_none(found, value, group, s->n_rows, s->backgrounds.n);
    free(value);
    return status;
}

/* ---- a metric of the set ---- */

/* Rows of one method; weight is shared by those of a difference. */
typedef struct view { lac_set_rows rows; double *value; const float **feature; } view;

typedef struct whole {
    const lac_metric_def *def;
    const int64_t *group;
    int64_t n, *row;                /* pictures that count: all, but for those of which a metric of parts sees none */
    double *weight;
    view side[2];
    int n_sides;                    /* 2: a difference */
    const char *undefined;          /* of the last value asked for */
} whole;

static lac_status pick_rows(const lac_score *s, int64_t m, int64_t k, whole *w)
{
    LAC_TRY(lac_calloc((void **)&w->row, (size_t)s->n_rows, sizeof *w->row));
    for (int64_t i = 0; i < s->n_rows; i++)
        if (w->def->crop == NULL || !isnan(lac_score_feature(s, &s->row[i], m, k)[0]))
            w->row[w->n++] = i;
    return LAC_OK;
}

static lac_status look_at(const lac_score *s, int64_t m, int64_t k, const whole *w, view *v)
{
    v->rows = (lac_set_rows){ .n = w->n, .weight = w->weight, .n_reference = w->n, .reference_weight = w->weight, .settings = &s->metric[k].settings };
    if (s->metric[k].def->measure != NULL) {
        LAC_TRY(lac_score_values(s, m, k, &v->value));
        for (int64_t i = 0; i < w->n; i++)
            v->value[i] = v->value[w->row[i]];
        v->rows.value = v->value;
    }
    if (s->network[k] < 0)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&v->feature, (size_t)s->n_rows, 2 * sizeof *v->feature));
    for (int64_t i = 0; i < w->n; i++) {
        v->feature[i] = lac_score_feature(s, &s->row[w->row[i]], m, k);
        v->feature[s->n_rows + i] = lac_score_feature(s, &s->row[w->row[i]], s->n_methods, k);
    }
    v->rows.n_features = s->features[s->network[k]].n;
    v->rows.feature = v->feature;
    v->rows.reference = v->feature + s->n_rows;
    return LAC_OK;
}

/* A lac_statistic: pictures weigh as their groups do. */
static lac_status value_of(void *context, const double *times, double *value)
{
    whole *w = context;
    lac_value side[2] = { { 0, NULL }, { 0, NULL } };
    for (int64_t i = 0; i < w->n; i++)
        w->weight[i] = times[w->group[w->row[i]]];
    for (int i = 0; i < w->n_sides; i++)
        LAC_TRY(w->def->of_set(w->def, &w->side[i].rows, &side[i]));
    w->undefined = side[0].reason != NULL ? side[0].reason : side[1].reason;
    *value = w->undefined != NULL ? NAN : side[0].value - side[1].value;
    return LAC_OK;
}

/* Pictures and groups that count: or of them those where measure has a value on every side. */
static lac_status count(const lac_score *s, const whole *w, lac_interval *found)
{
    bool *seen;
    LAC_TRY(lac_calloc((void **)&seen, (size_t)s->backgrounds.n, sizeof *seen));
    for (int64_t i = 0; i < w->n; i++) {
        const int64_t group = w->group[w->row[i]];
        bool counts = true;
        for (int side = 0; side < w->n_sides; side++)
            counts &= w->side[side].value == NULL || !isnan(w->side[side].value[i]);
        found->n += counts;
        found->n_groups += counts && !seen[group];
        seen[group] |= counts;
    }
    free(seen);
    return LAC_OK;
}

static lac_status value_and_interval(const lac_score *s, whole *w, bool resampled, uint64_t seed, lac_set_value *found, double *each)
{
    found->v = (lac_interval){ NAN, NAN, NAN, 0, 0 };
    LAC_TRY(count(s, w, &found->v));
    if (s->n_rows == 0)
        return LAC_OK;
    LAC_TRY(lac_bootstrap_value(&found->v.value, value_of, w, s->backgrounds.n));
    found->undefined = w->undefined;
    found->no_interval = isnan(found->v.value) ? NULL : w->def->no_interval;
    if (!resampled || w->undefined != NULL || w->def->no_interval != NULL)
        return LAC_OK;
    if (each == NULL)
        return lac_bootstrap_interval(&found->v, value_of, w, s->backgrounds.n, seed);
    LAC_TRY(lac_bootstrap_values(each, value_of, w, s->backgrounds.n, seed));
    lac_bootstrap_bounds(&found->v, each);
    return LAC_OK;
}

static lac_status of_the_set(const lac_score *s, int64_t a, int64_t b, int64_t k, const int64_t *group, bool resampled, uint64_t seed,
                             lac_set_value *found, double *each)
{
    whole w = { .def = s->metric[k].def, .group = group, .n_sides = b >= 0 ? 2 : 1 };
    lac_status status = lac_calloc((void **)&w.weight, (size_t)s->n_rows, sizeof *w.weight);
    if (status == LAC_OK)
        status = pick_rows(s, a, k, &w);
    if (status == LAC_OK)
        status = look_at(s, a, k, &w, &w.side[0]);
    if (status == LAC_OK && b >= 0)
        status = look_at(s, b, k, &w, &w.side[1]);
    if (status == LAC_OK)
        status = value_and_interval(s, &w, resampled, seed, found, each);
    for (int i = 0; i < 2; i++) {
        free(w.side[i].value);
        free(w.side[i].feature);
    }
    free(w.weight);
    free(w.row);
    return status;
}

static lac_status set_value(const lac_score *s, int64_t a, int64_t b, int64_t k, bool resampled, uint64_t seed, lac_set_value *found, double *each)
{
    int64_t *group;
    *found = (lac_set_value){ .undefined = NULL };
    LAC_TRY(groups_of(s, &group));
    const lac_status status = s->metric[k].def->of_set != NULL ? of_the_set(s, a, b, k, group, resampled, seed, found, each)
                                                               : mean_of_pictures(s, a, b, k, group, resampled, seed, &found->v, each);
    free(group);
    return status;
}

lac_status lac_score_set_value(const lac_score *s, int64_t a, int64_t b, int64_t k, bool resampled, uint64_t seed, lac_set_value *found)
{
    return set_value(s, a, b, k, resampled, seed, found, NULL);
}

lac_status lac_score_resampled(const lac_score *s, int64_t a, int64_t k, uint64_t seed, lac_resampled *r)
{
    for (int i = 0; i < LAC_BOOTSTRAP_RESAMPLES; i++)
        r->each[i] = NAN;
    return set_value(s, a, -1, k, true, seed, &r->found, r->each);
}
