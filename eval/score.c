#include "eval/score.h"

#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/object_crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_names(char **name, int64_t n)
{
    for (int64_t i = 0; name != NULL && i < n; i++)
        free(name[i]);
    free(name);
}

static void free_list(lac_name_list *list)
{
    free_names(list->name, list->n);
    *list = (lac_name_list){ NULL, 0, 0 };
}

static void free_row(lac_score_row *row)
{
    free(row->id);
    free(row->label);
    free(row->prompt);
    free(row->value);
    free(row->feature);
}

void lac_score_clear(lac_score *s)
{
    for (int64_t i = 0; i < s->n_rows; i++)
        free_row(&s->row[i]);
    s->n_rows = 0;
    free_list(&s->backgrounds);
    free_list(&s->objects);
    free_list(&s->reasons);
}

void lac_score_free(lac_score *s)
{
    lac_score_clear(s);
    for (int64_t f = 0; f < s->n_features; f++)
        lac_features_close(&s->features[f]);
    lac_backbones_free(s->backbones);
    free(s->features);
    free(s->crop);
    free(s->network);
    free(s->row);
    free(s->metric);
    free_names(s->metric_name, s->n_metrics);
    free_names(s->recipe, s->n_metrics);
    free_names(s->method, s->n_methods);
    *s = (lac_score){ 0 };
}

static lac_status all_different(const char *what, const char *const *name, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = 0; k < i; k++)
            if (strcmp(name[i], name[k]) == 0)
                return LAC_FAIL(LAC_ERR_ARG, "%s '%s' is named twice", what, name[i]);
    return LAC_OK;
}

/* Numbers that a network gives of a picture; one that compares gives none. */
static int64_t numbers_of(const lac_features *f) { return f->def->between == NULL ? f->n : 0; }

/* The network of metric k, opened where no metric before it has the same. */
static lac_status take_features(lac_score *s, int64_t k)
{
    const lac_metric *m = &s->metric[k];
    int64_t *f = &s->network[k];
    *f = -1;
    if (m->def->of_masks)
        return LAC_FAIL(LAC_ERR_ARG, "it compares folders of masks: give --reference");
    if (m->def->imagined && s->means.imagined == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "no method here imagines features before it paints");
    if (m->features == NULL)
        return LAC_OK;
    if (m->def->wants & LAC_SAID_CHANGE)
        return LAC_FAIL(LAC_ERR_ARG, "it wants captions before and after, which finished pictures alone can have: give --reference and --prompts");
    for (*f = 0; *f < s->n_features; ++*f)
        if (s->features[*f].def == m->features && s->crop[*f] == m->def->crop && strcmp(s->features[*f].option, m->option) == 0)
            return LAC_OK;
    LAC_TRY(lac_features_open(&s->features[s->n_features], m->features, m->option, &s->means, s->backbones));
    s->crop[s->n_features] = m->def->crop;
    s->row_features += (s->n_methods + 1) * numbers_of(&s->features[s->n_features]);
    s->n_features++;
    return LAC_OK;
}

static lac_status take_metrics(lac_score *s, const char *const *metrics)
{
    LAC_TRY(lac_backbones_new(&s->backbones, s->means.backend, s->means.weights));
    LAC_TRY(lac_calloc((void **)&s->metric, (size_t)s->n_metrics, sizeof *s->metric));
    LAC_TRY(lac_calloc((void **)&s->metric_name, (size_t)s->n_metrics, sizeof *s->metric_name));
    LAC_TRY(lac_calloc((void **)&s->recipe, (size_t)s->n_metrics, sizeof *s->recipe));
    LAC_TRY(lac_calloc((void **)&s->network, (size_t)s->n_metrics, sizeof *s->network));
    LAC_TRY(lac_calloc((void **)&s->features, (size_t)s->n_metrics, sizeof *s->features));
    LAC_TRY(lac_calloc((void **)&s->crop, (size_t)s->n_metrics, sizeof *s->crop));
    for (int64_t k = 0; k < s->n_metrics; k++) {
        LAC_TRY(lac_metric_find(&s->metric[k], metrics[k]));
        LAC_TRY(lac_strdup(&s->metric_name[k], metrics[k]));
        LAC_TRY(lac_context(take_features(s, k), "metric '%s'", metrics[k]));
        LAC_TRY(lac_metric_recipe(&s->metric[k], s->network[k] >= 0 ? &s->features[s->network[k]] : NULL, s->means.imagined, &s->recipe[k]));
    }
    return LAC_OK;
}

static lac_status take_methods(lac_score *s, const char *const *methods)
{
    LAC_TRY(lac_calloc((void **)&s->method, (size_t)s->n_methods, sizeof *s->method));
    for (int64_t m = 0; m < s->n_methods; m++)
        LAC_TRY(lac_strdup(&s->method[m], methods[m]));
    return LAC_OK;
}

