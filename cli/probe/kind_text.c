/* Tokenizers: strings in, ids out. */
#include "cli/probe/probe.h"

#include "core/config.h"
#include "core/text/tokenizer.h"

#define LENGTH_KEY { "max_length", LAC_KEY_INT, "77", .min = 2, .max = 1 << 20, .help = "ids per string, start and end included" }

static const lac_key clip_keys[] = {
    LENGTH_KEY, { "pad_token", LAC_KEY_STR, "\"<|endoftext|>\"", .help = "fills what is left; cut out of texts as the special tokens are" }, { NULL },
};
static const lac_key wordpiece_keys[] = {
    LENGTH_KEY, { "do_lower_case", LAC_KEY_BOOL, "true", .help = "accents are stripped and letters lower-cased" }, { NULL },
};

static const lac_port ports[] = {
    { "text", LAC_LAYOUT_PLAIN, 1, LAC_PORT_U8, "[N]" }, { "offsets", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64, "[B+1]" }, { NULL },
};

static lac_status check_offsets(const lac_tensor *text, const lac_tensor *offsets)
{
    const int64_t n = offsets->dim[0], *at = offsets->data;
    if (n < 1 || at[0] != 0 || at[n - 1] != text->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'offsets' must begin with 0 and end with %lld, the length of 'text'", (long long)text->dim[0]);
    for (int64_t i = 1; i < n; i++)
        if (at[i] < at[i - 1])
            return LAC_FAIL(LAC_ERR_SHAPE, "input 'offsets' falls from %lld to %lld at %lld", (long long)at[i - 1], (long long)at[i], (long long)i);
    return LAC_OK;
}

static lac_status encode_all(lac_probe *p, const lac_tokenizer *t)
{
    const lac_tensor *text = lac_probe_host(p, "text"), *offsets = lac_probe_host(p, "offsets");
    const int64_t n = offsets->dim[0] - 1, length = lac_config_int(p->config, "max_length"), *at = offsets->data;
    lac_tensor *ids;
    LAC_TRY(lac_probe_result(p, "input_ids", LAC_I64, 2, (int64_t[]){ n, length }, &ids));
    for (int64_t i = 0; i < n; i++) {
        const lac_status s = lac_tokenizer_encode(t, (const char *)text->data + at[i], (size_t)(at[i + 1] - at[i]), LAC_I64, length,
                                                  (int64_t *)ids->data + i * length, NULL);
        LAC_TRY(lac_context(s, "string %lld", (long long)i));
    }
    return LAC_OK;
}

static lac_status tokenize(lac_probe *p, const lac_tokenizer_options *o)
{
    lac_tokenizer *t;
    LAC_TRY(check_offsets(lac_probe_host(p, "text"), lac_probe_host(p, "offsets")));
    LAC_TRY(lac_tokenizer_open(&t, p->kind->name, p->weights_path, o));
    const lac_status s = encode_all(p, t);
    lac_tokenizer_close(t);
    return s;
}

static lac_status compute_clip_bpe(lac_probe *p)
{
    return tokenize(p, &(lac_tokenizer_options){ .pad_token = lac_config_str(p->config, "pad_token") });
}

static lac_status compute_wordpiece(lac_probe *p)
{
    return tokenize(p, &(lac_tokenizer_options){ .keep_case = !lac_config_bool(p->config, "do_lower_case") });
}

const lac_kind lac_kind_clip_bpe = { "clip-bpe", "CLIP's tokenizer; text: the UTF-8 of all strings", clip_keys, ports, "input_ids",
                                     .folder = "vocab.json, merges.txt; or tokenizer.json", .compute = compute_clip_bpe };
const lac_kind lac_kind_wordpiece = { "wordpiece", "BERT's tokenizer; text: the UTF-8 of all strings", wordpiece_keys, ports, "input_ids",
                                      .folder = "vocab.txt; or tokenizer.json", .compute = compute_wordpiece };
