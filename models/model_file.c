#include "models/model_file.h"

#include "core/file/weights.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lac_borrowed_free(lac_borrowed *b)
{
    for (int64_t i = 0; i < b->n; i++)
        free(b->data[i]);
    free(b->data);
    *b = (lac_borrowed){ 0 };
}

lac_status lac_borrowed_new(lac_borrowed *b, size_t size, void **p)
{
    LAC_TRY(lac_grow((void **)&b->data, b->n, &b->capacity, sizeof *b->data));
    LAC_TRY(lac_malloc(p, size));
    b->data[b->n++] = *p;
    return LAC_OK;
}

static lac_status add_one(lac_weights_writer *w, const lac_param *p, const char *prefix, lac_dtype d, lac_borrowed *keep)
{
    char key[400];
    const int64_t n = lac_numel(p->value);
    const lac_shape ours = lac_shape_of(p->value), border = lac_border_shape(p->role, &ours);
    float *inner, *outer;
    void *stored;
    snprintf(key, sizeof key, "%s%s", prefix, p->name);
    LAC_TRY(lac_borrowed_new(keep, (size_t)n * lac_dtype_size(d), &stored));
    LAC_TRY(lac_malloc((void **)&inner, 2 * (size_t)n * sizeof *inner));
    outer = inner + n;
    lac_status s = lac_param_get(p, inner);
    if (s == LAC_OK) {
        lac_to_border(outer, inner, p->role, &ours);
        lac_from_f32(stored, d, outer, n);
        s = lac_weights_writer_add(w, key, d, border.ndim, border.dim, stored);
    }
    free(inner);
    return s;
}

lac_status lac_model_add(lac_weights_writer *w, const lac_params *ps, const char *prefix, lac_dtype d, lac_borrowed *keep)
{
    for (int64_t i = 0; i < ps->n; i++)
        LAC_TRY(add_one(w, ps->sorted[i], prefix, d, keep));
    return LAC_OK;
}

lac_status lac_model_describe(lac_weights_writer *w, const char *inpainter, const json_t *config, bool bgr)
{
    char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config of '%s'", inpainter);
    lac_status s = lac_weights_writer_metadata(w, "lacuna.inpainter", inpainter);
    if (s == LAC_OK)
        s = lac_weights_writer_metadata(w, "lacuna.config", text);
    if (s == LAC_OK)
        s = lac_weights_writer_metadata(w, "lacuna.channel_order", bgr ? "bgr" : "rgb");
    free(text);
    return s;
}

lac_status lac_model_save(const char *path, const lac_params *ps, const char *inpainter, const json_t *config, bool bgr, lac_dtype d)
{
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = lac_model_describe(w, inpainter, config, bgr);
    if (s == LAC_OK)
        s = lac_model_add(w, ps, "", d, &keep);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(w, path);
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    return lac_context(s, "writing '%s'", path);
}

lac_status lac_model_about(const lac_weights *w, const lac_inpainter_def **def, json_t **config, bool *bgr)
{
    const char *name = lac_weights_metadata(w, "lacuna.inpainter"), *text = lac_weights_metadata(w, "lacuna.config");
    const char *order = lac_weights_metadata(w, "lacuna.channel_order");
    if (name == NULL || text == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "it does not say which model it is (metadata lacuna.inpainter and lacuna.config); see lacuna import");
    LAC_TRY(lac_inpainter_find(def, name));
    json_t *given = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (given == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "metadata lacuna.config is not JSON");
    *bgr = order != NULL && strcmp(order, "bgr") == 0;
    const lac_status s = lac_config_resolve(config, (*def)->keys, given, NULL, NULL);
    json_decref(given);
    return lac_context(s, "metadata lacuna.config");
}

static lac_status load(lac_inpainter *ip, const lac_weights *w, const lac_backend *b, lac_dtype d)
{
    const lac_inpainter_def *def;
    json_t *config;
    bool bgr;
    LAC_TRY(lac_model_about(w, &def, &config, &bgr));
    lac_status s = lac_inpainter_open(ip, def, config, b, d);
    if (s == LAC_OK)
        s = lac_params_load(ip->params, w, "", true, NULL);
    ip->bgr = bgr;
    json_decref(config);
    return s;
}

lac_status lac_inpainter_load(lac_inpainter *ip, const char *path, const lac_backend *b, lac_dtype d)
{
    lac_weights *w;
    *ip = (lac_inpainter){ 0 };
    LAC_TRY(lac_weights_open(&w, path));
    const lac_status s = load(ip, w, b, d);
    lac_weights_close(w);
    if (s != LAC_OK)
        lac_inpainter_close(ip);
    return lac_context(s, "loading '%s'", path);
}
