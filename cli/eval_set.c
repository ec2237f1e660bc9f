#include "cli/eval_set.h"

#include "core/memory.h"
#include "data/loader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8 };

struct lac_eval_set {
    json_t *data;
    int64_t limit, n, size;
    lac_set *set;
    lac_source source;
    lac_loader *loader;
    char *view;
    const lac_batch *batch;         /* the loader's last one, pictures [first, first + batch->n) */
    int64_t first;
    uint8_t *kept;                  /* pictures kept_from and on, each with its mask; NULL when they are too many */
    int64_t *id, kept_from, n_kept;
    char background[32];
};

void lac_eval_set_close(lac_eval_set *s)
{
    if (s == NULL)
        return;
    lac_loader_free(s->loader);
    lac_set_close(s->set);
    json_decref(s->data);
    free(s->view);
    free(s->kept);
    free(s->id);
    free(s);
}

static lac_status open_set(lac_eval_set *s, lac_eval_locate *locate, void *context)
{
    char *path;
    LAC_TRY(locate(context, lac_config_str(s->data, "set"), &path));
    const lac_status status = lac_set_open(&s->set, path);
    free(path);
    return status;
}

static lac_status open_loader(lac_eval_set *s, lac_eval_locate *locate, void *context)
{
    const json_t *d = s->data;
    s->source = (lac_source){ .set = s->set, .split = lac_config_str(d, "split"), .weight = 1 };
    lac_loader_config c = { .source = &s->source, .n_sources = 1, .fields = (const char *const[]){ "image", "mask", "id", NULL },
                            .mask = lac_config_str(d, "mask"), .locate = locate, .locate_context = context, .stream = "eval", .global = AT_ONCE, .count = AT_ONCE,
                            .evaluate = true,
                            .view = { .size = s->size, .shorter = lac_config_int(d, "shorter") } };
    LAC_TRY(lac_crop_named(&c.view.crop, lac_config_str(d, "crop")));
    LAC_TRY(lac_format(&s->view, "%s crop of %lld, shorter side %lld", lac_config_str(d, "crop"), (long long)s->size, (long long)c.view.shorter));
    return lac_loader_new(&s->loader, &c);
}

static lac_status make_room(lac_eval_set *s)
{
    const int64_t each = s->size * s->size * 4;
    s->n = lac_loader_records(s->loader);
    s->n = s->limit > 0 ? LAC_MIN(s->n, s->limit) : s->n;
    if (s->n > LAC_EVAL_KEEP / each)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&s->id, (size_t)s->n, sizeof *s->id));
    return lac_malloc((void **)&s->kept, (size_t)(s->n * each));
}

static lac_status open(lac_eval_set *s, lac_eval_locate *locate, void *context)
{
    s->size = lac_config_int(s->data, "size");
    LAC_TRY(open_set(s, locate, context));
    LAC_TRY(open_loader(s, locate, context));
    return make_room(s);
}

lac_status lac_eval_set_open(lac_eval_set **set, const json_t *data, int64_t limit, lac_eval_locate *locate, void *context)
{
    if (data == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "there is no data.eval to score on");
    if (*set != NULL && (*set)->limit == limit && json_equal((*set)->data, data))
        return LAC_OK;
    lac_eval_set_close(*set);
    *set = NULL;
    LAC_TRY(lac_calloc((void **)set, 1, sizeof **set));
    (*set)->data = json_deep_copy(data);
    (*set)->limit = limit;
    const lac_status status = open(*set, locate, context);
    if (status != LAC_OK) {
        lac_eval_set_close(*set);
        *set = NULL;
    }
    return lac_context(status, "data.eval");
}

int64_t lac_eval_set_count(const lac_eval_set *s) { return s->n; }

lac_score_origin lac_eval_set_origin(const lac_eval_set *s)
{
    return (lac_score_origin){ .set = lac_set_name(s->set), .split = lac_config_str(s->data, "split"), .manifest = lac_set_hash(s->set),
                               .masks = lac_loader_masks(s->loader), .seed = 0, .view = s->view };
}

/* Picture i into the loader's batch; passes go from front to back. */
static lac_status load(lac_eval_set *s, int64_t i)
{
    if (s->batch != NULL && i >= s->first && i < s->first + s->batch->n)
        return LAC_OK;
    s->batch = NULL;
    LAC_TRY(lac_loader_seek(s->loader, i / AT_ONCE));
    LAC_TRY(lac_loader_next(s->loader, &s->batch));
    s->first = i / AT_ONCE * AT_ONCE;
    return LAC_OK;
}

static void keep(lac_eval_set *s, int64_t i, const uint8_t *picture, const uint8_t *mask, int64_t id)
{
    const int64_t pixels = s->size * s->size;
    if (s->n_kept == 0)
        s->kept_from = i;
    if (s->kept == NULL || i != s->kept_from + s->n_kept)
        return;
    uint8_t *to = s->kept + s->n_kept * pixels * 4;
    memcpy(to, picture, (size_t)pixels * 3);
    memcpy(to + pixels * 3, mask, (size_t)pixels);
    s->id[s->n_kept++] = id;
}

lac_status lac_eval_set_read(void *context, int64_t i, lac_eval_item *item)
{
    lac_eval_set *s = context;
    const int64_t pixels = s->size * s->size, at = i - s->kept_from;
    const uint8_t *picture, *mask;
    int64_t id;
    if (at >= 0 && at < s->n_kept) {
        picture = s->kept + at * pixels * 4;
        mask = picture + pixels * 3;
        id = s->id[at];
    } else {
        LAC_TRY(load(s, i));
        const int64_t k = i - s->first;
        picture = (const uint8_t *)lac_batch_field(s->batch, "image")->data + k * pixels * 3;
        mask = (const uint8_t *)lac_batch_field(s->batch, "mask")->data + k * pixels;
        id = ((const int64_t *)lac_batch_field(s->batch, "id")->data)[k];
        keep(s, i, picture, mask, id);
    }
    const lac_record r = lac_set_record(s->set, id);
    snprintf(s->background, sizeof s->background, "%lld", (long long)r.group);
    *item = (lac_eval_item){ r.name, s->background, NULL, s->size, s->size, picture, mask };
    return LAC_OK;
}

