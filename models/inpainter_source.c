#include "models/inpainter_source.h"

#include "core/file/atomic.h"
#include "core/file/folder.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/network_format.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDEX_LIMIT = 1 << 20 };

/* ---- opening ---- */

static lac_status read_json(const lac_weights *w, const char *key, json_t **value)
{
    const char *text = lac_weights_metadata(w, key);
    *value = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    return text == NULL || json_is_object(*value) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "metadata %s is no JSON object", key);
}

static lac_status new_part(lac_source *s, const char *role, lac_source_part **part)
{
    if (s->n == LAC_INPAINTER_ROLES)
        return LAC_FAIL(LAC_ERR_FORMAT, "it holds more than %d networks", LAC_INPAINTER_ROLES);
    *part = &s->part[s->n++];
    **part = (lac_source_part){ .def = NULL };
    snprintf((*part)->role, sizeof (*part)->role, "%s", role);
    return LAC_OK;
}

static lac_status open_alone(lac_source *s)
{
    lac_source_part *p = NULL;
    LAC_TRY(new_part(s, "", &p));
    return lac_network_about(s->file, &p->def, &p->config, &p->bgr);
}

static lac_status add_network(lac_source *s, const char *role, const json_t *told)
{
    const char *name = json_string_value(json_object_get(told, "network"));
    lac_source_part *p = NULL;
    LAC_TRY(new_part(s, role, &p));
    LAC_TRY(name != NULL ? lac_network_find(&p->def, name) : LAC_FAIL(LAC_ERR_FORMAT, "it does not say which network it is"));
    p->bgr = json_is_true(json_object_get(told, "bgr"));
    return lac_network_resolve(p->def, json_object_get(told, "config"), &p->config);
}

static lac_status add_networks(lac_source *s, json_t *networks)
{
    const char *role;
    json_t *told;
    json_object_foreach(networks, role, told)
        LAC_TRY(lac_context(add_network(s, role, told), "metadata lacuna.networks: '%s'", role));
    return LAC_OK;
}

static lac_status add_text(lac_source *s, const char *key, int64_t at)
{
    const lac_shape shape = lac_weights_shape(s->file, at);
    const int64_t n = lac_shape_numel(&shape);
    char *bytes;
    if (lac_weights_dtype(s->file, at) != LAC_U8 || n > LAC_TEXT_FILE_LIMIT)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s %s, no file of a tokenizer", key, lac_dtype_name(lac_weights_dtype(s->file, at)), lac_dims_str(shape.ndim, shape.dim));
    LAC_TRY(lac_malloc((void **)&bytes, (size_t)n + 1));
    lac_status status = lac_weights_read(s->file, at, bytes, (size_t)n);
    if (status == LAC_OK)
        status = lac_text_files_add(&s->text, key + strlen(LAC_MODEL_TOKENIZER), bytes, (size_t)n);
    free(bytes);
    return status;
}

static lac_status add_texts(lac_source *s, const char *path)
{
    LAC_TRY(lac_text_files_new(&s->text, path));
    for (int64_t i = 0; i < lac_weights_count(s->file); i++) {
        const char *key = lac_weights_name(s->file, i);
        if (strncmp(key, LAC_MODEL_TOKENIZER, strlen(LAC_MODEL_TOKENIZER)) == 0)
            LAC_TRY(add_text(s, key, i));
    }
    return LAC_OK;
}

static lac_status open_model(lac_source *s, const char *path)
{
    const char *name = lac_weights_metadata(s->file, "lacuna.inpainter");
    json_t *networks;
    LAC_TRY(read_json(s->file, "lacuna.networks", &networks));
    lac_status status = add_networks(s, networks);
    json_decref(networks);
    LAC_TRY(status);
    LAC_TRY(read_json(s->file, "lacuna.config", &s->config));
    LAC_TRY(read_json(s->file, "lacuna.tokenizer", &s->tokenizer));
    LAC_TRY(name != NULL ? lac_strdup(&s->inpainter, name) : LAC_OK);
    return s->tokenizer != NULL ? add_texts(s, path) : LAC_OK;
}

/* ---- a checkpoint of latent diffusion (CompVis): several networks under names of others, without configs and tokenizer ---- */

static bool has_below(const lac_weights *w, const char *begin)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        if (strncmp(lac_weights_name(w, i), begin, strlen(begin)) == 0)
            return true;
    return false;
}

bool lac_source_is_checkpoint(const lac_weights *w) { return has_below(w, "model.diffusion_model.") && has_below(w, "first_stage_model."); }

