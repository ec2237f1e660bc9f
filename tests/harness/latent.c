#include "tests/harness/latent.h"

#include "autograd/ops/backend_cpu.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>

static const char networks[] =
    "{ 'vae': { 'config': { " LAC_TEST_LATENT_VAE " } },"
    "  'unet': { 'config': { 'in_channels': %d, 'out_channels': %d, %s" LAC_TEST_LATENT_UNET " } },"
    "  'text_encoder': { 'network': '%s', 'config': %s }%s }";

static const char fusion[] = "'fusion_dim': 12, ", levels[] = "'num_class_embeds': 4, ";
static const char seeing[] = ", " LAC_TEST_LATENT_SEEING("12");

static const char clip[] = "{ 'max_position_embeddings': 77, " LAC_TEST_LATENT_TEXT " }";
static const char bert[] = "{ 'n_embed': 8, 'n_layer': 1, 'heads': 2, 'dim_head': 4, 'vocab_size': 372 }";

static void open_prompts(lac_prompts *p, bool wordpiece)
{
    char stamps[4096];
    json_t *config = wordpiece ? json_pack("{s:s}", "tokenizer", "wordpiece") : json_object();
    snprintf(stamps, sizeof stamps, "%s/data/stamps/tokenizer", lac_test_source());
    LAC_CHECK_STATUS(lac_prompts_open(p, wordpiece ? lac_test_golden("text/bert") : stamps, config));
    json_decref(config);
}

double lac_test_latent_snr(int64_t timestep)
{
    double alpha_bar = 1;
    for (int64_t i = 0; i <= timestep; i++)
        alpha_bar *= 1 - pow(sqrt(0.00085) + (double)i / 999 * (sqrt(0.012) - sqrt(0.00085)), 2);
    return alpha_bar / (1 - alpha_bar);
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
    const bool wordpiece = strcmp(encoder, "bert-encoder") == 0, sees = strncmp(def->name, "catdiff", 7) == 0;
    char text[4096], settings[256];
    const bool nine = sees || strcmp(def->name, "sd-inpaint") == 0 || strcmp(def->name, "glide-latent") == 0, precise = strcmp(def->name, "smartbrush") == 0;
    snprintf(text, sizeof text, networks, nine ? 9 : 4 + precise, 4 + precise, sees ? fusion : precise ? levels : "", encoder, wordpiece ? bert : clip, sees ? seeing : "");
    snprintf(settings, sizeof settings, "%s", config);
    json_t *n = lac_test_json(text), *c = lac_test_json(settings);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(ip, def, n, c, cpu, LAC_F32));
    lac_test_latent_draw(ip);
    open_prompts(&ip->prompts, wordpiece);
    json_decref(n);
    json_decref(c);
}
