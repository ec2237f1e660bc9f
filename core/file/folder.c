#include "core/file/folder.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CONFIG_LIMIT = 16 << 20 };

/* In the order in which they are looked for. "*": whatever stands there, first in byte order. */
static const char *const wanted[] = {
    "diffusion_pytorch_model.safetensors", "model.safetensors", "diffusion_pytorch_model.safetensors.index.json", "model.safetensors.index.json",
    "*.safetensors.index.json", "diffusion_pytorch_model.bin", "pytorch_model.bin", "diffusion_pytorch_model.bin.index.json",
    "pytorch_model.bin.index.json", "*.bin.index.json", "diffusion_pytorch_model.fp16.safetensors", "model.fp16.safetensors",
    "diffusion_pytorch_model.fp16.bin", "pytorch_model.fp16.bin",
};

static bool matches(const char *name, const char *pattern)
{
    const size_t n = strlen(name), m = strlen(pattern + 1);
    return pattern[0] != '*' ? strcmp(name, pattern) == 0 : n > m && strcmp(name + n - m, pattern + 1) == 0;
}

lac_status lac_folder_weights(const char *folder, char name[LAC_FOLDER_NAME], bool *found)
{
    struct dirent **entry;
    const int n = scandir(folder, &entry, NULL, alphasort);
    *found = false;
    if (n < 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot read the folder '%s'", folder);
    for (size_t k = 0; k < LAC_COUNT(wanted) && !*found; k++)
        for (int i = 0; i < n && !*found; i++)
            if (strlen(entry[i]->d_name) < LAC_FOLDER_NAME && matches(entry[i]->d_name, wanted[k])) {
                strcpy(name, entry[i]->d_name);
                *found = true;
            }
    for (int i = 0; i < n; i++)
        free(entry[i]);
    free(entry);
    return LAC_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool lac_folder_has_weights(const char *folder)
{
    char name[LAC_FOLDER_NAME];
    bool found = false;
    return is_folder(folder) && lac_folder_weights(folder, name, &found) == LAC_OK && found;
}

/* *object is NULL where the file is not there. */
static lac_status read_object(const char *path, json_t **object)
{
    json_error_t why;
    struct stat st;
    char *text;
    size_t size;
    *object = NULL;
    if (stat(path, &st) != 0)
        return LAC_OK;
    LAC_TRY(lac_file_read(path, CONFIG_LIMIT, &text, &size));
    json_t *read = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (read == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON: %s, line %d", path, why.text, why.line);
    if (!json_is_object(read)) {
        json_decref(read);
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not a JSON object", path);
    }
    *object = read;
    return LAC_OK;
}

lac_status lac_folder_config(const char *folder, json_t **config)
{
    static const char *const name[] = { "config.json", "scheduler_config.json", "tokenizer_config.json" };
    *config = NULL;
    for (size_t i = 0; i < LAC_COUNT(name) && *config == NULL; i++) {
        char *path;
        LAC_TRY(lac_format(&path, "%s/%s", folder, name[i]));
        const lac_status s = read_object(path, config);
        free(path);
        LAC_TRY(s);
    }
    return LAC_OK;
}

/* What a folder has for components, in a message. */
static lac_status no_component(const char *folder, const char *component)
{
    char names[400] = "";
    struct dirent **entry;
    const int n = scandir(folder, &entry, NULL, alphasort);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (entry[i]->d_name[0] != '.' && lac_format(&path, "%s/%s", folder, entry[i]->d_name) == LAC_OK && is_folder(path) && at < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at > 0 ? ", " : "", entry[i]->d_name);
        free(path);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return LAC_FAIL(LAC_ERR_IO, "'%s' has no folder '%s'%s%s", folder, component, at > 0 ? ", it has " : "", names);
}

lac_status lac_pipeline_component(const char *folder, const char *component, char **path, json_t **config)
{
    LAC_TRY(lac_format(path, "%s/%s", folder, component));
    const lac_status s = is_folder(*path) ? lac_folder_config(*path, config) : no_component(folder, component);
    if (s != LAC_OK)
        free(*path);
    return s;
}
