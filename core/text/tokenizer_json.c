#include "core/text/tokenizer_json.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/text/vocabulary.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool lac_tokenizer_json_is_in(const char *folder)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/" LAC_TOKENIZER_JSON, folder) < (int)sizeof path && access(path, R_OK) == 0;
}

/* ---- whether it is the tokenizer that we have ---- */

/* What must stand at a path of names: a word, a number, "true"; of a list the types of its tables, in order. "": null, false, no text, or nothing. */
typedef struct entry { const char *path, *word; } entry;

static const entry bpe[] = {
    { "model.type", "BPE" }, { "model.unk_token", "<|endoftext|>" }, { "model.continuing_subword_prefix", "" }, { "model.end_of_word_suffix", "</w>" },
    { "model.dropout", "" }, { "model.byte_fallback", "" }, { "model.ignore_merges", "" }, { "normalizer.type", "Sequence" },
    { "normalizer.normalizers", "NFC Replace Lowercase" }, { "pre_tokenizer.type", "Sequence" }, { "pre_tokenizer.pretokenizers", "Split ByteLevel" }, { NULL, NULL },
};
static const entry wordpiece[] = {
    { "model.type", "WordPiece" }, { "model.unk_token", "[UNK]" }, { "model.continuing_subword_prefix", "##" }, { "model.max_input_chars_per_word", "100" },
    { "normalizer.type", "BertNormalizer" }, { "normalizer.clean_text", "true" }, { "normalizer.handle_chinese_chars", "true" },
    { "pre_tokenizer.type", "BertPreTokenizer" }, { NULL, NULL },
};

static const json_t *at(const json_t *whole, const char *path)
{
    char name[64];
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        whole = json_object_get(whole, name);
    }
    return json_object_get(whole, path);
}

static void describe(const json_t *value, char *text, size_t size)
{
    text[0] = '\0';
    if (json_is_string(value))
        snprintf(text, size, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_true(value) || json_is_real(value) || json_is_object(value))
        snprintf(text, size, "%s", json_is_true(value) ? "true" : json_is_real(value) ? "a number" : "a table");
    for (size_t i = 0, n = 0; i < json_array_size(value) && n < size; i++) {
        const char *type = json_string_value(json_object_get(json_array_get(value, i), "type"));
        n += (size_t)snprintf(text + n, size - n, "%s%s", i > 0 ? " " : "", type != NULL ? type : "?");
    }
}