lac_status lac_score_new(lac_score *s, const char *const *metrics, int64_t n_metrics, const char *const *methods, int64_t n_methods,
                         const lac_eval_means *means)
{
    *s = (lac_score){ .n_metrics = n_metrics, .n_methods = n_methods };
    if (means != NULL)
        s->means = *means;
    lac_status status = all_different("metric", metrics, n_metrics);
    if (status == LAC_OK)
        status = all_different("method", methods, n_methods);
    if (status == LAC_OK)
        status = take_metrics(s, metrics);
    if (status == LAC_OK)
        status = take_methods(s, methods);
    if (status != LAC_OK)
        lac_score_free(s);
    return status;
}

/* The name's number in the list, which grows by it when it is new; searched from the end, as sets come in runs. */
static lac_status number_of(lac_name_list *list, const char *name, int64_t *number)
{
    for (*number = list->n - 1; *number >= 0; (*number)--)
        if (strcmp(list->name[*number], name) == 0)
            return LAC_OK;
    LAC_TRY(lac_grow((void **)&list->name, list->n, &list->capacity, sizeof *list->name));
    LAC_TRY(lac_strdup(&list->name[list->n], name));
    *number = list->n++;
    return LAC_OK;
}

/* Values of a new row; their reasons become the score's own. */
static lac_status copy_values(lac_score *s, lac_score_row *row, const lac_value *value)
{
    const int64_t n = s->n_methods * s->n_metrics;
    LAC_TRY(lac_calloc((void **)&row->value, (size_t)n, sizeof *row->value));
    for (int64_t i = 0; i < n; i++) {
        int64_t reason;
        row->value[i].value = value[i].value;
        if (value[i].reason == NULL)
            continue;
        LAC_TRY(number_of(&s->reasons, value[i].reason, &reason));
        row->value[i].reason = s->reasons.name[reason];
    }
    return LAC_OK;
}

static lac_status fill_row(lac_score *s, lac_score_row *row, const lac_eval_item *item, const lac_value *value, const float *feature)
{
    LAC_TRY(lac_strdup(&row->id, item->id));
    if (item->label != NULL)
        LAC_TRY(lac_strdup(&row->label, item->label));
    if (item->prompt != NULL)
        LAC_TRY(lac_strdup(&row->prompt, item->prompt));
    LAC_TRY(copy_values(s, row, value));
    if (s->row_features > 0) {
        LAC_TRY(lac_malloc((void **)&row->feature, (size_t)s->row_features * sizeof *feature));
        memcpy(row->feature, feature, (size_t)s->row_features * sizeof *feature);
    }
    LAC_TRY(number_of(&s->backgrounds, item->background, &row->background));
    return item->object != NULL ? number_of(&s->objects, item->object, &row->object) : LAC_OK;
}

lac_status lac_score_add_values(lac_score *s, const lac_eval_item *item, int64_t holes, const lac_value *value, const float *feature)
{
    LAC_TRY(lac_grow((void **)&s->row, s->n_rows, &s->capacity, sizeof *s->row));
    lac_score_row row = { .object = -1, .height = item->height, .width = item->width, .holes = holes };
    const lac_status status = fill_row(s, &row, item, value, feature);
    if (status == LAC_OK)
        s->row[s->n_rows++] = row;
    else
        free_row(&row);
    return status;
}

/* ---- what metrics and networks make of pictures ---- */

/* Where in a row's features those of network f begin. */
static int64_t features_at(const lac_score *s, int64_t f)
{
    int64_t at = 0;
    for (int64_t i = 0; i < f; i++)
        at += (s->n_methods + 1) * numbers_of(&s->features[i]);
    return at;
}

const float *lac_score_feature(const lac_score *s, const lac_score_row *row, int64_t m, int64_t k)
{
    const int64_t f = s->network[k];
    return f >= 0 && numbers_of(&s->features[f]) > 0 ? row->feature + features_at(s, f) + m * s->features[f].n : NULL;
}

typedef struct added { int64_t n; const lac_eval_item *item; const uint8_t *const *image; const lac_imagined *imagined; lac_value *value; float *feature; } added;

static lac_said said_of(const lac_eval_item *item) { return (lac_said){ .prompt = item->prompt, .label = item->label }; }

static lac_picture picture_of(const added *a, int64_t m, int64_t i, int64_t n_methods)
{
    const lac_eval_item *item = &a->item[i];
    return (lac_picture){ item->height, item->width, m < n_methods ? a->image[m * a->n + i] : item->reference, item->mask, said_of(item) };
}

/* Whether a metric compares network f's numbers with those of the truth. */
static bool sees_truth(const lac_score *s, int64_t f)
{
    for (int64_t k = 0; k < s->n_metrics; k++)
        if (s->network[k] == f && !s->metric[k].def->no_reference)
            return true;
    return false;
}

