#include "core/text/tokenizer_def.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/named.h"
#include "core/text/tokenizer_json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct lac_tokenizer {
    const lac_tokenizer_def *def;
    void *model;
    lac_tokenizer_ids special;
};

static const lac_named tokenizers = { "tokenizer", LAC_ERR_CONFIG, {
#define LAC_TOKENIZER(identifier) &lac_tokenizer_def_##identifier,
#include "core/text/tokenizers.def"
#undef LAC_TOKENIZER
} };

static bool has_all(const char *folder, const char *const *names)
{
    char path[PATH_MAX];
    for (; *names != NULL; names++)
        if (snprintf(path, sizeof path, "%s/%s", folder, *names) >= (int)sizeof path || access(path, F_OK) != 0)
            return false;
    return true;
}

lac_status lac_tokenizer_files(lac_text_files *files, const char *name, const char *folder, const lac_tokenizer_options *o)
{
    const lac_tokenizer_def *def = NULL;
    *files = (lac_text_files){ 0 };
    LAC_TRY(LAC_NAMED_FIND(&tokenizers, name, &def));
    if (!has_all(folder, def->files) && lac_tokenizer_json_is_in(folder))
        return lac_tokenizer_json_read(files, def, folder, o);
    return lac_text_files_read(files, folder, def->files);
}

lac_status lac_tokenizer_open(lac_tokenizer **t, const char *name, const char *folder, const lac_tokenizer_options *o)
{
    lac_text_files files;
    lac_status s = lac_tokenizer_files(&files, name, folder, o);
    if (s == LAC_OK)
        s = lac_tokenizer_open_files(t, name, &files, o);
    lac_text_files_free(&files);
    return s;
}

lac_status lac_tokenizer_open_files(lac_tokenizer **t, const char *name, const lac_text_files *files, const lac_tokenizer_options *o)
{
    static const lac_tokenizer_options published;
    const lac_tokenizer_def *def = NULL;
    lac_tokenizer *made;
    LAC_TRY(LAC_NAMED_FIND(&tokenizers, name, &def));
    LAC_TRY(lac_calloc((void **)&made, 1, sizeof *made));
    made->def = def;
    const lac_status s = def->open(&made->model, &made->special, files, o != NULL ? o : &published);
    if (s == LAC_OK)
        *t = made;
    else
        lac_tokenizer_close(made);
    return s;
}

static lac_status read_as(lac_text_files *files, const lac_tokenizer_def *def, const char *path)
{
    char *bytes;
    size_t size;
    LAC_TRY(lac_text_files_new(files, path));
    LAC_TRY(lac_file_read(path, LAC_TEXT_FILE_LIMIT, &bytes, &size));
    const lac_status s = lac_text_files_add(files, def->files[0], bytes, size);
    free(bytes);
    return s;
}

lac_status lac_tokenizer_open_file(lac_tokenizer **t, const char *name, const char *path, const lac_tokenizer_options *o)
{
    const lac_tokenizer_def *def = NULL;
    lac_text_files files = { 0 };
    LAC_TRY(LAC_NAMED_FIND(&tokenizers, name, &def));
    lac_status s = read_as(&files, def, path);
    if (s == LAC_OK)
        s = lac_tokenizer_open_files(t, name, &files, o);
    lac_text_files_free(&files);
    return s;
}

void lac_tokenizer_close(lac_tokenizer *t)
{
    if (t != NULL)
        t->def->close(t->model);
    free(t);
}

const char *lac_tokenizer_name(const lac_tokenizer *t) { return t->def->name; }
lac_tokenizer_ids lac_tokenizer_special(const lac_tokenizer *t) { return t->special; }

static void store(const lac_id_sink *sink, int64_t i, int64_t id)
{
    if (sink->dtype == LAC_I32)
        ((int32_t *)sink->to)[i] = (int32_t)id;
    else
        ((int64_t *)sink->to)[i] = id;
}

void lac_id_put(lac_id_sink *sink, int64_t id)
{
    if (sink->n < sink->room)
        store(sink, sink->n, id);
    sink->n++;
}

lac_status lac_tokenizer_encode(const lac_tokenizer *t, const char *text, size_t size, lac_dtype d, int64_t max_length, void *ids, int64_t *n)
{
    if (ids != NULL && (max_length < 2 || (d != LAC_I32 && d != LAC_I64)))
        return LAC_FAIL(LAC_ERR_ARG, "ids want i32 or i64 and a length of 2 at least, found %s and %lld", lac_dtype_name(d), (long long)max_length);
    if (size > INT32_MAX)
        return LAC_FAIL(LAC_ERR_ARG, "a text of %zu bytes is too long: %d at most", size, INT32_MAX);
    lac_id_sink sink = { ids, d, ids != NULL ? max_length - 1 : 0, 0 };         /* the last place is the end's */
    lac_id_put(&sink, t->special.start);
    LAC_TRY(t->def->encode(t->model, text, size, &sink));
    for (int64_t i = LAC_MIN(sink.n, sink.room); ids != NULL && i < max_length; i++)
        store(&sink, i, i == LAC_MIN(sink.n, sink.room) ? t->special.end : t->special.pad);
    if (n != NULL)
        *n = sink.n + 1;
    return LAC_OK;
}
