#include "models/clip/config.h"

#include <string.h>

/* What transformers writes into every config, and nothing here depends on. */
#define GENERIC(key) LAC_KEY_INERT(key, NULL)
#define GENERIC_KEYS                                                                                                                                   \
    GENERIC("architectures"), GENERIC("model_type"), GENERIC("torch_dtype"), GENERIC("dtype"), GENERIC("transformers_version"), GENERIC("return_dict"),  \
    GENERIC("output_hidden_states"), GENERIC("output_attentions"), GENERIC("chunk_size_feed_forward"), GENERIC("is_encoder_decoder"), GENERIC("id2label"), \
    GENERIC("label2id"), GENERIC("problem_type"), GENERIC("attn_implementation"), GENERIC("initializer_range"), GENERIC("initializer_factor"),            \
    GENERIC("attention_dropout"), GENERIC("dropout"), GENERIC("add_cross_attention"), GENERIC("bad_words_ids"), GENERIC("begin_suppress_tokens"),        \
    GENERIC("cross_attention_hidden_size"), GENERIC("decoder_start_token_id"), GENERIC("diversity_penalty"), GENERIC("do_sample"),                        \
    GENERIC("early_stopping"), GENERIC("encoder_no_repeat_ngram_size"), GENERIC("exponential_decay_length_penalty"), GENERIC("finetuning_task"),          \
    GENERIC("forced_bos_token_id"), GENERIC("forced_eos_token_id"), GENERIC("is_decoder"), GENERIC("length_penalty"), GENERIC("max_length"),              \
    GENERIC("min_length"), GENERIC("no_repeat_ngram_size"), GENERIC("num_beam_groups"), GENERIC("num_beams"), GENERIC("num_return_sequences"),            \
    GENERIC("output_scores"), GENERIC("prefix"), GENERIC("pruned_heads"), GENERIC("remove_invalid_values"), GENERIC("repetition_penalty"),                \
    GENERIC("return_dict_in_generate"), GENERIC("sep_token_id"), GENERIC("suppress_tokens"), GENERIC("task_specific_params"), GENERIC("temperature"),     \
    GENERIC("tf_legacy_loss"), GENERIC("tie_encoder_decoder"), GENERIC("tie_word_embeddings"), GENERIC("tokenizer_class"), GENERIC("top_k"),             \
    GENERIC("top_p"), GENERIC("torchscript"), GENERIC("typical_p"), GENERIC("use_bfloat16")

#define SIZE(key, value, text) { key, LAC_KEY_INT, value, .min = 1, .max = 1 << 24, .help = text }
#define TOWER_KEYS(width, mlp, heads)                                                                                                                  \
    SIZE("hidden_size", width, "width"), SIZE("intermediate_size", mlp, "width of the hidden layer"), SIZE("num_hidden_layers", "12", "layers"),          \
    SIZE("num_attention_heads", heads, "heads"),                                                                                                        \
    { "hidden_act", LAC_KEY_STR, "\"quick_gelu\"", .choices = "quick_gelu|gelu", .help = "after the hidden layer's first half; gelu by erf" },           \
    { "layer_norm_eps", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "1e-5", .min = 0, .max = 1, .help = "within the root" },                                          \
    { "recompute", LAC_KEY_BOOL, "false", .help = "ours: layers run again in backward instead of keeping what it reads" }, GENERIC_KEYS

const lac_key lac_clip_text_keys[] = {
    SIZE("vocab_size", "49408", "ids"), SIZE("max_position_embeddings", "77", "tokens at most"),
    { "eos_token_id", LAC_KEY_INT, "49407", .min = 0, .max = 1 << 24, .help = "the pooled token; 2: the largest id, as the first files meant it" },
    GENERIC("bos_token_id"), GENERIC("pad_token_id"), GENERIC("projection_dim"), TOWER_KEYS("512", "2048", "8"), { NULL },
};

const lac_key lac_clip_vision_keys[] = {
    SIZE("projection_dim", "512", "width of the embedding"), SIZE("num_channels", "3", "of the picture"), SIZE("image_size", "224", "height and width of the picture"),
    SIZE("patch_size", "32", "height and width of a patch"), GENERIC("bos_token_id"), GENERIC("eos_token_id"), GENERIC("pad_token_id"), TOWER_KEYS("768", "3072", "12"), { NULL },
};

const lac_key lac_clip_model_keys[] = {
    { "text_config", LAC_KEY_TABLE, "{}", .sub = lac_clip_text_keys, .help = "of clip-text" },
    { "vision_config", LAC_KEY_TABLE, "{}", .sub = lac_clip_vision_keys, .help = "of clip-vision" },
    SIZE("projection_dim", "512", "width of both embeddings"),
    GENERIC("logit_scale_init_value"), GENERIC("text_config_dict"), GENERIC("vision_config_dict"), GENERIC("bos_token_id"), GENERIC("eos_token_id"), GENERIC("pad_token_id"),
    GENERIC_KEYS, { NULL },
};

static lac_status configure(lac_encoder_attr *a, const json_t *config)
{
    a->layers = lac_config_int(config, "num_hidden_layers");
    a->width = a->inner = lac_config_int(config, "hidden_size");
    a->heads = lac_config_int(config, "num_attention_heads");
    a->mlp = lac_config_int(config, "intermediate_size");
    a->eps = (float)lac_config_num(config, "layer_norm_eps");
    a->act = strcmp(lac_config_str(config, "hidden_act"), "gelu") == 0 ? LAC_ACT_GELU : LAC_ACT_QUICK_GELU;
    a->recompute = lac_config_bool(config, "recompute");
    return a->width % a->heads == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'num_attention_heads' is %lld, which does not divide a 'hidden_size' of %lld",
                                                        (long long)a->heads, (long long)a->width);
}

lac_status lac_clip_text_configure(lac_clip_text_config *c, const json_t *config)
{
    *c = (lac_clip_text_config){ .encoder.causal = true };
    c->vocabulary = lac_config_int(config, "vocab_size");
    c->positions = lac_config_int(config, "max_position_embeddings");
    c->eos = lac_config_int(config, "eos_token_id");
    return configure(&c->encoder, config);
}

lac_status lac_clip_vision_configure(lac_clip_vision_config *c, const json_t *config)
{
    *c = (lac_clip_vision_config){ .channels = lac_config_int(config, "num_channels") };
    c->image = lac_config_int(config, "image_size");
    c->patch = lac_config_int(config, "patch_size");
    c->projection = lac_config_int(config, "projection_dim");
    if (c->patch > c->image)
        return LAC_FAIL(LAC_ERR_CONFIG, "'patch_size' is %lld, the 'image_size' %lld", (long long)c->patch, (long long)c->image);
    return configure(&c->encoder, config);
}