/* Network f on the part that it sees of each picture; NaN where there is none. */
static lac_status see_parts(const lac_score *s, const lac_picture *picture, int64_t n, int64_t f, float *found)
{
    lac_features *net = &s->features[f];
    lac_status status = LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < n; i++) {
        const lac_picture *p = &picture[i];
        lac_image part = { 0 };
        lac_cutout box;
        for (int64_t k = 0; k < net->n; k++)
            found[i * net->n + k] = NAN;
        if (s->crop[f](&(lac_pair){ .height = p->height, .width = p->width, .image = p->pixels, .mask = p->mask, .said = p->said }, &box) != NULL)
            continue;
        status = lac_cutout_take(&part, p, &box);
        if (status == LAC_OK)
            status = net->def->of(net, &(lac_picture){ part.height, part.width, part.pixels, NULL, p->said }, 1, found + i * net->n);
        lac_image_free(&part);
    }
    return status;
}

/* Network f on the n pictures of method m (of the truth), into their rows. */
static lac_status see(const lac_score *s, const added *a, int64_t f, int64_t m)
{
    lac_features *net = &s->features[f];
    lac_picture *picture;
    float *found = NULL;
    LAC_TRY(lac_calloc((void **)&picture, (size_t)a->n, sizeof *picture));
    for (int64_t i = 0; i < a->n; i++)
        picture[i] = picture_of(a, m, i, s->n_methods);
    lac_status status = lac_calloc((void **)&found, (size_t)(a->n * net->n), sizeof *found);
    if (status == LAC_OK)
        status = s->crop[f] != NULL ? see_parts(s, picture, a->n, f, found) : net->def->of(net, picture, a->n, found);
    status = lac_context(status, "features '%s' of '%s'", net->def->name, a->item[0].id);
    for (int64_t i = 0; status == LAC_OK && i < a->n; i++)
        memcpy(a->feature + i * s->row_features + features_at(s, f) + m * net->n, found + i * net->n, (size_t)net->n * sizeof *found);
    free(found);
    free(picture);
    return status;
}

static lac_status measure_all(const lac_score *s, const added *a, int64_t i)
{
    const lac_eval_item *item = &a->item[i];
    const lac_score_row row = { .feature = s->row_features > 0 ? a->feature + i * s->row_features : NULL };
    lac_pair p = { item->height, item->width, NULL, item->reference, item->mask, .said = said_of(item), .at = i };
    for (int64_t m = 0; m < s->n_methods; m++) {
        p.imagined = a->imagined != NULL && a->imagined[m].said != NULL ? &a->imagined[m] : NULL;
        for (int64_t k = 0; k < s->n_metrics; k++) {
            lac_features *net = s->network[k] >= 0 ? &s->features[s->network[k]] : NULL;
            p.image = a->image[m * a->n + i];
            p.feature = lac_score_feature(s, &row, m, k);
            p.reference_feature = lac_score_feature(s, &row, s->n_methods, k);
            p.n_features = net != NULL ? numbers_of(net) : 0;
            LAC_TRY(lac_metric_measure(&s->metric[k], net, &p, &a->value[m * s->n_metrics + k]));
        }
    }
    return LAC_OK;
}

static lac_status add_one(lac_score *s, const added *a, int64_t i)
{
    const lac_eval_item *item = &a->item[i];
    int64_t holes = 0;
    for (int64_t p = 0; p < item->height * item->width; p++)
        holes += item->mask[p] != 0;
    LAC_TRY(measure_all(s, a, i));
    return lac_score_add_values(s, item, holes, a->value, a->feature + i * s->row_features);
}

bool lac_score_wants_imagined(const lac_score *s)
{
    for (int64_t k = 0; k < s->n_metrics; k++)
        if (s->metric[k].def->imagined)
            return true;
    return false;
}

lac_status lac_score_add(lac_score *s, int64_t n, const lac_eval_item *item, const uint8_t *const *image, const lac_imagined *imagined)
{
    added a = { .n = n, .item = item, .image = image, .imagined = imagined };
    LAC_TRY(lac_calloc((void **)&a.value, (size_t)(s->n_methods * s->n_metrics), sizeof *a.value));
    lac_status status = lac_calloc((void **)&a.feature, (size_t)(n * s->row_features), sizeof *a.feature);
    for (int64_t f = 0; f < s->n_features; f++)
        for (int64_t m = 0; status == LAC_OK && numbers_of(&s->features[f]) > 0 && m < s->n_methods + sees_truth(s, f); m++)
            status = see(s, &a, f, m);
    for (int64_t i = 0; status == LAC_OK && i < n; i++)
        status = add_one(s, &a, i);
    free(a.feature);
    free(a.value);
    return status;
}

lac_status lac_score_values(const lac_score *s, int64_t m, int64_t k, double **value)
{
    LAC_TRY(lac_calloc((void **)value, (size_t)s->n_rows, sizeof **value));
    for (int64_t i = 0; i < s->n_rows; i++)
        (*value)[i] = s->row[i].value[m * s->n_metrics + k].value;
    return LAC_OK;
}