static lac_status check_entries(const json_t *whole, const entry *list)
{
    char found[128];
    for (const entry *e = list; e->path != NULL; e++) {
        describe(at(whole, e->path), found, sizeof found);
        if (strcmp(found, e->word) != 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is '%.64s', should be '%s': another kind of tokenizer", e->path, found, e->word);
    }
    return LAC_OK;
}

/* Where it does not say, accents go with capitals. */
static lac_status check_case(const json_t *whole, bool keep_case)
{
    const json_t *accents = at(whole, "normalizer.strip_accents");
    const bool lower = json_is_true(at(whole, "normalizer.lowercase"));
    if (json_is_boolean(accents) && json_is_true(accents) != lower)
        return LAC_FAIL(LAC_ERR_FORMAT, "'normalizer.strip_accents' is not as 'normalizer.lowercase': another kind of tokenizer");
    if (lower == keep_case)
        return LAC_FAIL(LAC_ERR_CONFIG, "'normalizer.lowercase' is %s, do_lower_case %s", lower ? "true" : "false", keep_case ? "false" : "true");
    return LAC_OK;
}

/* ---- its vocabulary ---- */

static lac_status add_token(json_t *vocab, const json_t *added)
{
    const char *token = json_string_value(json_object_get(added, "content"));
    json_t *id = json_object_get(added, "id");
    if (token == NULL || !json_is_integer(id))
        return LAC_FAIL(LAC_ERR_FORMAT, "'added_tokens' has one without content or id");
    if (json_object_get(vocab, token) != NULL)
        return LAC_OK;
    if (!json_is_true(json_object_get(added, "special")))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' is a word that was added to the vocabulary: only special tokens may be", token);
    return json_object_set(vocab, token, id) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: vocabulary");
}

static lac_status vocabulary_of(const json_t *whole, json_t **vocab)
{
    const json_t *added = json_object_get(whole, "added_tokens");
    *vocab = json_object_get(json_object_get(whole, "model"), "vocab");
    if (!json_is_object(*vocab))
        return LAC_FAIL(LAC_ERR_FORMAT, "'model.vocab' is not a table of tokens and ids");
    for (size_t i = 0; i < json_array_size(added); i++)
        LAC_TRY(add_token(*vocab, json_array_get(added, i)));
    return LAC_OK;
}

/* ---- the files ---- */

typedef struct text { char *at; size_t n, room; } text;

/* In place of what it holds, if it fits: the room is made beforehand. */
static void put(text *t, const char *bytes, size_t n)
{
    memcpy(t->at + t->n, bytes, n);
    t->n += n;
}

static lac_status make_room(text *t, size_t room)
{
    *t = (text){ .room = room };
    if (room > LAC_TEXT_FILE_LIMIT)
        return LAC_FAIL(LAC_ERR_FORMAT, "its tokens are more than %d MB", LAC_TEXT_FILE_LIMIT >> 20);
    return lac_malloc((void **)&t->at, room);
}

static lac_status add_file(lac_text_files *files, const char *name, text *t, lac_status s)
{
    if (s == LAC_OK)
        s = lac_text_files_add(files, name, t->at, t->n);
    free(t->at);
    return s;
}

static lac_status add_table(lac_text_files *files, const json_t *vocab)
{
    char *bytes = json_dumps(vocab, JSON_COMPACT);
    const lac_status s = bytes != NULL ? lac_text_files_add(files, "vocab.json", bytes, strlen(bytes)) : LAC_FAIL(LAC_ERR_MEM, "out of memory: vocabulary");
    free(bytes);
    return s;
}

/* "a b", as older files have it, or ["a", "b"]. */
static lac_status merge_at(const json_t *merges, size_t i, const char *part[2])
{
    const json_t *m = json_array_get(merges, i);
    part[0] = json_is_string(m) ? json_string_value(m) : json_string_value(json_array_get(m, 0));
    part[1] = json_is_string(m) ? "" : json_string_value(json_array_get(m, 1));
    const bool pair = part[0] != NULL && part[1] != NULL && (json_is_string(m) || json_array_size(m) == 2);
    if (!pair || strpbrk(part[0], "\r\n") != NULL || strpbrk(part[1], "\r\n") != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'model.merges' has no pair of tokens at place %zu", i + 1);
    return LAC_OK;
}

static lac_status write_merges(text *t, const json_t *merges)
{
    static const char header[] = "#version: 0.2\n";
    const char *part[2];
    size_t room = strlen(header);
    for (size_t i = 0; i < json_array_size(merges); i++) {
        LAC_TRY(merge_at(merges, i, part));
        room += strlen(part[0]) + strlen(part[1]) + 2;
    }
    LAC_TRY(make_room(t, room));
    put(t, header, strlen(header));
    for (size_t i = 0; i < json_array_size(merges); i++) {
        LAC_TRY(merge_at(merges, i, part));
        put(t, part[0], strlen(part[0]));
        put(t, " ", part[1][0] != '\0');
        put(t, part[1], strlen(part[1]));
        put(t, "\n", 1);
    }
    return LAC_OK;
}

static lac_status add_merges(lac_text_files *files, const json_t *whole)
{
    text t = { NULL, 0, 0 };
    const json_t *merges = json_object_get(json_object_get(whole, "model"), "merges");
    if (!json_is_array(merges))
        return LAC_FAIL(LAC_ERR_FORMAT, "'model.merges' is no list");
    return add_file(files, "merges.txt", &t, write_merges(&t, merges));
}

static int by_id(const void *a, const void *b)
{
    const lac_word *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static lac_status list_words(lac_word *word, json_t *vocab, size_t *bytes)
{
    const char *token;
    json_t *id;
    int64_t n = 0, last = 0;
    json_object_foreach(vocab, token, id) {
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) >= LAC_TEXT_FILE_LIMIT)
            return LAC_FAIL(LAC_ERR_FORMAT, "the id of '%.64s' is not a whole number in [0, %d)", token, LAC_TEXT_FILE_LIMIT);
        if (strpbrk(token, "\r\n") != NULL || strlen(token) > LAC_TEXT_FILE_LIMIT)
            return LAC_FAIL(LAC_ERR_FORMAT, "the token of id %" JSON_INTEGER_FORMAT " holds a line's end", json_integer_value(id));
        word[n++] = (lac_word){ token, (int32_t)strlen(token), (int32_t)json_integer_value(id) };
        *bytes += strlen(token);
        last = LAC_MAX(last, json_integer_value(id));
    }
    *bytes += (size_t)last + 1;
    qsort(word, (size_t)n, sizeof *word, by_id);
    return LAC_OK;
}

/* A line for each id; ids that no token has are empty ones. */
static lac_status write_lines(text *t, const lac_word *word, size_t n)
{
    for (size_t i = 0, line = 0; i < n; i++, line++) {
        if (i > 0 && word[i].id == word[i - 1].id)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%.64s' and '%.64s' have the same id %d", word[i - 1].at, word[i].at, word[i].id);
        for (; line < (size_t)word[i].id; line++)
            put(t, "\n", 1);
        put(t, word[i].at, (size_t)word[i].length);
        put(t, "\n", 1);
    }
    return LAC_OK;
}

static lac_status add_lines(lac_text_files *files, json_t *vocab)
{
    text t = { NULL, 0, 0 };
    lac_word *word;
    size_t bytes = 0;
    LAC_TRY(lac_malloc((void **)&word, (json_object_size(vocab) + 1) * sizeof *word));
    lac_status s = list_words(word, vocab, &bytes);
    if (s == LAC_OK)
        s = make_room(&t, bytes);
    if (s == LAC_OK)
        s = write_lines(&t, word, json_object_size(vocab));
    free(word);
    return add_file(files, "vocab.txt", &t, s);
}

static lac_status split(lac_text_files *files, const json_t *whole, bool by_merges, bool keep_case)
{
    json_t *vocab;
    LAC_TRY(check_entries(whole, by_merges ? bpe : wordpiece));
    LAC_TRY(by_merges ? LAC_OK : check_case(whole, keep_case));
    LAC_TRY(vocabulary_of(whole, &vocab));
    if (!by_merges)
        return add_lines(files, vocab);
    LAC_TRY(add_table(files, vocab));
    return add_merges(files, whole);
}

static lac_status parse(const char *bytes, size_t size, json_t **whole)
{
    json_error_t why;
    *whole = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
    if (*whole == NULL && json_error_code(&why) == json_error_out_of_memory)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: a JSON of %zu bytes", size);
    return *whole != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "not JSON: %s, line %d, byte %d", why.text, why.line, why.position);
}

lac_status lac_tokenizer_json_read(lac_text_files *files, const lac_tokenizer_def *def, const char *folder, const lac_tokenizer_options *o)
{
    char *path, *bytes;
    size_t size;
    json_t *whole = NULL;
    LAC_TRY(lac_text_files_new(files, folder));
    LAC_TRY(lac_format(&path, "%s/" LAC_TOKENIZER_JSON, folder));
    lac_status s = lac_file_read(path, LAC_TEXT_FILE_LIMIT, &bytes, &size);
    free(path);
    LAC_TRY(s);
    s = parse(bytes, size, &whole);
    free(bytes);
    if (s == LAC_OK)
        s = split(files, whole, strcmp(def->files[0], "vocab.json") == 0, o != NULL && o->keep_case);
    json_decref(whole);
    return lac_context(s, "'%s/" LAC_TOKENIZER_JSON "'", folder);
}
