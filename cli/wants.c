#include "cli/wants.h"

#include "cli/locate.h"
#include "cli/source.h"
#include "core/memory.h"
#include "core/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is there ---- */

/* *path is fresh; NULL: it is not there. */
static void find(const char *kind, const char *name, char **path)
{
    *path = NULL;
    if (strcmp(kind, "set") == 0 || strcmp(kind, "masks") == 0)
        (void)lac_locate(NULL, name, path);
    else if (access(name, F_OK) == 0)
        (void)lac_strdup(path, name);
    else if (strcmp(kind, "tokenizer") == 0)
        (void)lac_resource(path, name);
    if (*path == NULL)
        lac_error_clear();
}

static lac_status add(lac_wants *w, const char *kind, const char *key, const char *name, const char *path)
{
    size_t i;
    json_t *one;
    if (w->item == NULL && (w->item = json_array()) == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: what is wanted");
    json_array_foreach(w->item, i, one)
        if (strcmp(lac_config_str(one, "name"), name) == 0 && strcmp(lac_config_str(one, "kind"), kind) == 0) {
            json_object_set_new(json_object_get(one, "keys"), key, json_true());
            return LAC_OK;
        }
    one = json_pack("{s:s, s:s, s:{s:b}, s:s?}", "kind", kind, "name", name, "keys", key, 1, "path", path);
    return json_array_append_new(w->item, one) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: what is wanted");
}

lac_status lac_wants_one(lac_wants *w, const char *kind, const char *key, const char *name, bool *there)
{
    char *path;
    find(kind, name, &path);
    const lac_status s = add(w, kind, key, name, path);
    if (there != NULL)
        *there = path != NULL;
    free(path);
    return s;
}

/* ---- what a stage wants ---- */

static lac_status add_of(lac_wants *w, const char *kind, const char *key, const char *name, unsigned bit, unsigned *missing)
{
    bool there = true;
    if (name[0] != '\0')
        LAC_TRY(lac_wants_one(w, kind, key, name, &there));
    *missing |= there ? 0 : bit;
    return LAC_OK;
}

static lac_status add_masks(lac_wants *w, const char *key, const char *word, unsigned *missing)
{
    static const char file[] = "file:";
    return strncmp(word, file, sizeof file - 1) == 0 ? add_of(w, "masks", key, word + sizeof file - 1, LAC_MISSING_DATA, missing) : LAC_OK;
}

static lac_status add_training_data(lac_wants *w, const json_t *data, unsigned *missing)
{
    const json_t *mix = lac_config_at(data, "mix");
    for (size_t i = 0; i < json_array_size(mix); i++)
        LAC_TRY(add_of(w, "set", "data.train", lac_config_str(json_array_get(mix, i), "set"), LAC_MISSING_DATA, missing));
    if (json_array_size(mix) == 0)
        LAC_TRY(add_of(w, "set", "data.train", lac_config_str(data, "set"), LAC_MISSING_DATA, missing));
    return add_masks(w, "data.train", lac_config_str(data, "mask"), missing);
}

lac_status lac_wants_add(lac_wants *w, const json_t *config, unsigned *missing)
{
    const json_t *eval = lac_config_at(config, "data.eval"), *init = lac_config_at(config, "init"), *tokenizer = lac_config_at(config, "model.tokenizer");
    *missing = 0;
    LAC_TRY(add_training_data(w, lac_config_at(config, "data.train"), missing));
    if (eval != NULL) {
        LAC_TRY(add_of(w, "set", "data.eval", lac_config_str(eval, "set"), LAC_MISSING_DATA, missing));
        LAC_TRY(add_masks(w, "data.eval", lac_config_str(eval, "mask"), missing));
    }
    for (size_t i = 0; i < json_array_size(init); i++)
        LAC_TRY(add_of(w, "weights", "init", lac_config_str(json_array_get(init, i), "from"), LAC_MISSING_INIT, missing));
    return json_is_string(tokenizer) ? add_of(w, "tokenizer", "model.tokenizer", json_string_value(tokenizer), LAC_MISSING_TOKENIZER, missing) : LAC_OK;
}

/* ---- saying it ---- */

static bool is_trained(const char *name, const lac_train_list *list)
{
    for (int64_t i = 0; i < list->n; i++)
        if (strcmp(list->row[i].folder, name) == 0)
            return true;
    return false;
}

static lac_status print_state(const char *name, const char *path, const lac_train_list *list)
{
    char *how;
    if (path != NULL)
        return printf("is there%s%s\n", strcmp(path, name) == 0 ? "" : ": ", strcmp(path, name) == 0 ? "" : path), LAC_OK;
    if (is_trained(name, list))
        return printf("is trained first\n"), LAC_OK;
    LAC_TRY(lac_source_of(name, &how));
    printf("missing%s%s\n", how != NULL ? ": " : "", how != NULL ? how : "");
    free(how);
    return LAC_OK;
}

lac_status lac_wants_print(const lac_wants *w, const lac_train_list *list)
{
    size_t i;
    json_t *one, *on;
    const char *key;
    json_array_foreach(w->item, i, one) {
        const char *name = lac_config_str(one, "name"), *before = " (";
        printf("%s%s '%s'", i == 0 ? "wants\n  " : "  ", lac_config_str(one, "kind"), name);
        json_object_foreach(json_object_get(one, "keys"), key, on) {
            printf("%s%s", before, key);
            before = ", ";
        }
        printf("): ");
        LAC_TRY(print_state(name, json_string_value(json_object_get(one, "path")), list));
    }
    return LAC_OK;
}

void lac_wants_free(lac_wants *w)
{
    json_decref(w->item);
    w->item = NULL;
}
