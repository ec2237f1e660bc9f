#include "models/diffusion/guidance.h"

#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/match_std/match_std.h"
#include "core/named.h"

static lac_named guidances = { "mode", LAC_ERR_CONFIG, {
#define LAC_GUIDANCE(identifier) &lac_guidance_##identifier,
#include "models/diffusion/guidances.def"
#undef LAC_GUIDANCE
} };

static void classic(double scale, double image_scale, double *w)
{
    (void)image_scale;
    w[0] = 1 - scale;
    w[1] = scale;
}

static void ip2p(double scale, double image_scale, double *w)
{
    w[0] = 1 - image_scale;
    w[1] = image_scale - scale;
    w[2] = scale;
}

static void instructdiffusion(double scale, double image_scale, double *w)
{
    w[0] = scale + image_scale;
    w[1] = 0.5 - scale;
    w[2] = 0.5 - image_scale;
}

const lac_guidance_def lac_guidance_classic = { "classic", "classifier-free guidance", { "uncond", "cond" }, 1, 7.5, 0, classic };
const lac_guidance_def lac_guidance_ip2p = { "ip2p", "InstructPix2Pix", { "uncond", "image", "full" }, 2, 7.5, 1.5, ip2p };
const lac_guidance_def lac_guidance_instructdiffusion = { "instructdiffusion", "InstructDiffusion", { "full", "image", "text" }, 0, 5, 1.25, instructdiffusion };

const lac_key lac_guidance_keys[] = {
    { "mode", LAC_KEY_STR, "\"classic\"", .choices = "classic|ip2p|instructdiffusion", .help = "which formula" },
    { "guidance_scale", LAC_KEY_NUM, "", .help = "how far towards the prompt: 7.5, instructdiffusion 5" },
    { "image_guidance_scale", LAC_KEY_NUM, "", .help = "how far towards the picture: ip2p 1.5, instructdiffusion 1.25" },
    { "guidance_rescale", LAC_KEY_NUM, "0.0", .help = "phi, how far back to the deviation of what all conditions give" },
    { NULL },
};

static double given(const json_t *config, const char *key, double otherwise) { return lac_config_has(config, key) ? lac_config_num(config, key) : otherwise; }

lac_status lac_guidance_open(lac_guidance *g, const json_t *config)
{
    double w[LAC_GUIDANCE_BRANCHES];
    *g = (lac_guidance){ .rescale = (float)lac_config_num(config, "guidance_rescale") };
    LAC_TRY(LAC_NAMED_FIND(&guidances, lac_config_str(config, "mode"), &g->def));
    g->def->weights(given(config, "guidance_scale", g->def->scale), given(config, "image_guidance_scale", g->def->image_scale), w);
    for (; g->n < LAC_GUIDANCE_BRANCHES && g->def->branch[g->n] != NULL; g->n++)
        g->weight[g->n] = (float)w[g->n];
    return LAC_OK;
}

lac_tensor *lac_guide(lac_tape *t, const lac_guidance *g, lac_tensor *const *branch)
{
    lac_tensor weights = { .data = (void *)g->weight };
    lac_tensor_shape(&weights, LAC_F32, 1, (int64_t[]){ g->n });
    lac_tensor *e = lac_lincomb(t, lac_tape_input(t, &weights, LAC_F32), branch, g->n, LAC_F32);
    return g->rescale != 0 ? lac_match_std(t, e, branch[g->def->whole], g->rescale) : e;
}