/* The network of a role that knows its names in the file; NULL: none. */
static const lac_network_def *network_of(const lac_weights *w, const lac_inpainter_role *role, const lac_network_format **format, const char **prefix)
{
    for (int i = 0; lac_network_at(i) != NULL; i++) {
        const lac_network_def *def = lac_network_at(i);
        if (!lac_role_takes(role, def->name))
            continue;
        lac_network_format_of(def, w, format, prefix);
        if ((*format)->recognises != NULL)
            return def;
    }
    return NULL;
}

static bool is_there(const lac_source *s, const char *role)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->part[i].role, role) == 0)
            return true;
    return false;
}

/* Its config is what its shapes tell, and defaults. */
static lac_status add_foreign(lac_source *s, const lac_inpainter_role *role)
{
    const lac_network_format *format;
    const char *prefix;
    lac_source_part *p = NULL;
    const lac_network_def *def = is_there(s, role->name) ? NULL : network_of(s->file, role, &format, &prefix);
    if (def == NULL)
        return LAC_OK;
    LAC_TRY(new_part(s, role->name, &p));
    p->def = def;
    p->foreign = true;
    json_t *told = json_object();
    lac_status status = told != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (status == LAC_OK && format->infer != NULL)
        status = format->infer(s->file, prefix, told);
    if (status == LAC_OK)
        status = lac_network_resolve(def, told, &p->config);
    json_decref(told);
    return lac_context(status, "its %s", role->name);
}

static lac_status open_checkpoint(lac_source *s)
{
    for (int i = 0; lac_inpainter_at(i) != NULL; i++)
        for (int k = 0; k < lac_inpainter_roles(lac_inpainter_at(i)) && lac_inpainter_roles(lac_inpainter_at(i)) > 1; k++)
            LAC_TRY(add_foreign(s, &lac_inpainter_at(i)->role[k]));
    return LAC_OK;
}

/* ---- a folder of diffusers ---- */

bool lac_inpainter_is_pipeline(const char *path)
{
    char index[PATH_MAX];
    return snprintf(index, sizeof index, "%s/model_index.json", path) < (int)sizeof index && access(index, R_OK) == 0;
}

static lac_status read_index(const char *folder, json_t **index)
{
    char *path, *text = NULL;
    size_t size = 0;
    LAC_TRY(lac_format(&path, "%s/model_index.json", folder));
    lac_status s = lac_file_read(path, INDEX_LIMIT, &text, &size);
    *index = s == LAC_OK ? json_loadb(text, size, 0, NULL) : NULL;
    if (s == LAC_OK && !json_is_object(*index)) {
        json_decref(*index);
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no JSON object", path);
    }
    free(text);
    free(path);
    return s;
}

static bool is_role(const char *name)
{
    for (int i = 0; lac_inpainter_at(i) != NULL; i++)
        for (int k = 0; k < lac_inpainter_roles(lac_inpainter_at(i)); k++)
            if (strcmp(lac_inpainter_at(i)->role[k].name, name) == 0)
                return true;
    return false;
}

static lac_status add_folder(lac_source *s, const char *folder, const char *role)
{
    char *path;
    lac_source_part *p = NULL;
    LAC_TRY(new_part(s, role, &p));
    LAC_TRY(lac_format(&path, "%s/%s", folder, role));
    lac_status status = lac_weights_open(&p->weights, path);
    if (status == LAC_OK)
        status = lac_context(lac_network_about(p->weights, &p->def, &p->config, &p->bgr), "'%s'", path);
    free(path);
    return status;
}

static lac_status add_tokenizer(lac_source *s, const char *folder)
{
    char *path;
    json_t *published = NULL;
    LAC_TRY(lac_pipeline_component(folder, "tokenizer", &path, &published));
    lac_status status = lac_prompts_adopt(published, &s->tokenizer);
    if (status == LAC_OK)
        status = lac_prompts_files(&s->text, path, s->tokenizer);
    json_decref(published);
    free(path);
    return status;
}

static lac_status add_scheduler(lac_source *s, const char *folder)
{
    char *path;
    json_t *published = NULL;
    LAC_TRY(lac_pipeline_component(folder, "scheduler", &path, &published));
    free(path);
    s->config = published != NULL ? json_pack("{s:o}", "scheduler", published) : NULL;
    return LAC_OK;
}

static lac_status open_pipeline(lac_source *s, const char *folder)
{
    const char *name;
    json_t *value, *index;
    LAC_TRY(read_index(folder, &index));
    lac_status status = LAC_OK;
    json_object_foreach(index, name, value) {
        const bool there = json_is_array(value) && json_is_string(json_array_get(value, 0));
        if (status != LAC_OK || !there)
            continue;
        if (strcmp(name, "tokenizer") == 0)
            status = add_tokenizer(s, folder);
        else if (strcmp(name, "scheduler") == 0)
            status = add_scheduler(s, folder);
        else if (is_role(name))
            status = add_folder(s, folder, name);
    }
    json_decref(index);
    return status;
}

