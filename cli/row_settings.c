#include "cli/row_settings.h"

#include "core/memory.h"

#include <stdlib.h>

static lac_status add(lac_words *set, const char *key, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), *word = NULL;
    lac_status s = text != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: settings");
    if (s == LAC_OK)
        s = json_is_string(value) ? lac_format(&word, "%s=%s", key, json_string_value(value)) : lac_format(&word, "%s=%s", key, text);
    if (s == LAC_OK)
        s = lac_words_add(set, word);
    free(text);
    if (s != LAC_OK)
        free(word);
    return s;
}

lac_status lac_row_settings(lac_words *set, const json_t *row)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(row, "settings"), key, value)
        LAC_TRY(add(set, key, value));
    return LAC_OK;
}

void lac_row_settings_free(lac_words *set)
{
    for (int i = 0; i < set->n; i++)
        free((char *)set->word[i]);
    lac_words_free(set);
    *set = (lac_words){ NULL, 0 };
}
