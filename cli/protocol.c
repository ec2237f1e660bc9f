#include "cli/protocol.h"

#include "cli/lua_host.h"
#include "core/memory.h"
#include "core/print.h"
#include "core/resource.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "configs-lua/protocols"

static const lac_key data_keys[] = {
    { "set", LAC_KEY_STR, NULL, .help = "packed set" },
    { "split", LAC_KEY_STR, "\"val\"", .help = "of the set" },
    { "size", LAC_KEY_INT, NULL, .min = 8, .max = 4096, .help = "side of the pictures" },
    { "crop", LAC_KEY_STR, "\"center\"", "center|squash", .help = "how they are brought there" },
    { "shorter", LAC_KEY_INT, "0", .min = 0, .max = 1 << 16, .help = "shorter side before the crop; 0: as large as the crop allows" },
    { "mask", LAC_KEY_STR, NULL, .help = "a generator, file:NAME, object, object+N or object-box (data/mask_source.h)" },
    { "prompt", LAC_KEY_STR, "\"\"", .help = "for every picture; empty: each record's own" },
    { NULL },
};

static const lac_key published_keys[] = {
    { "name", LAC_KEY_STR, NULL, .help = "the method" },
    { "source", LAC_KEY_STR, NULL, .help = "where the numbers stand" },
    { "values", LAC_KEY_TABLE, NULL, .help = "metric = number, in this program's units" },
    { NULL },
};

const lac_key lac_protocol_keys[] = {
    { "about", LAC_KEY_STR, NULL, .help = "what it is, and whose" },
    { "data", LAC_KEY_TABLE, NULL, .sub = data_keys },
    { "through", LAC_KEY_STR, "\"\"", .help = "an autoencoder, run or model file: pictures are what it makes of the set's" },
    { "sampling", LAC_KEY_TABLE, "{}", .help = "keys for inpainters that have them" },
    { "seed", LAC_KEY_INT, "0", .min = 0, .max = 1e15, .help = "of what models draw" },
    { "metrics", LAC_KEY_LIST, NULL, .of = LAC_KEY_STR },
    { "published", LAC_KEY_LIST, "[]", .sub = published_keys },
    { NULL },
};

/* ---- which there are ---- */

/* "configs-lua/protocols/editbench.lua" is called editbench. */
static const char *name_of(const char *path, int *n)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');
    *n = (int)(dot != NULL ? (size_t)(dot - name) : strlen(name));
    return name;
}

static lac_status join(const glob_t *found, char **text)
{
    lac_print p;
    LAC_TRY(lac_print_open(&p, "names of protocols"));
    for (size_t i = 0; i < found->gl_pathc; i++) {
        int n;
        const char *name = name_of(found->gl_pathv[i], &n);
        fprintf(p.to, "%s%.*s", i > 0 ? ", " : "", n, name);
    }
    return lac_print_close(&p, LAC_OK, text);
}

lac_status lac_protocol_names(char **names)
{
    char *folder, *pattern;
    glob_t found = { 0 };
    LAC_TRY(lac_resource(&folder, FOLDER));
    lac_status s = lac_format(&pattern, "%s/*.lua", folder);
    free(folder);
    LAC_TRY(s);
    glob(pattern, 0, NULL, &found);
    free(pattern);
    s = join(&found, names);
    globfree(&found);
    return s;
}

/* ---- one ---- */

static lac_status not_there(const char *word)
{
    char *names;
    LAC_TRY(lac_protocol_names(&names));
    const lac_status s = LAC_FAIL(LAC_ERR_IO, "there is no protocol '%s': a file, or one of %s", word, names);
    free(names);
    return s;
}

/* A path that exists; else the program's own of that name. */
static lac_status find(const char *word, char **path)
{
    char *file, *folder;
    if (access(word, R_OK) == 0)
        return lac_strdup(path, word);
    LAC_TRY(lac_resource(&folder, FOLDER));
    const lac_status s = lac_format(&file, "%s/%s.lua", folder, word);
    free(folder);
    LAC_TRY(s);
    if (strchr(word, '/') != NULL || access(file, R_OK) != 0) {
        free(file);
        return not_there(word);
    }
    *path = file;
    return LAC_OK;
}

static lac_status load(json_t **protocol, const char *path)
{
    lac_experiment e;
    LAC_TRY(lac_experiment_open(&e, path));
    lac_status s = lac_config_resolve(protocol, lac_protocol_keys, e.config, lac_experiment_where, &e);
    lac_experiment_free(&e);
    LAC_TRY(s);
    int n;
    const char *name = name_of(path, &n);
    if (json_object_set_new(*protocol, "name", json_stringn(name, (size_t)n)) == 0)
        return LAC_OK;
    json_decref(*protocol);
    return LAC_FAIL(LAC_ERR_MEM, "out of memory: protocol");
}

lac_status lac_protocol_open(json_t **protocol, const char *word)
{
    char *path;
    LAC_TRY(find(word, &path));
    const lac_status s = load(protocol, path);
    free(path);
    return s;
}

lac_status lac_protocol_metrics(const json_t *protocol, char **list)
{
    size_t i;
    json_t *name;
    lac_print p;
    LAC_TRY(lac_print_open(&p, "metrics"));
    json_array_foreach(json_object_get(protocol, "metrics"), i, name)
        fprintf(p.to, "%s%s", i > 0 ? "," : "", json_string_value(name));
    return lac_print_close(&p, LAC_OK, list);
}

/* Whether an option says it. */
static bool is_said(const lac_model_how *how, const char *key)
{
    const struct { const char *key, *value; } own[] = {
        { "sampler", how->sampler }, { "steps", how->steps }, { "guidance_scale", how->guidance }, { "strength", how->strength },
    };
    const size_t n = strlen(key);
    for (size_t i = 0; i < LAC_COUNT(own); i++)
        if (own[i].value != NULL && strcmp(own[i].key, key) == 0)
            return true;
    for (int i = 0; i < how->set.n; i++)
        if (strncmp(how->set.word[i], key, n) == 0 && how->set.word[i][n] == '=')
            return true;
    return false;
}

lac_status lac_protocol_sampling(const json_t *protocol, const lac_model_how *how, lac_inpainter *ip)
{
    const char *key;
    json_t *value, *changes = json_object();
    bool failed = changes == NULL;
    json_object_foreach(json_object_get(protocol, "sampling"), key, value)
        if (!failed && json_object_get(ip->config, key) != NULL && !is_said(how, key))
            failed = json_object_set(changes, key, value) != 0;
    const lac_status s = failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: sampling") : lac_inpainter_configure(ip, changes);
    json_decref(changes);
    return lac_context(s, "the protocol's sampling");
}
