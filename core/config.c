#include "core/config.h"

#include "core/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PATH = 512, MAX_WORDS = 128 };

/* Where the walk is: the dotted path, and who knows the line it was set at. */
typedef struct place { const char *path; lac_config_where *where; void *context; } place;

static lac_status take(json_t **out, const lac_key *key, const json_t *given, const place *at);

static void below(char *path, const place *at, const char *name)
{
    snprintf(path, MAX_PATH, "%s%s%s", at->path, at->path[0] ? "." : "", name);
}

/* ", x.lua:12" for the end of a message. */
static const char *line_of(const place *at, char *buffer, size_t size)
{
    char where[MAX_PATH] = "";
    if (at->where != NULL)
        at->where(at->context, at->path, where, sizeof where);
    snprintf(buffer, size, "%s%s", where[0] ? ", " : "", where);
    return buffer;
}

static lac_status complain(const place *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
static lac_status complain(const place *at, const char *format, ...)
{
    char what[1024], line[MAX_PATH + 2];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return LAC_FAIL(LAC_ERR_CONFIG, "%s%s", what, line_of(at, line, sizeof line));
}

static lac_status no_memory(void) { return LAC_FAIL(LAC_ERR_MEM, "out of memory for a config"); }

/* ---- what a key takes, in words ---- */

static const char *describe_types(unsigned type, char *to, size_t size)
{
    static const struct { unsigned bit; const char *word; } known[] = {
        { LAC_KEY_BOOL, "true or false" }, { LAC_KEY_INT, "a whole number" }, { LAC_KEY_NUM, "a number" }, { LAC_KEY_STR, "a string" },
        { LAC_KEY_LIST, "a list" }, { LAC_KEY_TABLE, "a table" }, { LAC_KEY_NULL, "nothing" },
    };
    if (type & LAC_KEY_NUM)
        type &= ~(unsigned)LAC_KEY_INT;
    to[0] = '\0';
    for (size_t i = 0, n = 0; i < LAC_COUNT(known); i++)
        if (type & known[i].bit)
            n += (size_t)snprintf(to + LAC_MIN(n, size - 1), size - LAC_MIN(n, size - 1), "%s%s", n ? " or " : "", known[i].word);
    return to;
}

static const char *describe_value(const json_t *v, char *to, size_t size)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: snprintf(to, size, "a table"); break;
    case JSON_ARRAY: snprintf(to, size, "a list of %zu", json_array_size(v)); break;
    case JSON_STRING: snprintf(to, size, "the string '%.60s'", json_string_value(v)); break;
    case JSON_INTEGER: snprintf(to, size, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: snprintf(to, size, "%.9g", json_real_value(v)); break;
    case JSON_TRUE: case JSON_FALSE: snprintf(to, size, json_is_true(v) ? "true" : "false"); break;
    case JSON_NULL: snprintf(to, size, "nothing"); break;
    }
    return to;
}

static lac_status wrong_type(const lac_key *key, const json_t *given, const place *at)
{
    char wanted[160], found[96];
    return complain(at, "'%s' should be %s, is %s", at->path, describe_types(key->type, wanted, sizeof wanted),
                    describe_value(given, found, sizeof found));
}

/* ---- one value ---- */

static lac_status check_range(const lac_key *key, double value, const place *at)
{
    const bool below = (key->type & LAC_KEY_BELOW_MAX) != 0, above = (key->type & LAC_KEY_ABOVE_MIN) != 0;
    if (key->min == key->max || ((above ? value > key->min : value >= key->min) && (below ? value < key->max : value <= key->max)))
        return LAC_OK;
    if (above && key->max < DBL_MAX)
        return complain(at, "'%s' should be above %.9g and %s %.9g, is %.9g", at->path, key->min, below ? "below" : "at most", key->max, value);
    if (above)
        return complain(at, "'%s' should be above %.9g, is %.9g", at->path, key->min, value);
    if (below)
        return complain(at, "'%s' should be from %.9g to below %.9g, is %.9g", at->path, key->min, key->max, value);
    if (key->max >= DBL_MAX)
        return complain(at, "'%s' should be at least %.9g, is %.9g", at->path, key->min, value);
    if (key->min <= -DBL_MAX)
        return complain(at, "'%s' should be at most %.9g, is %.9g", at->path, key->max, value);
    return complain(at, "'%s' should be from %.9g to %.9g, is %.9g", at->path, key->min, key->max, value);
}

