#include "tests/harness/latent.h"

#include "autograd/ops/backend_cpu.h"
#include "tests/harness/test.h"

#include <stdio.h>

static const char networks[] =
    "{ 'vae': { 'config': { 'block_out_channels': [4, 4], 'norm_num_groups': 2, 'down_block_types': ['DownEncoderBlock2D', 'DownEncoderBlock2D'],"
    "                       'up_block_types': ['UpDecoderBlock2D', 'UpDecoderBlock2D'] } },"
    "  'unet': { 'config': { 'in_channels': %d, 'out_channels': 4, 'block_out_channels': [4, 8], 'norm_num_groups': 2, 'layers_per_block': 1,"
    "                        'cross_attention_dim': 8, 'attention_head_dim': 2, 'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D'],"
    "                        'up_block_types': ['CrossAttnUpBlock2D', 'UpBlock2D'] } },"
    "  'text_encoder': { 'network': '%s', 'config': %s } }";

static const char clip[] = "{ 'vocab_size': 1527, 'hidden_size': 8, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2,"
                           "  'max_position_embeddings': 77, 'eos_token_id': 1526 }";
static const char bert[] = "{ 'n_embed': 8, 'n_layer': 1, 'heads': 2, 'dim_head': 4, 'vocab_size': 372 }";

static json_t *parsed(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(text, 0, NULL);
    LAC_CHECK(value != NULL);
    return value;
}

static void open_prompts(lac_prompts *p, bool wordpiece)
{
    char stamps[4096];
    json_t *config = wordpiece ? json_pack("{s:s}", "tokenizer", "wordpiece") : json_object();
    snprintf(stamps, sizeof stamps, "%s/data/stamps/tokenizer", lac_test_source());
    LAC_CHECK_STATUS(lac_prompts_open(p, wordpiece ? lac_test_golden("text/bert") : stamps, config));
    json_decref(config);
}

void lac_test_latent_draw(lac_inpainter *ip)
{
    for (int i = 0; i < LAC_INPAINTER_ROLES; i++) {
        lac_params *ps = ip->network[i].params;
        for (int64_t k = 0; ps != NULL && k < ps->n; k++)
            if (ps->param[k]->init == LAC_INIT_ZERO && ps->param[k]->value->ndim > 1)
                ps->param[k]->init = LAC_INIT_XAVIER;
        if (ps != NULL)
            LAC_CHECK_STATUS(lac_params_init(ps, (uint64_t)i + 3));
    }
}

void lac_test_latent(lac_inpainter *ip, const lac_inpainter_def *def, const char *encoder, const char *config)
{
    const lac_backend *cpu;
    const bool wordpiece = strcmp(encoder, "bert-encoder") == 0;
    char text[2048], settings[256];
    snprintf(text, sizeof text, networks, strcmp(def->name, "sd-inpaint") == 0 ? 9 : 4, encoder, wordpiece ? bert : clip);
    snprintf(settings, sizeof settings, "%s", config);
    json_t *n = parsed(text), *c = parsed(settings);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(ip, def, n, c, cpu, LAC_F32));
    lac_test_latent_draw(ip);
    open_prompts(&ip->prompts, wordpiece);
    json_decref(n);
    json_decref(c);
}
