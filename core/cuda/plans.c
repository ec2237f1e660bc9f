#include "core/cuda/plans.h"

#include "core/cuda/describe.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/sha256.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 64 << 20 };                  /* no plan file comes near it */
static json_t *plans;                       /* key -> { "plan": text, "us": number } */
static char owner[256];

const char *lac_cuda_plans_owner(void)
{
    if (owner[0] == '\0')
        lac_cuda_owner(owner, sizeof owner);
    return owner;
}

void lac_cuda_plans_clear(const char *new_owner)
{
    json_decref(plans);
    plans = NULL;
    snprintf(owner, sizeof owner, "%s", new_owner != NULL ? new_owner : "");
}

/* A file of the cache: the owner's name, with everything but letters and digits as '-', and what follows it. */
static lac_status cache_path(char **path, const char *rest)
{
    const char *own = getenv("LACUNA_PLANS"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char name[sizeof owner];
    snprintf(name, sizeof name, "%s", lac_cuda_plans_owner());
    for (char *c = name; *c != '\0'; c++)
        *c = isalnum((unsigned char)*c) || *c == '.' ? *c : '-';
    if (own != NULL && own[0] != '\0')
        return lac_format(path, "%s/%s%s", own, name, rest);
    if (cache != NULL && cache[0] == '/')
        return lac_format(path, "%s/lacuna/plans/%s%s", cache, name, rest);
    if (home == NULL || home[0] == '\0')
        return LAC_FAIL(LAC_ERR_STATE, "no folder for plans: neither LACUNA_PLANS nor XDG_CACHE_HOME nor HOME is set");
    return lac_format(path, "%s/.cache/lacuna/plans/%s%s", home, name, rest);
}

static lac_status take(const char *path, const json_t *root)
{
    const char *whose = json_string_value(json_object_get(root, "owner"));
    json_t *found = json_object_get(root, "plans"), *one;
    const char *key;
    if (whose == NULL || !json_is_object(found))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no plan file", path);
    if (strcmp(whose, lac_cuda_plans_owner()) != 0)
        return LAC_FAIL(LAC_ERR_STATE, "the plans in '%s' are for %s, this is %s", path, whose, lac_cuda_plans_owner());
    json_object_foreach(found, key, one)
        if (json_is_string(json_object_get(one, "plan")) && strlen(json_string_value(json_object_get(one, "plan"))) < LAC_CUDA_PLAN_TEXT)
            json_object_set(plans, key, one);
    return LAC_OK;
}

static lac_status read_file(const char *path)
{
    char *text;
    size_t size;
    json_error_t where;
    LAC_TRY(lac_file_read(path, LIMIT, &text, &size));
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    const lac_status s = root == NULL ? LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no plan file: %s at line %d", path, where.text, where.line) : take(path, root);
    json_decref(root);
    free(text);
    return s;
}

/* Memory is the truth; the cache's file is read into it once. */
static lac_status ready(void)
{
    char *path = NULL;
    if (plans != NULL)
        return LAC_OK;
    plans = json_object();
    if (plans == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "no memory for the table of plans");
    if (cache_path(&path, ".json") == LAC_OK)
        (void)read_file(path);              /* absent or damaged: timed again */
    free(path);
    lac_error_clear();
    return LAC_OK;
}

static lac_status write_file(const char *path)
{
    json_t *root = json_pack("{s:s, s:O}", "owner", lac_cuda_plans_owner(), "plans", plans);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    const lac_status s = text != NULL ? lac_file_write(path, text, strlen(text)) : LAC_FAIL(LAC_ERR_MEM, "no memory to write '%s'", path);
    free(text);
    json_decref(root);
    return s;
}

static lac_status make_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const lac_status s = lac_make_folders(path);
    *slash = '/';
    return s;
}

static void write_cache(void)
{
    char *path = NULL;
    if (cache_path(&path, ".json") == LAC_OK && make_folder_of(path) == LAC_OK)
        (void)write_file(path);
    free(path);
    lac_error_clear();
}

/* /HASH.plan, by call and choice. */
static lac_status code_path(char **path, const char *key, const char *text)
{
    lac_sha256 h;
    uint8_t digest[LAC_SHA256_SIZE];
    char rest[LAC_SHA256_HEX + 8] = "/";
    lac_sha256_start(&h);
    lac_sha256_add(&h, key, strlen(key) + 1);
    lac_sha256_add(&h, text, strlen(text));
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, rest + 1);
    return cache_path(path, strcat(rest, ".plan"));
}

char *lac_cuda_plan_code(const char *key, const char *text)
{
    char *path = NULL, *code = NULL;
    size_t size;
    if (code_path(&path, key, text) == LAC_OK)
        (void)lac_file_read(path, LIMIT, &code, &size);
    free(path);
    lac_error_clear();
    return code;
}

void lac_cuda_plan_keep_code(const char *key, const char *text, const char *code)
{
    char *path = NULL;
    if (code_path(&path, key, text) == LAC_OK && make_folder_of(path) == LAC_OK)
        (void)lac_file_write(path, code, strlen(code));
    free(path);
    lac_error_clear();
}

const char *lac_cuda_plan_find(const char *key)
{
    return ready() == LAC_OK ? json_string_value(json_object_get(json_object_get(plans, key), "plan")) : NULL;
}

lac_status lac_cuda_plan_keep(const char *key, const char *text, double microseconds)
{
    LAC_TRY(ready());
    if (json_object_set_new(plans, key, json_pack("{s:s, s:f}", "plan", text, "us", microseconds)) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "no memory for the plan of '%s'", key);
    write_cache();
    return LAC_OK;
}

lac_status lac_cuda_plans_write(const char *path)
{
    LAC_TRY(ready());
    return write_file(path);
}

lac_status lac_cuda_plans_read(const char *path)
{
    LAC_TRY(ready());
    return read_file(path);
}