/* The i-th of "a|b|c" into `word`; false when there are fewer. */
static bool nth_choice(const char *choices, int i, char *word, size_t size)
{
    for (; i > 0; i--) {
        choices = strchr(choices, '|');
        if (choices == NULL)
            return false;
        choices++;
    }
    snprintf(word, size, "%.*s", (int)strcspn(choices, "|"), choices);
    return true;
}

static lac_status check_choice(const lac_key *key, const char *value, const place *at)
{
    char word[MAX_WORDS][64];
    const char *words[MAX_WORDS];
    int n = 0;
    if (key->choices == NULL)
        return LAC_OK;
    for (; n < MAX_WORDS && nth_choice(key->choices, n, word[n], sizeof word[n]); n++) {
        words[n] = word[n];
        if (strcmp(words[n], value) == 0)
            return LAC_OK;
    }
    const int near = lac_nearest(value, words, n);
    if (near >= 0)
        return complain(at, "'%s' is '%.60s' (did you mean '%s'?), should be one of %s", at->path, value, words[near], key->choices);
    return complain(at, "'%s' is '%.60s', should be one of %s", at->path, value, key->choices);
}

/* Numbers: an int where only reals are known is widened, a real without a fraction may stand for an int (steps = 4e5). */
static lac_status take_number(json_t **out, const lac_key *key, const json_t *given, const place *at)
{
    const double value = json_number_value(given);
    const bool whole = json_is_integer(given) || (floor(value) == value && fabs(value) <= 0x1p53);
    if (!(key->type & LAC_KEY_NUM) && !whole)
        return wrong_type(key, given, at);
    LAC_TRY(check_range(key, value, at));
    if (!(key->type & LAC_KEY_INT))
        *out = json_real(value);
    else if (json_is_integer(given) || !(key->type & LAC_KEY_NUM))
        *out = json_integer(json_is_integer(given) ? json_integer_value(given) : (json_int_t)value);
    else
        *out = json_real(value);
    return *out ? LAC_OK : no_memory();
}

static lac_status take_list(json_t **out, const lac_key *key, const json_t *given, const place *at)
{
    lac_key element = *key;
    element.only = NULL;
    element.type = key->of ? key->of | (key->type & (LAC_KEY_BELOW_MAX | LAC_KEY_ABOVE_MIN)) : LAC_KEY_TABLE;
    json_t *list = json_array();
    lac_status s = list ? LAC_OK : no_memory();
    for (size_t i = 0; s == LAC_OK && i < json_array_size(given); i++) {
        char name[24], path[MAX_PATH];
        json_t *one = NULL;
        snprintf(name, sizeof name, "%zu", i + 1);
        below(path, at, name);
        s = take(&one, &element, json_array_get(given, i), &(place){ path, at->where, at->context });
        if (s == LAC_OK && json_array_append_new(list, one) != 0)
            s = no_memory();
    }
    if (s == LAC_OK)
        *out = list;
    else
        json_decref(list);
    return s;
}

/* ---- tables ---- */

static const lac_key *find_key(const lac_key *schema, const char *name)
{
    const lac_key *any = NULL;
    for (const lac_key *k = schema; k->name != NULL; k++) {
        if (strcmp(k->name, "*") == 0)
            any = k;
        else if (strcmp(k->name, name) == 0)
            return k;
    }
    return any;
}

static lac_status unknown_key(const lac_key *schema, const char *name, const place *at)
{
    const char *words[MAX_WORDS];
    char path[MAX_PATH], known[256] = "";
    int n = 0;
    size_t length = 0;
    for (const lac_key *k = schema; k->name != NULL && n < MAX_WORDS; k++) {
        words[n++] = k->name;
        if (length < sizeof known)
            length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", n > 1 ? ", " : "", k->name);
    }
    below(path, at, name);
    const place here = { path, at->where, at->context };
    const int near = lac_nearest(name, words, n);
    if (near < 0)
        return complain(&here, "unknown key '%s' (known here: %s%s)", path, known, length >= sizeof known ? "..." : "");
    char nearest[MAX_PATH];
    below(nearest, at, words[near]);
    return complain(&here, "unknown key '%s' (did you mean '%s'?)", path, nearest);
}