/* ---- an inpainter as a method ---- */

static lac_status complete(void *context, uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask, const char *id)
{
    const lac_eval_painter *p = context;
    const lac_image image = { height, width, 3, picture }, hole = { height, width, 1, (uint8_t *)mask };
    lac_image result = { 0 };
    (void)id;
    LAC_TRY(lac_inpaint(p->ip, p->tape, &image, &hole, NULL, &result));
    memcpy(picture, result.pixels, (size_t)(height * width) * 3);
    lac_image_free(&result);
    return LAC_OK;
}

lac_eval_method lac_eval_inpainter_method(const char *name, lac_eval_painter *p) { return (lac_eval_method){ name, complete, p }; }

lac_eval_share lac_eval_set_share(const lac_eval_set *set, const lac_comm *comm)
{
    const int64_t each = (set->n + comm->size - 1) / comm->size, from = LAC_MIN(comm->rank * each, set->n);
    return (lac_eval_share){ each, from, LAC_MIN(each, set->n - from) };
}

typedef struct part { lac_eval_read *read; void *context; int64_t from; } part;

static lac_status read_part(void *context, int64_t i, lac_eval_item *item)
{
    const part *p = context;
    return p->read(p->context, p->from + i, item);
}

lac_status lac_eval_share_run(const lac_eval_share *share, lac_score *score, lac_eval_read *read, void *context, const lac_eval_method *methods,
                              lac_comm *comm)
{
    for (int64_t at = 0; at < share->each; at += AT_ONCE) {
        part p = { read, context, share->from + at };
        const int64_t n = LAC_MAX(LAC_MIN(AT_ONCE, share->n - at), 0);
        LAC_TRY(lac_comm_agree(comm, lac_score_run(score, read_part, &p, n, methods)));
    }
    return LAC_OK;
}

/* Metric k of every picture of the set, NAN where it is undefined or there is no picture: fresh [ranks][each]. */
static lac_status gather_values(const lac_score *s, int64_t k, int64_t each, lac_comm *comm, double **all)
{
    double *value;
    LAC_TRY(lac_calloc((void **)all, (size_t)(comm->size * each), sizeof **all));
    double *own = *all + comm->rank * each;
    lac_status status = lac_score_values(s, 0, k, &value);
    for (int64_t i = 0; status == LAC_OK && i < each; i++)
        own[i] = i < s->n_rows ? value[i] : NAN;
    if (status == LAC_OK) {
        free(value);
        status = comm->all_gather(comm, *all, own, (size_t)each * sizeof **all);
    }
    if (status != LAC_OK)
        free(*all);
    return status;
}

static lac_status mean(const lac_score *s, int64_t k, int64_t each, lac_comm *comm, double *to, int64_t *n)
{
    double *value;
    LAC_TRY(gather_values(s, k, each, comm, &value));
    *to = 0;
    *n = 0;
    for (int64_t i = 0; i < comm->size * each; i++)
        if (!isnan(value[i])) {
            *to += value[i];
            ++*n;
        }
    free(value);
    *to = *n > 0 ? *to / (double)*n : NAN;
    return LAC_OK;
}

static lac_status means(const lac_score *s, int64_t each, lac_comm *comm, json_t *values, double *score)
{
    for (int64_t k = 0; k < s->n_metrics; k++) {
        double v;
        int64_t n;
        LAC_TRY(mean(s, k, each, comm, &v, &n));
        if (n > 0)
            json_object_set_new(values, s->metric_name[k], json_real(v));
        if (k == 0 && n == 0)
            return LAC_FAIL(LAC_ERR_STATE, "'%s' is defined on no picture", s->metric_name[k]);
        if (k == 0)
            *score = s->metric[k].def->higher_is_better ? -v : v;
    }
    return LAC_OK;
}

static lac_status score_share(lac_score *s, const lac_inpainter *ip, lac_tape *t, lac_eval_set *set, lac_comm *comm, json_t *values, double *score)
{
    const lac_eval_share own = lac_eval_set_share(set, comm);
    lac_eval_painter painter = { ip, t };
    const lac_eval_method method = lac_eval_inpainter_method(ip->def->name, &painter);
    LAC_TRY(lac_eval_share_run(&own, s, lac_eval_set_read, set, &method, comm));
    return means(s, own.each, comm, values, score);
}

lac_status lac_eval_inpainter(const lac_inpainter *ip, lac_tape *t, lac_eval_set *set, const json_t *metrics, lac_comm *comm, json_t **values,
                              double *score)
{
    lac_score s;
    const size_t n = json_array_size(metrics);
    const char **names;
    if (n == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "there is no metric to score by");
    LAC_TRY(lac_calloc((void **)&names, n, sizeof *names));
    for (size_t i = 0; i < n; i++)
        names[i] = json_string_value(json_array_get(metrics, i));
    lac_status status = lac_score_new(&s, names, (int64_t)n, &ip->def->name, 1);
    free(names);
    if (status != LAC_OK)
        return status;
    *values = json_object();
    status = score_share(&s, ip, t, set, comm, *values, score);
    if (status != LAC_OK) {
        json_decref(*values);
        *values = NULL;
    }
    lac_score_free(&s);
    return status;
}
