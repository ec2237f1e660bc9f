/* Files that say which network's weights they are. */
#include "models/network_format.h"

#include "core/file/weights.h"
#include "models/network_folder.h"

#include <stdlib.h>
#include <string.h>

lac_status lac_network_describe(lac_weights_writer *w, const lac_network_def *def, const json_t *config, bool bgr)
{
    char *text = lac_config_text(config, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config of '%s'", def->name);
    lac_status s = lac_weights_writer_metadata(w, "lacuna.network", def->name);
    if (s == LAC_OK)
        s = lac_weights_writer_metadata(w, "lacuna.config", text);
    if (s == LAC_OK)
        s = lac_weights_writer_metadata(w, "lacuna.channel_order", bgr ? "bgr" : "rgb");
    free(text);
    return s;
}

lac_status lac_network_save(const char *path, const lac_network *n, lac_dtype d)
{
    const lac_network_format *own;
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    LAC_TRY(lac_network_format_find(n->def, "probe", &own));
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = lac_network_describe(w, n->def, n->config, n->bgr);
    if (s == LAC_OK)
        s = lac_network_write(w, n->params, own, "", d, &keep);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(w, path);
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    return lac_context(s, "writing '%s'", path);
}

/* What a file calls its network; before there were other networks in files than inpainters', it said which inpainter. */
static const char *name_in(const lac_weights *w)
{
    const char *name = lac_weights_metadata(w, "lacuna.network");
    return name != NULL ? name : lac_weights_metadata(w, "lacuna.inpainter");
}

static lac_status about_file(const lac_weights *w, const char *name, const lac_network_def **def, json_t **config)
{
    const char *text = lac_weights_metadata(w, "lacuna.config");
    LAC_TRY(lac_network_find(def, name));
    json_t *given = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (given == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "metadata lacuna.config is not there or not JSON");
    const lac_status s = lac_network_resolve(*def, given, config);
    json_decref(given);
    return lac_context(s, "metadata lacuna.config");
}

static lac_status about_folder(const char *text, const lac_network_def **def, json_t **config)
{
    json_t *published = json_loads(text, 0, NULL), *given;
    const char *class = lac_network_class_of(published);
    *def = lac_network_of_class(published);
    lac_status s = *def != NULL ? lac_network_adopt(*def, published, &given)
                                : LAC_FAIL(LAC_ERR_FORMAT, "config.json is of %s, which is no network here", class != NULL ? class : "no class");
    json_decref(published);
    LAC_TRY(s);
    s = lac_network_resolve(*def, given, config);
    json_decref(given);
    return s;
}

lac_status lac_network_about(const lac_weights *w, const lac_network_def **def, json_t **config, bool *bgr)
{
    const char *name = name_in(w), *published = lac_weights_metadata(w, "config.json"), *order = lac_weights_metadata(w, "lacuna.channel_order");
    *bgr = order != NULL && strcmp(order, "bgr") == 0;
    if (name != NULL)
        return about_file(w, name, def, config);
    if (published != NULL)
        return about_folder(published, def, config);
    return LAC_FAIL(LAC_ERR_FORMAT, "it does not say which model it is (metadata lacuna.network and lacuna.config); see lacuna import");
}

static lac_status load(lac_network *n, const lac_weights *w, const lac_network_def *wanted, const lac_backend *b, lac_dtype d)
{
    const lac_network_format *format;
    const char *prefix;
    json_t *config;
    bool bgr;
    const lac_network_def *def;
    LAC_TRY(lac_network_about(w, &def, &config, &bgr));
    lac_status s = wanted == NULL || def == wanted ? lac_network_open(n, def, config, b, d)
                                                   : LAC_FAIL(LAC_ERR_FORMAT, "it holds the network '%s', wanted is '%s'", def->name, wanted->name);
    json_decref(config);
    LAC_TRY(s);
    n->bgr = bgr;
    if (name_in(w) != NULL)
        return lac_params_load(n->params, w, "", true, NULL);
    lac_network_format_of(def, w, &format, &prefix);
    return lac_network_read(n->params, w, format, prefix);
}

lac_status lac_network_load(lac_network *n, const char *path, const lac_network_def *wanted, const lac_backend *b, lac_dtype d)
{
    lac_weights *w;
    *n = (lac_network){ .def = NULL };
    LAC_TRY(lac_weights_open(&w, path));
    const lac_status s = load(n, w, wanted, b, d);
    lac_weights_close(w);
    if (s != LAC_OK)
        lac_network_close(n);
    return lac_context(s, "loading '%s'", path);
}
