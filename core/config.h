/* core/config.h -- a strict schema for tables of settings, one for Lua experiments and for probe's JSON configs alike.
 *
 * A schema is an array of lac_key that ends with { NULL }. lac_config_resolve checks a given table against it and makes
 * the resolved one: every key present, defaults filled in, ints widened to reals where the schema says number.
 * An unknown key is LAC_ERR_CONFIG naming the nearest known one; a wrong type, a value outside choices or range likewise
 * says what was found and expected. Keys are named by their dotted path: "optim.generator.lr". */
#pragma once

#include "core/status.h"

#include <jansson.h>

enum {
    LAC_KEY_BOOL = 1, LAC_KEY_INT = 2, LAC_KEY_NUM = 4, LAC_KEY_STR = 8, LAC_KEY_NULL = 16,
    LAC_KEY_LIST = 32,          /* elements: of the types in `of`, or tables by `sub` when `of` is 0 */
    LAC_KEY_TABLE = 64,         /* by `sub`; sub NULL: any content, not looked into */
    LAC_KEY_BELOW_MAX = 128,    /* beside a number's type: max itself is too large */
    LAC_KEY_ABOVE_MIN = 256,    /* min itself is too small */
};

typedef struct lac_key {
    const char *name;           /* "*" stands for every name not listed beside it */
    unsigned type;              /* LAC_KEY_..., several allowed: an int, or a list of two */
    const char *value;          /* the default as JSON; NULL: required; "": absent unless given */
    const char *choices;        /* of a string: "tf|torch"; NULL: any */
    double min, max;            /* of a number, list elements included; both belong to it; min == max: no limits */
    unsigned of;                /* element types of a list */
    const struct lac_key *sub;
    const char *only;           /* JSON: the one value that it may have; NULL: any */
    const char *help;           /* one line; printed by --help and probe --list */
} lac_key;

/* A key of a published config that has no effect here: with the value that it must have (JSON), or NULL for any. Absent unless given. */
#define LAC_KEY_ANY (LAC_KEY_BOOL | LAC_KEY_INT | LAC_KEY_NUM | LAC_KEY_STR | LAC_KEY_NULL | LAC_KEY_LIST | LAC_KEY_TABLE)
#define LAC_KEY_INERT(key, value) { key, LAC_KEY_ANY, "", .of = LAC_KEY_ANY, .only = value, .help = "no effect here" }

/* Puts where a dotted path was set ("x.lua:12"), or "" into `where`; may be NULL. */
typedef void lac_config_where(void *context, const char *dotted_path, char *where, size_t size);

/* *resolved is a new reference on success, untouched on failure. Elements of a list have the path of the list and their place, counted from 1: "stages.1.recipe". {} and [] both stand for an
 * empty list or table. Listed keys come in the order of the schema, those under its "*" then by name. */
lac_status lac_config_resolve(json_t **resolved, const lac_key *schema, const json_t *given, lac_config_where *where, void *context);

/* Takes keys that begin with _, which published files use as comments, out of a table and of those within it, but for what the schema lists. */
void lac_config_drop_comments(json_t *given, const lac_key *schema);

/* What is at a dotted path of a resolved table; NULL, false, 0 or "" where nothing is. */
const json_t *lac_config_at(const json_t *config, const char *dotted_path);
bool lac_config_has(const json_t *config, const char *dotted_path);
bool lac_config_bool(const json_t *config, const char *dotted_path);
int64_t lac_config_int(const json_t *config, const char *dotted_path);
double lac_config_num(const json_t *config, const char *dotted_path);
const char *lac_config_str(const json_t *config, const char *dotted_path);
/* The place of the string there among words as in lac_key.choices, from 0; -1 where it is none of them. */
int lac_config_choice(const json_t *config, const char *dotted_path, const char *choices);

/* A value as JSON, its numbers in the shortest form that says what they are: 0.4, not 0.40000000000000002. flags: jansson's (JSON_COMPACT, ...).
 * A value that is NULL is "absent". The caller's to free; NULL when memory runs out. */
char *lac_config_text(const json_t *value, size_t flags);

/* Index of the word nearest to `word` by edit distance (Damerau), or -1 when none is near enough to suggest. */
int lac_nearest(const char *word, const char *const *words, int n);
