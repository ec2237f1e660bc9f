#include "models/prompts.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "models/network_folder.h"

#include <stdlib.h>
#include <string.h>

const lac_key lac_prompts_keys[] = {
    { "tokenizer", LAC_KEY_STR, "\"clip-bpe\"", .choices = "clip-bpe|wordpiece", .help = "which tokenizer" },
    { "max_length", LAC_KEY_INT, "77", .min = 2, .max = 1 << 16, .help = "ids a prompt, start and end included" },
    { "pad_token", LAC_KEY_STR, "\"<|endoftext|>\"", .help = "of clip-bpe: fills what is left" },
    { "do_lower_case", LAC_KEY_BOOL, "true", .help = "of wordpiece: accents are stripped and letters lower-cased" },
    { "template", LAC_KEY_STR, "\"{}\"", .help = "what is made of a text before it is read, {} being the text: \"a photo of {}\"; the empty text stays empty" },
    { NULL },
};

static lac_tokenizer_options options_of(const json_t *config)
{
    return (lac_tokenizer_options){ lac_config_str(config, "pad_token"), !lac_config_bool(config, "do_lower_case") };
}

static lac_status resolve(const json_t *config, json_t **resolved)
{
    return lac_context(lac_config_resolve(resolved, lac_prompts_keys, config, NULL, NULL), "tokenizer");
}

lac_status lac_prompts_files(lac_text_files *files, const char *folder, const json_t *config)
{
    json_t *resolved;
    LAC_TRY(resolve(config, &resolved));
    const lac_tokenizer_options o = options_of(resolved);
    const lac_status s = lac_tokenizer_files(files, lac_config_str(resolved, "tokenizer"), folder, &o);
    json_decref(resolved);
    return s;
}

static lac_status check_template(const char *template)
{
    const char *at = strstr(template, "{}");
    return at != NULL && strstr(at + 2, "{}") == NULL ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "tokenizer: 'template' wants {} once, where the text goes; found '%s'", template);
}

static lac_status open(lac_prompts *p, const json_t *config)
{
    LAC_TRY(resolve(config, &p->config));
    LAC_TRY(check_template(lac_config_str(p->config, "template")));
    const lac_tokenizer_options o = options_of(p->config);
    return lac_tokenizer_open_files(&p->tokenizer, lac_config_str(p->config, "tokenizer"), &p->files, &o);
}

lac_status lac_prompts_open_none(lac_prompts *p, const json_t *config)
{
    *p = (lac_prompts){ 0 };
    return resolve(config, &p->config);
}

lac_status lac_prompts_open_files(lac_prompts *p, lac_text_files *files, const json_t *config)
{
    *p = (lac_prompts){ .files = *files };
    *files = (lac_text_files){ 0 };
    const lac_status s = open(p, config);
    if (s != LAC_OK)
        lac_prompts_close(p);
    return s;
}

lac_status lac_prompts_open(lac_prompts *p, const char *folder, const json_t *config)
{
    *p = (lac_prompts){ 0 };
    lac_status s = lac_prompts_files(&p->files, folder, config);
    if (s == LAC_OK)
        s = open(p, config);
    if (s != LAC_OK)
        lac_prompts_close(p);
    return s;
}

lac_status lac_prompts_copy(lac_prompts *p, const lac_prompts *from)
{
    lac_text_files files;
    *p = (lac_prompts){ 0 };
    if (from->tokenizer == NULL)
        return LAC_OK;
    lac_status s = lac_text_files_new(&files, from->files.where);
    for (int i = 0; s == LAC_OK && i < from->files.n; i++)
        s = lac_text_files_add(&files, from->files.file[i].name, from->files.file[i].bytes, from->files.file[i].size);
    if (s == LAC_OK)
        return lac_prompts_open_files(p, &files, from->config);
    lac_text_files_free(&files);
    return s;
}

void lac_prompts_close(lac_prompts *p)
{
    lac_tokenizer_close(p->tokenizer);
    lac_text_files_free(&p->files);
    json_decref(p->config);
    *p = (lac_prompts){ 0 };
}

/* A token is its text, or a table with it. */
static const char *token(const json_t *t) { return json_is_string(t) ? json_string_value(t) : json_string_value(json_object_get(t, "content")); }

