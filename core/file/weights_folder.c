/* A folder's weights: one file, or shards. */
#include "core/file/weights_internal.h"

#include "core/file/atomic.h"
#include "core/file/folder.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDEX_LIMIT = 64 << 20, MAX_SHARDS = 500 };      /* each is an open file, of which a process has 1024 */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_open(const lac_weights *w, const char *path)
{
    for (int64_t i = 0; i < w->n_parts; i++)
        if (strcmp(w->part[i].path, path) == 0)
            return true;
    return false;
}

/* Opens a shard that is not open yet. Its name is one of this folder's files, and none elsewhere. */
static lac_status add_shard(lac_weights *w, const char *folder, const char *tensor, const json_t *told)
{
    const char *name = json_string_value(told);
    char *path;
    if (name == NULL || name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' lies in no file of this folder", tensor);
    if (w->n_parts >= MAX_SHARDS)
        return LAC_FAIL(LAC_ERR_FORMAT, "more than %d shards", MAX_SHARDS);
    LAC_TRY(lac_format(&path, "%s/%s", folder, name));
    const lac_status s = is_open(w, path) ? LAC_OK : lac_weights_add_file(w, path);
    free(path);
    return lac_context(s, "shard '%s'", name);
}

static lac_status add_shards(lac_weights *w, const char *folder, const json_t *map)
{
    const char *tensor;
    json_t *told;
    if (json_object_size(map) == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'weight_map' that names a shard");
    json_object_foreach((json_t *)map, tensor, told)
        LAC_TRY(add_shard(w, folder, tensor, told));
    LAC_TRY(lac_weights_sort(w));
    json_object_foreach((json_t *)map, tensor, told)
        if (lac_weights_find(w, tensor) < 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not in '%s', where it should be", tensor, json_string_value(told));
    return LAC_OK;
}

static lac_status add_index(lac_weights *w, const char *folder, const char *path)
{
    json_error_t why;
    char *text;
    size_t size;
    LAC_TRY(lac_file_read(path, INDEX_LIMIT, &text, &size));
    json_t *index = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (index == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON: %s, line %d", path, why.text, why.line);
    const lac_status s = add_shards(w, folder, json_object_get(index, "weight_map"));
    json_decref(index);
    return lac_context(s, "'%s'", path);
}

static lac_status no_weights(const char *folder)
{
    char *index;
    LAC_TRY(lac_format(&index, "%s/model_index.json", folder));
    const bool pipeline = access(index, F_OK) == 0;
    free(index);
    if (pipeline)
        return LAC_FAIL(LAC_ERR_FORMAT, "a whole pipeline: name the folder of one of its networks, such as '%s/unet'", folder);
    return LAC_FAIL(LAC_ERR_FORMAT, "a folder without weights: no diffusion_pytorch_model.safetensors, no model.safetensors, no shards "
                    "(*.safetensors.index.json), and no .bin of these");
}

/* The config as text, so that whoever asks for metadata needs no other door. */
static lac_status add_config(lac_weights *w, const char *folder)
{
    json_t *config;
    LAC_TRY(lac_folder_config(folder, &config));
    char *text = config != NULL ? json_dumps(config, JSON_COMPACT) : NULL;
    const bool failed = config != NULL && (text == NULL || json_object_set_new(w->metadata, "config.json", json_string(text)) != 0);
    free(text);
    json_decref(config);
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json") : LAC_OK;
}

lac_status lac_weights_add_folder(lac_weights *w, const char *folder)
{
    char name[LAC_FOLDER_NAME], *path;
    bool found;
    LAC_TRY(lac_folder_weights(folder, name, &found));
    if (!found)
        return no_weights(folder);
    LAC_TRY(lac_format(&path, "%s/%s", folder, name));
    lac_status s = ends_with(name, ".json") ? add_index(w, folder, path) : lac_weights_add_file(w, path);
    if (s == LAC_OK)
        s = lac_weights_sort(w);
    if (s == LAC_OK)
        s = add_config(w, folder);
    free(path);
    return s;
}