lac_status lac_source_open(lac_source *s, const char *path)
{
    *s = (lac_source){ .file = NULL };
    if (lac_inpainter_is_pipeline(path))
        return open_pipeline(s, path);
    LAC_TRY(lac_weights_open(&s->file, path));
    if (lac_weights_metadata(s->file, "lacuna.networks") != NULL)
        return open_model(s, path);
    return lac_source_is_checkpoint(s->file) ? open_checkpoint(s) : open_alone(s);
}

void lac_source_close(lac_source *s)
{
    for (int i = 0; i < s->n; i++) {
        lac_weights_close(s->part[i].weights);
        json_decref(s->part[i].config);
    }
    lac_weights_close(s->file);
    lac_text_files_free(&s->text);
    json_decref(s->tokenizer);
    json_decref(s->config);
    free(s->inpainter);
    *s = (lac_source){ .file = NULL };
}

/* ---- what it can be ---- */

static const lac_source_part *find(const lac_source *s, const char *role)
{
    for (int i = 0; i < s->n; i++)
        if (s->part[i].role[0] == '\0' || strcmp(s->part[i].role, role) == 0)
            return &s->part[i];
    return NULL;
}

static lac_status role_fits(const lac_source *s, const lac_inpainter_role *role)
{
    const lac_source_part *p = find(s, role->name);
    if (p == NULL)
        return role->optional ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "it has no '%s' (%s)", role->name, role->networks);
    return lac_role_takes(role, p->def->name) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "its '%s' is the network '%s', should be %s", role->name, p->def->name, role->networks);
}

lac_status lac_source_fits(const lac_source *s, const lac_inpainter_def *def)
{
    const bool alone = s->n == 1 && s->part[0].role[0] == '\0';
    if (alone && lac_inpainter_roles(def) != 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "it holds the network '%s' alone, %s wants several", s->part[0].def->name, def->name);
    for (int i = 0; i < lac_inpainter_roles(def); i++)
        LAC_TRY(lac_context(role_fits(s, &def->role[i]), "%s", def->name));
    if (def->fits == NULL)
        return LAC_OK;
    json_t *networks = lac_source_networks(s, def);
    const lac_status status = networks != NULL ? def->fits(networks) : LAC_FAIL(LAC_ERR_MEM, "out of memory: networks");
    json_decref(networks);
    return lac_context(status, "%s", def->name);
}

lac_status lac_source_unused(const lac_source *s)
{
    char names[LAC_INPAINTER_ROLES * 40] = "";
    size_t n = 0;
    for (int i = 0; i < s->n && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s'%.32s'", i > 0 ? ", " : "", s->part[i].def->name);
    return LAC_FAIL(LAC_ERR_FORMAT, "no inpainter uses the network%s %s", s->n == 1 ? "" : "s", names);
}

json_t *lac_source_networks(const lac_source *s, const lac_inpainter_def *def)
{
    json_t *networks = json_object();
    bool failed = networks == NULL;
    for (int i = 0; !failed && i < lac_inpainter_roles(def); i++) {
        const lac_source_part *p = find(s, def->role[i].name);
        json_t *told = p != NULL ? json_pack("{s:s, s:O, s:b}", "network", p->def->name, "config", p->config, "bgr", p->bgr) : NULL;
        failed = p != NULL && json_object_set_new(networks, def->role[i].name, told) != 0;
    }
    if (!failed)
        return networks;
    json_decref(networks);
    return NULL;
}

/* ---- values ---- */

lac_status lac_source_read(const lac_source *s, const char *role, lac_params *ps)
{
    const lac_source_part *p = find(s, role);
    const lac_weights *w = p->weights != NULL ? p->weights : s->file;
    const lac_network_format *format;
    const char *own;
    char prefix[64];
    if (p->weights != NULL || p->foreign) {
        lac_network_format_of(p->def, w, &format, &own);
        return lac_context(lac_network_read(ps, w, format, own), "%s", role);
    }
    snprintf(prefix, sizeof prefix, p->role[0] != '\0' ? "%s." : "%s", p->role);
    return lac_context(lac_params_load(ps, w, prefix, true, NULL), "%s", role);
}

lac_status lac_source_prompts(lac_source *s, lac_prompts *p)
{
    return s->tokenizer != NULL ? lac_prompts_open_files(p, &s->text, s->tokenizer) : LAC_OK;
}