lac_status lac_prompts_adopt(const json_t *published, json_t **config)
{
    const char *class = json_string_value(json_object_get(published, "tokenizer_class")), *pad = token(json_object_get(published, "pad_token"));
    const json_t *length = json_object_get(published, "model_max_length"), *lower = json_object_get(published, "do_lower_case");
    const bool bert = class != NULL && strncmp(class, "Bert", 4) == 0;
    if (class != NULL && !bert && strncmp(class, "CLIP", 4) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "'tokenizer_class' is %s, should be CLIPTokenizer or BertTokenizer", class);
    *config = json_pack("{s:s}", "tokenizer", bert ? "wordpiece" : "clip-bpe");
    if (*config == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: tokenizer");
    if (json_is_integer(length) && json_integer_value(length) <= 1 << 16)       /* a huge number stands for none */
        json_object_set_new(*config, "max_length", json_integer(json_integer_value(length)));
    if (!bert && pad != NULL)
        json_object_set_new(*config, "pad_token", json_string(pad));
    if (bert && json_is_boolean(lower))
        json_object_set_new(*config, "do_lower_case", json_boolean(json_is_true(lower)));
    return LAC_OK;
}

/* ---- writing ---- */

static bool is_bert(const lac_prompts *p) { return strcmp(lac_config_str(p->config, "tokenizer"), "wordpiece") == 0; }

const char *lac_prompts_class(const lac_prompts *p) { return is_bert(p) ? "BertTokenizer" : "CLIPTokenizer"; }

static json_t *special_tokens(const lac_prompts *p)
{
    if (is_bert(p))
        return json_pack("{s:s, s:s, s:s, s:s, s:s}", "cls_token", "[CLS]", "sep_token", "[SEP]", "pad_token", "[PAD]", "unk_token", "[UNK]", "mask_token", "[MASK]");
    return json_pack("{s:s, s:s, s:s, s:s}", "bos_token", "<|startoftext|>", "eos_token", "<|endoftext|>", "unk_token", "<|endoftext|>", "pad_token",
                     lac_config_str(p->config, "pad_token"));
}

static lac_status write_configs(const lac_prompts *p, const char *folder)
{
    json_t *tokens = special_tokens(p), *config = json_pack("{s:s, s:I, s:b}", "tokenizer_class", lac_prompts_class(p), "model_max_length",
                                                            (json_int_t)lac_prompts_length(p), "do_lower_case", !is_bert(p) || lac_config_bool(p->config, "do_lower_case"));
    lac_status s = tokens != NULL && config != NULL && json_object_update(config, tokens) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: tokenizer");
    if (s == LAC_OK)
        s = lac_config_write(folder, "special_tokens_map.json", tokens);
    if (s == LAC_OK)
        s = lac_config_write(folder, "tokenizer_config.json", config);
    json_decref(tokens);
    json_decref(config);
    return s;
}

static lac_status write_file(const lac_text_file *f, const char *folder)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s/%s", folder, f->name));
    const lac_status s = lac_file_write(path, f->bytes, f->size);
    free(path);
    return s;
}

lac_status lac_prompts_save_folder(const lac_prompts *p, const char *folder)
{
    LAC_TRY(lac_make_folders(folder));
    for (int i = 0; i < p->files.n; i++)
        LAC_TRY(write_file(&p->files.file[i], folder));
    return write_configs(p, folder);
}

/* ---- ids ---- */

int64_t lac_prompts_length(const lac_prompts *p) { return lac_config_int(p->config, "max_length"); }

lac_status lac_prompts_fit(const lac_prompts *p, const lac_network *encoder)
{
    int64_t vocabulary, length;
    if (p->tokenizer == NULL)
        return LAC_OK;
    encoder->def->reads(encoder->model, &vocabulary, &length);
    const int64_t ids = lac_tokenizer_special(p->tokenizer).size;
    if (ids > vocabulary)
        return LAC_FAIL(LAC_ERR_CONFIG, "the tokenizer has %lld ids, the text encoder '%s' only %lld", (long long)ids, encoder->def->name, (long long)vocabulary);
    if (lac_prompts_length(p) > length)
        return LAC_FAIL(LAC_ERR_CONFIG, "prompts have %lld ids, the text encoder '%s' reads at most %lld", (long long)lac_prompts_length(p), encoder->def->name,
                        (long long)length);
    return LAC_OK;
}

static lac_status in_template(const lac_prompts *p, const char *text, char **whole)
{
    const char *template = lac_config_str(p->config, "template"), *at = strstr(template, "{}");
    return text[0] == '\0' ? lac_strdup(whole, "") : lac_format(whole, "%.*s%s%s", (int)(at - template), template, text, at + 2);
}

lac_status lac_prompts_ids(const lac_prompts *p, const char *text, int32_t *ids, int64_t *lost)
{
    char *words;
    int64_t n = 0;
    LAC_TRY(in_template(p, text != NULL ? text : "", &words));
    const lac_status s = lac_context(lac_tokenizer_encode(p->tokenizer, words, strlen(words), LAC_I32, lac_prompts_length(p), ids, &n), "prompt");
    free(words);
    LAC_TRY(s);
    if (lost != NULL)
        *lost = LAC_MAX(n - lac_prompts_length(p), 0);
    return LAC_OK;
}
