#include "cli/preset.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static const char word_of[] = "preset=";

static lac_status unknown(const json_t *presets, const char *name)
{
    const char *known[MOST], *key;
    json_t *value;
    int n = 0;
    json_object_foreach((json_t *)presets, key, value)
        if (n < MOST)
            known[n++] = key;
    const int near = lac_nearest(name, known, n);
    return near >= 0 ? LAC_FAIL(LAC_ERR_CONFIG, "there is no preset '%s'; did you mean '%s'?", name, known[near])
                     : LAC_FAIL(LAC_ERR_CONFIG, n > 0 ? "there is no preset '%s'" : "preset '%s': the config has no 'presets'", name);
}

/* "presets.mini.steps" was set where "steps" now is. */
static void move_lines(json_t *lines, const char *name)
{
    char prefix[256];
    const char *path;
    json_t *line, *moved = json_object();
    const int n = snprintf(prefix, sizeof prefix, "presets.%s.", name);
    json_object_foreach(lines, path, line)
        if (n < (int)sizeof prefix && strncmp(path, prefix, (size_t)n) == 0)
            json_object_set(moved, path + n, line);
    json_object_update(lines, moved);
    json_decref(moved);
}

static lac_status lay_over(json_t *config, json_t *lines, const json_t *presets, const char *name)
{
    const json_t *preset = json_object_get(presets, name);
    if (preset == NULL)
        return unknown(presets, name);
    if (!json_is_object(preset))
        return LAC_FAIL(LAC_ERR_CONFIG, "preset '%s' should be a table", name);
    json_t *own = json_deep_copy(preset);
    const bool failed = own == NULL || json_object_update_recursive(config, own) != 0;
    json_decref(own);
    if (failed)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: preset '%s'", name);
    if (lines != NULL)
        move_lines(lines, name);
    return LAC_OK;
}

/* names: separated by commas. */
static lac_status lay_all(json_t *config, json_t *lines, const json_t *presets, const char *names)
{
    char *copy, *rest = NULL;
    LAC_TRY(lac_strdup(&copy, names));
    lac_status s = LAC_OK;
    for (char *one = strtok_r(copy, ",", &rest); s == LAC_OK && one != NULL; one = strtok_r(NULL, ",", &rest))
        s = lay_over(config, lines, presets, one);
    free(copy);
    return s;
}

lac_status lac_preset_apply(json_t *config, json_t *lines, const char *name)
{
    json_t *presets = json_incref(json_object_get(config, "presets")), *own = json_incref(json_object_get(config, "preset"));
    lac_status s = LAC_OK;
    json_object_del(config, "presets");
    json_object_del(config, "preset");
    if (own != NULL && !json_is_string(own))
        s = LAC_FAIL(LAC_ERR_CONFIG, "'preset' should be a name");
    else if (presets != NULL && !json_is_object(presets))
        s = LAC_FAIL(LAC_ERR_CONFIG, "'presets' should be a table of tables by name");
    name = name != NULL ? name : json_string_value(own);
    if (s == LAC_OK && name != NULL)
        s = lay_all(config, lines, presets, name);
    json_decref(presets);
    json_decref(own);
    return s;
}

static bool is_preset(const char *word) { return strncmp(word, word_of, sizeof word_of - 1) == 0; }

lac_status lac_preset_override(lac_experiment *e, const lac_words *words, int first)
{
    const char *name = NULL;
    for (int i = first; i < words->n; i++)
        name = is_preset(words->word[i]) ? words->word[i] + sizeof word_of - 1 : name;
    LAC_TRY(lac_preset_apply(e->config, e->lines, name));
    for (int i = first; i < words->n; i++)
        if (!is_preset(words->word[i]))
            LAC_TRY(lac_experiment_override(e, words->word[i]));
    return LAC_OK;
}
