#include "models/network_folder.h"

#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/network_format.h"

#include <stdlib.h>
#include <string.h>

static bool has_class(const lac_network_def *def, const char *name)
{
    for (const char *const *c = def->folder != NULL ? def->folder->classes : NULL; c != NULL && *c != NULL; c++)
        if (strcmp(*c, name) == 0)
            return true;
    return false;
}

const char *lac_network_class_of(const json_t *published)
{
    const char *name = json_string_value(json_object_get(published, "_class_name"));
    return name != NULL ? name : json_string_value(json_array_get(json_object_get(published, "architectures"), 0));
}

lac_status lac_network_check_class(const lac_network_def *def, const json_t *published)
{
    const char *name = lac_network_class_of(published);
    if (name == NULL || has_class(def, name))
        return LAC_OK;
    if (def->folder == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "config.json is of a %s, which the network '%s' is not", name, def->name);
    return LAC_FAIL(LAC_ERR_FORMAT, "config.json is of a %s, the network '%s' is a %s", name, def->name, def->folder->classes[0]);
}

const lac_network_def *lac_network_of_class(const json_t *published)
{
    const char *name = lac_network_class_of(published);
    for (int i = 0; name != NULL && lac_network_at(i) != NULL; i++)
        if (has_class(lac_network_at(i), name))
            return lac_network_at(i);
    return NULL;
}


lac_status lac_network_adopt(const lac_network_def *def, const json_t *published, json_t **config)
{
    LAC_TRY(lac_network_check_class(def, published));
    const bool as_it_stands = def->folder == NULL || def->folder->adopt == NULL;
    *config = as_it_stands ? json_deep_copy(published) : json_object();
    if (*config == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    lac_config_drop_comments(*config, def->keys);
    const lac_status s = as_it_stands ? LAC_OK : lac_context(def->folder->adopt(published, *config), "config.json");
    if (s != LAC_OK)
        json_decref(*config);
    return s;
}

/* ---- writing ---- */

/* transformers loads weights in the dtype that the config says, which need not be that of the file here: without one it is the file's. */
static void drop_dtype(json_t *config)
{
    const char *key;
    json_t *value;
    json_object_del(config, "dtype");
    json_object_del(config, "torch_dtype");
    json_object_foreach(config, key, value)
        if (json_is_object(value))
            drop_dtype(value);
}

static lac_status publish(const lac_network *n, json_t **published)
{
    const lac_network_folder *f = n->def->folder;
    *published = json_deep_copy(n->config);
    drop_dtype(*published);
    json_t *class = strcmp(f->layout, "diffusers") == 0 ? json_string(f->classes[0]) : json_pack("[s]", f->classes[0]);
    const char *key = strcmp(f->layout, "diffusers") == 0 ? "_class_name" : "architectures";
    if (*published != NULL && json_object_set_new(*published, key, class) == 0)
        return f->describe != NULL ? f->describe(n->config, *published) : LAC_OK;
    return LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json");
}

lac_status lac_config_write(const char *folder, const char *name, const json_t *config)
{
    char *path, *text = lac_config_text(config, JSON_INDENT(2) | JSON_SORT_KEYS);
    lac_status s = text != NULL ? lac_format(&path, "%s/%s", folder, name) : LAC_FAIL(LAC_ERR_MEM, "out of memory: %s", name);
    if (s == LAC_OK) {
        s = lac_file_write(path, text, strlen(text));
        free(path);
    }
    free(text);
    return s;
}

static lac_status write_config(const char *folder, const lac_network *n)
{
    json_t *published = NULL;
    lac_status s = publish(n, &published);
    if (s == LAC_OK)
        s = lac_config_write(folder, "config.json", published);
    json_decref(published);
    return s;
}

/* "format": what the libraries look for before they read a file. */
static lac_status write_weights(const char *folder, const lac_network *n, lac_dtype d)
{
    const lac_network_format *own;
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    char *path;
    LAC_TRY(lac_network_format_find(n->def, "probe", &own));
    LAC_TRY(lac_format(&path, "%s/%s", folder, n->def->folder->weights));
    lac_status s = lac_weights_writer_new(&w);
    if (s == LAC_OK) {
        s = lac_weights_writer_metadata(w, "format", "pt");
        if (s == LAC_OK)
            s = lac_network_write(w, n->params, own, "", d, &keep);
        if (s == LAC_OK)
            s = lac_weights_writer_finish(w, path);
        lac_weights_writer_free(w);
    }
    lac_borrowed_free(&keep);
    free(path);
    return s;
}

lac_status lac_network_save_folder(const char *path, const lac_network *n, lac_dtype d)
{
    if (n->def->folder == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "the network '%s' is not kept in folders of diffusers or transformers", n->def->name);
    lac_status s = lac_make_folders(path);
    if (s == LAC_OK)
        s = write_weights(path, n, d);
    if (s == LAC_OK)
        s = write_config(path, n);
    return lac_context(s, "writing '%s'", path);
}
