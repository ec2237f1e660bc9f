#include "eval/weights.h"

#include "core/memory.h"
#include "models/network_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lac_status files_named(lac_eval_weights *w, const char *name, size_t n, lac_eval_files **files)
{
    for (int64_t i = 0; i < w->n; i++)
        if (strlen(w->entry[i].name) == n && strncmp(w->entry[i].name, name, n) == 0)
            return *files = &w->entry[i], LAC_OK;
    LAC_TRY(lac_grow((void **)&w->entry, w->n, &w->capacity, sizeof *w->entry));
    w->entry[w->n] = (lac_eval_files){ .name = NULL };
    LAC_TRY(lac_format(&w->entry[w->n].name, "%.*s", (int)n, name));
    *files = &w->entry[w->n++];
    return LAC_OK;
}

lac_status lac_eval_weights_add(lac_eval_weights *w, const char *given)
{
    const char *sign = strchr(given, '=');
    lac_eval_file file = { .path = NULL };
    lac_eval_files *files;
    if (sign == NULL || sign == given || sign[1] == '\0')
        return LAC_FAIL(LAC_ERR_ARG, "--weights wants NAME=FILE, found '%s'", given);
    LAC_TRY(lac_context(lac_sha256_file(sign + 1, file.sha256), "--weights %.*s", (int)(sign - given), given));
    LAC_TRY(files_named(w, given, (size_t)(sign - given), &files));
    LAC_TRY(lac_grow((void **)&files->file, files->n, &files->capacity, sizeof *files->file));
    LAC_TRY(lac_strdup(&file.path, sign + 1));
    files->file[files->n++] = file;
    return LAC_OK;
}

void lac_eval_weights_free(lac_eval_weights *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        for (int64_t k = 0; k < w->entry[i].n; k++)
            free(w->entry[i].file[k].path);
        free(w->entry[i].file);
        free(w->entry[i].name);
    }
    free(w->entry);
    *w = (lac_eval_weights){ .n = 0 };
}

const lac_eval_files *lac_eval_weights_find(const lac_eval_weights *w, const char *name)
{
    for (int64_t i = 0; w != NULL && i < w->n; i++)
        if (strcmp(w->entry[i].name, name) == 0)
            return &w->entry[i];
    return NULL;
}

lac_status lac_eval_weights_want(const lac_eval_weights *w, const char *name, const lac_eval_files **files)
{
    *files = lac_eval_weights_find(w, name);
    return *files != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "it wants weights '%s': give --weights %s=FILE", name, name);
}

json_t *lac_eval_weights_json(const lac_eval_weights *w, const char *const *names)
{
    json_t *weights = json_object();
    for (; *names != NULL; names++) {
        const lac_eval_files *files = lac_eval_weights_find(w, *names);
        json_t *list = json_array();
        for (int64_t i = 0; files != NULL && i < files->n; i++)
            json_array_append_new(list, json_string(files->file[i].sha256));
        json_object_set_new(weights, *names, list);
    }
    return weights;
}

lac_status lac_eval_files_mark(const lac_eval_files *files, char **mark)
{
    enum { DIGITS = 12 };
    char *to;
    LAC_TRY(lac_calloc((void **)mark, (size_t)files->n + 1, DIGITS + 1));
    to = *mark;
    for (int64_t i = 0; i < files->n; i++)
        to += sprintf(to, "%s%.*s", i > 0 ? "+" : "", DIGITS, files->file[i].sha256);
    return LAC_OK;
}

lac_status lac_eval_files_open(const lac_eval_files *files, lac_weights **joined)
{
    const char **path;
    *joined = NULL;
    LAC_TRY(lac_calloc((void **)&path, (size_t)files->n, sizeof *path));
    for (int64_t i = 0; i < files->n; i++)
        path[i] = files->file[i].path;
    const lac_status s = lac_weights_open_joined(joined, path, files->n);
    free(path);
    return lac_context(s, "weights '%s'", files->name);
}

static lac_status name_files(const lac_eval_files *files, lac_status s)
{
    return lac_context(s, "weights '%s' (%s%s)", files->name, files->file[0].path, files->n > 1 ? " and others" : "");
}

lac_status lac_eval_files_load(const lac_eval_files *files, lac_network *net)
{
    const lac_network_format *format;
    const char *prefix;
    lac_weights *w;
    LAC_TRY(lac_eval_files_open(files, &w));
    lac_network_format_of(net->def, w, &format, &prefix);
    const lac_status s = lac_network_read(net->params, w, format, prefix);
    lac_weights_close(w);
    return name_files(files, s);
}

static lac_status open_as_it_is(const lac_weights *w, lac_network *net, const lac_network_def *def, const lac_backend *b)
{
    const lac_network_format *format;
    const char *prefix;
    json_t *config = json_object();
    lac_network_format_of(def, w, &format, &prefix);
    lac_status s = config != NULL && format->infer != NULL ? format->infer(w, prefix, config) : LAC_FAIL(LAC_ERR_KEY, "these are not the keys of '%s'", def->name);
    if (s == LAC_OK)
        s = lac_network_open_zero(net, def, config, b, LAC_F32);
    json_decref(config);
    if (s != LAC_OK)
        return s;
    s = lac_network_read(net->params, w, format, prefix);
    if (s != LAC_OK)
        lac_network_close(net);
    return s;
}

lac_status lac_eval_files_open_network(const lac_eval_files *files, lac_network *net, const lac_network_def *def, const lac_backend *b)
{
    lac_weights *w;
    LAC_TRY(lac_eval_files_open(files, &w));
    const lac_status s = open_as_it_is(w, net, def, b);
    lac_weights_close(w);
    return name_files(files, s);
}
