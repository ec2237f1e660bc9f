#include "core/text/vocabulary.h"

#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

void lac_vocabulary_free(lac_vocabulary *v)
{
    free(v->word);
    free(v->text);
    json_decref(v->json);
    *v = (lac_vocabulary){ 0 };
}

static int compare_bytes(const char *a, size_t n, const char *b, size_t m)
{
    const int order = memcmp(a, b, LAC_MIN(n, m));
    return order != 0 ? order : (n > m) - (n < m);
}

static int by_bytes(const void *a, const void *b)
{
    const lac_word *x = a, *y = b;
    return compare_bytes(x->at, (size_t)x->length, y->at, (size_t)y->length);
}

static int by_id(const void *a, const void *b)
{
    const lac_word *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static lac_status add(lac_vocabulary *v, const char *at, size_t length, int64_t id)
{
    LAC_TRY(lac_grow((void **)&v->word, v->n, &v->capacity, sizeof *v->word));
    v->word[v->n++] = (lac_word){ at, (int32_t)length, (int32_t)id };
    v->size = LAC_MAX(v->size, id + 1);
    v->longest = LAC_MAX(v->longest, (int32_t)length);
    return LAC_OK;
}

/* Sorts the words; each token and each id is there once. Shown in full they could be megabytes: the first 64 bytes say which. */
static lac_status finish(lac_vocabulary *v)
{
    if (v->n == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "there are no tokens");
    qsort(v->word, (size_t)v->n, sizeof *v->word, by_id);
    for (int64_t i = 1; i < v->n; i++)
        if (v->word[i].id == v->word[i - 1].id)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' and '%.64s' have the same id %d", v->word[i - 1].at, v->word[i].at, v->word[i].id);
    qsort(v->word, (size_t)v->n, sizeof *v->word, by_bytes);
    for (int64_t i = 1; i < v->n; i++)
        if (by_bytes(&v->word[i - 1], &v->word[i]) == 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' is there twice, with the ids %d and %d", v->word[i].at, v->word[i - 1].id, v->word[i].id);
    return LAC_OK;
}

static lac_status parse(lac_vocabulary *v, const char *text, size_t size)
{
    json_error_t why;
    const char *token;
    json_t *id;
    v->json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (v->json == NULL && json_error_code(&why) == json_error_out_of_memory)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: a JSON of %zu bytes", size);
    if (v->json == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "not JSON: %s, line %d, byte %d", why.text, why.line, why.position);
    if (!json_is_object(v->json))
        return LAC_FAIL(LAC_ERR_FORMAT, "not a table of tokens and ids");
    json_object_foreach(v->json, token, id) {
        const json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= INT32_MAX)
            return LAC_FAIL(LAC_ERR_FORMAT, "the id of '%.64s' is not a whole number in [0, 2^31 - 1)", token);
        LAC_TRY(add(v, token, strlen(token), value));
    }
    return finish(v);
}

lac_status lac_vocabulary_read_json(lac_vocabulary *v, const lac_text_files *f, const char *name)
{
    char *text;
    size_t size;
    LAC_TRY(lac_text_files_copy(f, name, &text, &size));
    const lac_status s = parse(v, text, size);
    free(text);
    return lac_context(s, "'%s/%s'", f->where, name);
}

char *lac_text_line(char **rest, const char *end, size_t *length)
{
    char *line = *rest;
    if (line >= end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(end - line));
    *rest = stop != NULL ? stop + 1 : (char *)end;
    stop = stop != NULL ? stop : (char *)end;
    if (stop > line && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    *length = (size_t)(stop - line);
    return line;
}

static lac_status split_lines(lac_vocabulary *v, size_t size)
{
    char *rest = v->text, *line;
    size_t length;
    for (int64_t id = 0; (line = lac_text_line(&rest, v->text + size, &length)) != NULL; id++)
        if (length > 0)
            LAC_TRY(add(v, line, length, id));
    return finish(v);
}

lac_status lac_vocabulary_read_lines(lac_vocabulary *v, const lac_text_files *f, const char *name)
{
    size_t size;
    LAC_TRY(lac_text_files_copy(f, name, &v->text, &size));
    if (!lac_utf8_valid(v->text, size))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s/%s' is not UTF-8", f->where, name);
    return lac_context(split_lines(v, size), "'%s/%s'", f->where, name);
}

int32_t lac_vocabulary_find(const lac_vocabulary *v, const char *bytes, size_t length)
{
    int64_t low = 0, high = v->n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const lac_word *w = &v->word[middle];
        const int order = compare_bytes(w->at, (size_t)w->length, bytes, length);
        if (order == 0)
            return w->id;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

lac_status lac_vocabulary_want(const lac_vocabulary *v, const char *token, int64_t *id)
{
    *id = lac_vocabulary_find(v, token, strlen(token));
    return *id >= 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "the vocabulary has no token '%.64s'", token);
}
