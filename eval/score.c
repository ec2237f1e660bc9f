#include "eval/score.h"

#include "core/memory.h"
#include "eval/baseline.h"

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

void lac_score_clear(lac_score *s)
{
    for (int64_t i = 0; i < s->n_rows; i++) {
        free(s->row[i].id);
        free(s->row[i].value);
    }
    s->n_rows = 0;
    free_list(&s->backgrounds);
    free_list(&s->objects);
    free_list(&s->reasons);
}

void lac_score_free(lac_score *s)
{
    lac_score_clear(s);
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

static lac_status take_metrics(lac_score *s, const char *const *metrics)
{
    LAC_TRY(lac_calloc((void **)&s->metric, (size_t)s->n_metrics, sizeof *s->metric));
    LAC_TRY(lac_calloc((void **)&s->metric_name, (size_t)s->n_metrics, sizeof *s->metric_name));
    LAC_TRY(lac_calloc((void **)&s->recipe, (size_t)s->n_metrics, sizeof *s->recipe));
    for (int64_t k = 0; k < s->n_metrics; k++) {
        LAC_TRY(lac_metric_find(&s->metric[k], metrics[k]));
        LAC_TRY(lac_strdup(&s->metric_name[k], metrics[k]));
        LAC_TRY(lac_metric_recipe(&s->metric[k], &s->recipe[k]));
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

lac_status lac_score_new(lac_score *s, const char *const *metrics, int64_t n_metrics, const char *const *methods, int64_t n_methods)
{
    *s = (lac_score){ .n_metrics = n_metrics, .n_methods = n_methods };
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

static lac_status measure_all(const lac_score *s, const lac_eval_item *item, const uint8_t *const *image, lac_value *value)
{
    lac_pair p = { item->height, item->width, NULL, item->reference, item->mask };
    for (int64_t m = 0; m < s->n_methods; m++) {
        p.image = image[m];
        for (int64_t k = 0; k < s->n_metrics; k++)
            LAC_TRY(lac_metric_measure(&s->metric[k], &p, &value[m * s->n_metrics + k]));
    }
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

static lac_status fill_row(lac_score *s, lac_score_row *row, const lac_eval_item *item, const lac_value *value)
{
    LAC_TRY(lac_strdup(&row->id, item->id));
    LAC_TRY(copy_values(s, row, value));
    LAC_TRY(number_of(&s->backgrounds, item->background, &row->background));
    return item->object != NULL ? number_of(&s->objects, item->object, &row->object) : LAC_OK;
}

lac_status lac_score_add_values(lac_score *s, const lac_eval_item *item, int64_t holes, const lac_value *value)
{
    LAC_TRY(lac_grow((void **)&s->row, s->n_rows, &s->capacity, sizeof *s->row));
    lac_score_row row = { .object = -1, .height = item->height, .width = item->width, .holes = holes };
    const lac_status status = fill_row(s, &row, item, value);
    if (status == LAC_OK)
        s->row[s->n_rows++] = row;
    else {
        free(row.id);
        free(row.value);
    }
    return status;
}

lac_status lac_score_add(lac_score *s, const lac_eval_item *item, const uint8_t *const *image)
{
    int64_t holes = 0;
    lac_value *value;
    for (int64_t i = 0; i < item->height * item->width; i++)
        holes += item->mask[i] != 0;
    LAC_TRY(lac_calloc((void **)&value, (size_t)(s->n_methods * s->n_metrics), sizeof *value));
    lac_status status = measure_all(s, item, image, value);
    if (status == LAC_OK)
        status = lac_score_add_values(s, item, holes, value);
    free(value);
    return status;
}

static lac_status complete_baseline(void *context, uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask, const char *id)
{
    (void)id;
    return ((const lac_baseline *)context)->fill(picture, height, width, mask);
}

lac_eval_method lac_eval_baseline(const char *name)
{
    const lac_baseline *b = lac_baseline_find(name);
    return (lac_eval_method){ b != NULL ? b->title : NULL, complete_baseline, (void *)b };
}

/* What a method is given: the truth outside, grey in the hole. */
static void give(uint8_t *picture, const lac_eval_item *item)
{
    memcpy(picture, item->reference, (size_t)(item->height * item->width) * 3);
    for (int64_t i = 0; i < item->height * item->width; i++)
        if (item->mask[i])
            memset(picture + 3 * i, LAC_BASELINE_GREY, 3);
}

static lac_status complete_all(const lac_score *s, const lac_eval_item *item, const lac_eval_method *methods, uint8_t *const *image)
{
    for (int64_t m = 0; m < s->n_methods; m++) {
        give(image[m], item);
        LAC_TRY(lac_context(methods[m].complete(methods[m].context, image[m], item->height, item->width, item->mask, item->id),
                            "%s on '%s'", methods[m].name, item->id));
    }
    return LAC_OK;
}

static lac_status run_item(lac_score *s, const lac_eval_item *item, const lac_eval_method *methods)
{
    const size_t size = (size_t)(item->height * item->width) * 3;
    uint8_t *all, **image = NULL;
    LAC_TRY(lac_calloc((void **)&all, (size_t)s->n_methods, size));
    lac_status status = lac_calloc((void **)&image, (size_t)s->n_methods, sizeof *image);
    for (int64_t m = 0; status == LAC_OK && m < s->n_methods; m++)
        image[m] = all + (size_t)m * size;
    if (status == LAC_OK)
        status = complete_all(s, item, methods, image);
    if (status == LAC_OK)
        status = lac_score_add(s, item, (const uint8_t *const *)image);
    free(image);
    free(all);
    return status;
}

lac_status lac_score_run(lac_score *s, lac_eval_read *read, void *context, int64_t n, const lac_eval_method *methods)
{
    for (int64_t i = 0; i < n; i++) {
        lac_eval_item item = { 0 };
        LAC_TRY(read(context, i, &item));
        LAC_TRY(run_item(s, &item, methods));
    }
    return LAC_OK;
}

lac_status lac_score_values(const lac_score *s, int64_t m, int64_t k, double **value)
{
    LAC_TRY(lac_calloc((void **)value, (size_t)s->n_rows, sizeof **value));
    for (int64_t i = 0; i < s->n_rows; i++)
        (*value)[i] = s->row[i].value[m * s->n_metrics + k].value;
    return LAC_OK;
}