static lac_status take_default(json_t **out, const lac_key *key, const place *at)
{
    json_error_t why;
    if (key->value == NULL)
        return complain(at, "missing key '%s'%s%s%s", at->path, key->help ? " (" : "", key->help ? key->help : "", key->help ? ")" : "");
    json_t *value = json_loads(key->value, JSON_DECODE_ANY, &why);
    if (value == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "the default of '%s' is not JSON: %s", at->path, why.text);
    const lac_status s = take(out, key, value, at);
    json_decref(value);
    return s;
}

static lac_status put_one(json_t *out, const lac_key *key, const char *name, const json_t *given, const place *at)
{
    char path[MAX_PATH];
    json_t *one = NULL;
    below(path, at, name);
    const place here = { path, at->where, at->context };
    LAC_TRY(given ? take(&one, key, given, &here) : take_default(&one, key, &here));
    return json_object_set_new(out, name, one) == 0 ? LAC_OK : no_memory();
}

static int by_word(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The names of a table in order: neither messages nor results depend on how the table was written. */
static lac_status sorted_names(const json_t *table, const char ***names, size_t *n)
{
    const char *name;
    json_t *value;
    LAC_TRY(lac_calloc((void **)names, json_object_size(table), sizeof **names));
    *n = 0;
    json_object_foreach((json_t *)table, name, value)
        (*names)[(*n)++] = name;
    qsort(*names, *n, sizeof **names, by_word);
    return LAC_OK;
}

/* First the keys that the schema lists, in its order, then those that stand under its "*", by name. */
static lac_status fill_table(json_t *out, const lac_key *schema, const json_t *given, const char **name, size_t n, const place *at)
{
    for (size_t i = 0; i < n; i++)
        if (find_key(schema, name[i]) == NULL)
            return unknown_key(schema, name[i], at);
    for (const lac_key *k = schema; k->name != NULL; k++) {
        const json_t *value = json_object_get(given, k->name);
        if (strcmp(k->name, "*") != 0 && (value != NULL || k->value == NULL || k->value[0] != '\0'))
            LAC_TRY(put_one(out, k, k->name, value, at));
    }
    for (size_t i = 0; i < n; i++)
        if (json_object_get(out, name[i]) == NULL)
            LAC_TRY(put_one(out, find_key(schema, name[i]), name[i], json_object_get(given, name[i]), at));
    return LAC_OK;
}

static lac_status take_table(json_t **out, const lac_key *schema, const json_t *given, const place *at)
{
    const char **names = NULL;
    size_t n;
    LAC_TRY(sorted_names(given, &names, &n));
    json_t *table = json_object();
    lac_status s = table ? fill_table(table, schema, given, names, n, at) : no_memory();
    free(names);
    if (s == LAC_OK)
        *out = table;
    else
        json_decref(table);
    return s;
}

static lac_status take_any_table(json_t **out, const json_t *given)
{
    *out = json_deep_copy(given);
    return *out ? LAC_OK : no_memory();
}

/* Lua's {} is both an empty list and an empty table: it is what the key wants. */
static bool fits(const json_t *given, unsigned type, unsigned bit, bool (*is)(const json_t *))
{
    const bool empty = (json_is_object(given) && json_object_size(given) == 0) || (json_is_array(given) && json_array_size(given) == 0);
    return type & bit && (is(given) || (empty && (type & (LAC_KEY_LIST | LAC_KEY_TABLE)) == bit));
}

static bool is_list(const json_t *v) { return json_is_array(v); }
static bool is_table(const json_t *v) { return json_is_object(v); }

static lac_status check_only(const lac_key *key, const json_t *given, const place *at)
{
    char found[96];
    json_t *wanted = json_loads(key->only, JSON_DECODE_ANY, NULL);
    const bool same = json_is_number(given) && json_is_number(wanted) ? json_number_value(given) == json_number_value(wanted) : json_equal(given, wanted);
    if (wanted == NULL)
        return no_memory();
    json_decref(wanted);
    return same ? LAC_OK : complain(at, "'%s' must be %s here, is %s", at->path, key->only, describe_value(given, found, sizeof found));
}

static lac_status take(json_t **out, const lac_key *key, const json_t *given, const place *at)
{
    if (key->only != NULL)
        LAC_TRY(check_only(key, given, at));
    if (json_is_number(given) && key->type & (LAC_KEY_INT | LAC_KEY_NUM))
        return take_number(out, key, given, at);
    if (fits(given, key->type, LAC_KEY_LIST, is_list))
        return take_list(out, key, given, at);
    if (fits(given, key->type, LAC_KEY_TABLE, is_table))
        return key->sub ? take_table(out, key->sub, given, at) : take_any_table(out, given);
    if (json_is_string(given) && key->type & LAC_KEY_STR)
        LAC_TRY(check_choice(key, json_string_value(given), at));
    else if (!(json_is_boolean(given) && key->type & LAC_KEY_BOOL) && !(json_is_null(given) && key->type & LAC_KEY_NULL))
        return wrong_type(key, given, at);
    *out = json_copy((json_t *)given);
    return *out ? LAC_OK : no_memory();
}

lac_status lac_config_resolve(json_t **resolved, const lac_key *schema, const json_t *given, lac_config_where *where, void *context)
{
    const lac_key whole = { .name = "", .type = LAC_KEY_TABLE, .sub = schema };
    if (!fits(given, LAC_KEY_TABLE, LAC_KEY_TABLE, is_table))
        return LAC_FAIL(LAC_ERR_CONFIG, "a config is a table of keys");
    return take(resolved, &whole, given, &(place){ "", where, context });
}

static const lac_key *key_of(const lac_key *schema, const char *name)
{
    for (; schema != NULL && schema->name != NULL; schema++)
        if (strcmp(schema->name, name) == 0)
            return schema;
    return NULL;
}

void lac_config_drop_comments(json_t *given, const lac_key *schema)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(given, next, name, value) {
        const lac_key *key = key_of(schema, name);
        if (key == NULL && name[0] == '_')
            json_object_del(given, name);
        else if (key != NULL && key->sub != NULL)
            lac_config_drop_comments(value, key->sub);
    }
}

