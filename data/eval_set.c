#include "data/eval_set.h"

#include "core/memory.h"

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
    char caption[LAC_CAPTION_BYTES];            /* of the picture asked for last */
    uint8_t *bytes;
    size_t room;
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
    free(s->bytes);
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

lac_status lac_eval_loader(lac_loader_config *c, lac_source *source, const lac_set *set, const json_t *data, lac_eval_locate *locate, void *context)
{
    *source = (lac_source){ .set = set, .split = lac_config_str(data, "split"), .weight = 1 };
    *c = (lac_loader_config){ .source = source, .n_sources = 1, .mask = lac_config_str(data, "mask"), .locate = locate, .locate_context = context, .stream = "eval", .evaluate = true,
                              .view = { .size = lac_config_int(data, "size"), .shorter = lac_config_int(data, "shorter") } };
    return lac_crop_named(&c->view.crop, lac_config_str(data, "crop"));
}

static lac_status open_loader(lac_eval_set *s, lac_eval_locate *locate, void *context)
{
    const json_t *d = s->data;
    lac_loader_config c;
    LAC_TRY(lac_eval_loader(&c, &s->source, s->set, d, locate, context));
    c.fields = (const char *const[]){ "image", "mask", "id", NULL };
    c.global = c.count = AT_ONCE;
    c.limit = s->limit;
    LAC_TRY(lac_format(&s->view, "%s crop of %lld, shorter side %lld", lac_config_str(d, "crop"), (long long)s->size, (long long)c.view.shorter));
    return lac_loader_new(&s->loader, &c);
}

static lac_status make_room(lac_eval_set *s)
{
    const int64_t each = s->size * s->size * 4;
    s->n = lac_loader_records(s->loader);
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

/* data.eval.prompt; "": each record's own. */
static const char *own_prompt(const lac_eval_set *s) { return lac_config_has(s->data, "prompt") ? lac_config_str(s->data, "prompt") : ""; }

lac_eval_about lac_eval_set_about(const lac_eval_set *s)
{
    const char *prompt = own_prompt(s), *selection = lac_set_selection(s->set);
    return (lac_eval_about){ .set = lac_set_name(s->set), .split = lac_config_str(s->data, "split"), .manifest = lac_set_hash(s->set),
                             .masks = lac_loader_masks(s->loader), .view = s->view, .prompt = prompt[0] ? prompt : NULL,
                             .selection = selection[0] ? selection : NULL };
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

/* What goes with a record: its first caption, else its label. */
static lac_status prompt_of(lac_eval_set *s, int64_t id, const char **prompt)
{
    const char *configured = own_prompt(s), *label = lac_set_record(s->set, id).label;
    int64_t first;
    *prompt = configured[0] ? configured : label[0] ? label : NULL;
    if (configured[0] || lac_set_parts(s->set, id, LAC_PART_CAPTION, &first) == 0)
        return LAC_OK;
    LAC_TRY(lac_set_read_part(s->set, first, &s->bytes, &s->room));
    snprintf(s->caption, sizeof s->caption, "%.*s", (int)lac_set_part(s->set, first).length, (const char *)s->bytes);
    *prompt = s->caption;
    return LAC_OK;
}

static const char *label_of(const lac_eval_set *s, int64_t id)
{
    const char *label = lac_set_record(s->set, id).label;
    int64_t first;
    if (label[0] == '\0' && lac_set_parts(s->set, id, LAC_PART_OBJECT, &first) > 0)
        label = lac_set_part(s->set, first).label;
    return label[0] ? label : NULL;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

lac_status lac_eval_set_labels(const lac_eval_set *s, const char ***label, int64_t *n)
{
    int64_t *id, records, all = 0;
    *n = 0;
    LAC_TRY(lac_set_select(s->set, lac_config_str(s->data, "split"), LAC_KIND_PHOTO, &id, &records));
    const lac_status status = lac_calloc((void **)label, (size_t)records, sizeof **label);
    for (int64_t i = 0; status == LAC_OK && i < records; i++)
        if (((*label)[all] = label_of(s, id[i])) != NULL)
            all++;
    free(id);
    LAC_TRY(status);
    qsort(*label, (size_t)all, sizeof **label, by_bytes);
    for (int64_t i = 0; i < all; i++)
        if (*n == 0 || strcmp((*label)[i], (*label)[*n - 1]) != 0)
            (*label)[(*n)++] = (*label)[i];
    return LAC_OK;
}

lac_status lac_eval_set_picture(lac_eval_set *s, int64_t i, lac_eval_picture *to)
{
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
    *to = (lac_eval_picture){ id, s->size, r.name, s->background, picture, mask, NULL, label_of(s, id) };
    return prompt_of(s, id, &to->prompt);
}