/* ---- getters ---- */

const json_t *lac_config_at(const json_t *config, const char *dotted_path)
{
    while (config != NULL && *dotted_path) {
        const size_t length = strcspn(dotted_path, ".");
        if (json_is_array(config)) {
            char *end;
            const unsigned long i = strtoul(dotted_path, &end, 10);
            config = end == dotted_path + length && i > 0 ? json_array_get(config, i - 1) : NULL;
        } else {
            config = json_object_getn(config, dotted_path, length);
        }
        dotted_path += length + (dotted_path[length] == '.');
    }
    return config;
}

bool lac_config_has(const json_t *config, const char *dotted_path) { return lac_config_at(config, dotted_path) != NULL; }

bool lac_config_bool(const json_t *config, const char *dotted_path) { return json_is_true(lac_config_at(config, dotted_path)); }

int64_t lac_config_int(const json_t *config, const char *dotted_path)
{
    return json_integer_value(lac_config_at(config, dotted_path));
}

double lac_config_num(const json_t *config, const char *dotted_path)
{
    return json_number_value(lac_config_at(config, dotted_path));
}

const char *lac_config_str(const json_t *config, const char *dotted_path)
{
    const char *s = json_string_value(lac_config_at(config, dotted_path));
    return s ? s : "";
}

int lac_config_choice(const json_t *config, const char *dotted_path, const char *choices)
{
    const char *word = lac_config_str(config, dotted_path);
    for (int k = 0;; k++) {
        const size_t n = strcspn(choices, "|");
        if (strlen(word) == n && strncmp(word, choices, n) == 0)
            return k;
        if (choices[n] == '\0')
            return -1;
        choices += n + 1;
    }
}

char *lac_config_text(const json_t *value, size_t flags)
{
    char *text = NULL;
    bool same = false;
    if (value == NULL)
        return lac_strdup(&text, "absent") == LAC_OK ? text : NULL;
    for (size_t digits = 6; digits <= 17 && !same; digits++) {
        free(text);
        text = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *again = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
        same = again == NULL || json_equal(again, value);
        json_decref(again);
    }
    return text;
}
