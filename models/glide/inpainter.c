/* GLIDE's inpainting (models/glide/glide.h), as its released code samples. */
#include "core/memory.h"
#include "models/glide/glide.h"
#include "models/latent/parts.h"
#include "models/latent/subject.h"
#include "models/latent/texts.h"
#include "models/noise.h"
#include "models/unet/read.h"

#include <math.h>
#include <stdlib.h>

/* One of the two networks at work; tensors are on the host. */
typedef struct stage {
    const lac_inpainter *ip;
    const lac_canvas *canvas;
    lac_glide_role role;
    const char *start, *step;               /* purposes of what it draws */
    double noise;                           /* times standard normals it begins with */
    const lac_guidance *guidance;           /* NULL: the prompt alone */
    const lac_tensor *text, *no_text, *low;
    lac_sampler sampler;
    lac_tensor *picture, *hole, *beside, *made;
} stage;

/* ---- what it sees ---- */

static lac_status see(lac_tape *t, void *context)
{
    stage *s = context;
    int64_t factor;
    lac_glide_view v = { lac_canvas_image(t, s->canvas), lac_canvas_mask(t, s->canvas) };
    LAC_TRY(lac_glide_factor(s->ip->config, &factor));
    if (s->role == LAC_GLIDE_BASE)
        v = lac_glide_smaller(t, v, factor);
    lac_tensor *beside = lac_glide_beside(t, v, s->low != NULL ? lac_tape_input(t, s->low, LAC_F32) : NULL, LAC_F32);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_keep(t, v.picture, &s->picture));
    LAC_TRY(lac_keep(t, v.hole, &s->hole));
    return lac_keep(t, beside, &s->beside);
}

/* ---- sampling ---- */

static lac_status draw(void *context, lac_latent_draw what, int64_t i, lac_tensor **x)
{
    const stage *s = context;
    (void)what;                             /* the known part has no noise, and no step goes up again */
    return lac_noise_new(x, s->canvas->ask, 4, s->picture->dim, s->step, (uint32_t)i);
}

static lac_status begin(const stage *s, lac_tensor **z)
{
    LAC_TRY(lac_noise_new(z, s->canvas->ask, 4, s->picture->dim, s->start, 0));
    for (int64_t i = 0; i < lac_numel(*z); i++)
        ((float *)(*z)->data)[i] *= (float)(s->noise * s->sampler.init_sigma);
    return LAC_OK;
}

/* What the attentions make of the prompts does not change from step to step. */
static lac_status read_prompts(const stage *s, lac_tape *t, lac_latent_sampling *run, lac_unet_read **read)
{
    const lac_unet *unet = s->ip->network[s->role].model;
    *read = NULL;
    if (run->text == NULL || unet->config.context == 0)
        return LAC_OK;
    LAC_TRY(lac_unet_read_new(read, unet, run->text->dim[0] * (run->guidance != NULL ? 2 : 1), run->text->dim[1], 0));
    LAC_TRY(lac_latent_read(t, run, *read));
    run->read = *read;
    return LAC_OK;
}

static lac_status sample_stage(stage *s, lac_tape *t)
{
    lac_tensor *z = NULL;
    lac_unet_read *read;
    lac_latent_sampling run = {
        .name = s->start, .network = &s->ip->network[s->role], .denoise = lac_denoise_unet, .sampler = &s->sampler, .guidance = s->guidance, .text = s->text,
        .no_text = s->no_text, .beside = s->beside, .blend = LAC_BLEND_ESTIMATE, .mask = s->hole, .source = s->picture, .clip = 1, .draw = draw, .context = s,
    };
    lac_status status = read_prompts(s, t, &run, &read);
    if (status == LAC_OK)
        status = begin(s, &z);
    if (status == LAC_OK)
        status = lac_latent_sample(t, &run, z, &s->made);
    lac_unet_read_free(read);
    return status;
}

static lac_status run_stage(stage *s, lac_tape *t)
{
    lac_status status = lac_inpaint_region(s->ip, t, s->canvas, s->role == LAC_GLIDE_BASE ? "base" : "upsampler", see, s);
    if (status == LAC_OK)
        status = sample_stage(s, t);
    lac_tensor *const parts[] = { s->picture, s->hole, s->beside };
    for (size_t i = 0; i < LAC_COUNT(parts); i++)
        lac_tensor_free(parts[i]);
    return lac_context(status, s->role == LAC_GLIDE_BASE ? "base" : "upsampler");
}

/* ---- the picture ---- */

/* As a picture of bytes has it. */
static void round_to_bytes(lac_tensor *x)
{
    float *v = x->data;
    for (int64_t i = 0; i < lac_numel(x); i++)
        v[i] = rintf((v[i] + 1) * 127.5f) / 127.5f - 1;
}

static lac_status run_stages(stage *base, stage *upsampler, lac_tape *t)
{
    LAC_TRY(run_stage(base, t));
    round_to_bytes(base->made);
    upsampler->low = base->made;
    return run_stage(upsampler, t);
}

static lac_status paint(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_tensor *text, const lac_tensor *no_text, lac_tensor **result)
{
    const float scale = (float)lac_config_num(ip->config, "guidance_scale");
    const lac_guidance guidance = { &lac_guidance_classic, 2, { 1 - scale, scale }, 0 };
    stage base = { ip, c, LAC_GLIDE_BASE, "glide/base/start", "glide/base/step", 1, no_text != NULL ? &guidance : NULL, text, no_text, .low = NULL };
    stage upsampler = { ip, c, LAC_GLIDE_UPSAMPLER, "glide/upsampler/start", "glide/upsampler/step", lac_config_num(ip->config, "upsampler_noise"), NULL, text, .low = NULL };
    lac_status s = lac_glide_sampler(&base.sampler, ip->config, base.role);
    if (s == LAC_OK)
        s = lac_glide_sampler(&upsampler.sampler, ip->config, upsampler.role);
    if (s == LAC_OK)
        s = run_stages(&base, &upsampler, t);
    lac_sampler_close(&base.sampler);
    lac_sampler_close(&upsampler.sampler);
    lac_tensor_free(base.made);
    *result = upsampler.made;
    return s;
}

/* What the prompts say, a row for each picture: made once however many results are painted. */
typedef struct prompts { lac_tensor *text, *no_text; } prompts;

static void free_prompts(void *made)
{
    prompts *p = made;
    lac_tensor_free(p->text);
    lac_tensor_free(p->no_text);
    free(p);
}

static lac_status prompts_of(prompts **p, const lac_inpainter *ip, lac_tape *t, const lac_canvas *c)
{
    *p = c->memo->made;
    if (*p != NULL)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)p, 1, sizeof **p));
    *c->memo = (lac_canvas_memo){ *p, free_prompts };
    return lac_latent_texts(ip, &ip->network[LAC_GLIDE_TEXT], t, c->pictures, lac_config_num(ip->config, "guidance_scale") != 1, &(*p)->text, &(*p)->no_text);
}

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    lac_tensor *text = NULL, *no_text = NULL;
    prompts *p;
    *result = NULL;
    LAC_TRY(prompts_of(&p, ip, t, c));
    lac_status s = lac_latent_rows(&text, p->text, c);
    if (s == LAC_OK)
        s = lac_latent_rows(&no_text, p->no_text, c);
    if (s == LAC_OK)
        s = paint(ip, t, c, text, no_text, result);
    lac_tensor_free(text);
    lac_tensor_free(no_text);
    return s;
}

static lac_status fits(const json_t *networks)
{
    LAC_TRY(lac_latent_fits_unet(networks, "unet", LAC_GLIDE_BASE_READS, LAC_GLIDE_SAYS));
    return lac_latent_fits_unet(networks, "upsampler", LAC_GLIDE_UPSAMPLER_READS, LAC_GLIDE_SAYS);
}

#define LEARNED "{\"_class_name\": \"DDPMScheduler\", \"variance_type\": \"learned_range\", \"timestep_spacing\": \"linspace\", "

static const lac_key keys[] = {
    { "factor", LAC_KEY_INT, "4", .min = 2, .max = 8, .help = "how much smaller the base's pictures are: 2, 4 or 8" },
    { "scheduler", LAC_KEY_TABLE, LEARNED "\"beta_schedule\": \"squaredcos_cap_v2\"}", .help = "the base's, scheduler_config.json of diffusers (docs/diffusion.md)" },
    { "steps", LAC_KEY_INT, "100", .min = 1, .max = 100000, .help = "steps of the base" },
    { "guidance_scale", LAC_KEY_NUM, "5", .min = 0, .max = 1000, .help = "of the prompt, for the base; 1: without guidance" },
    { "upsampler_scheduler", LAC_KEY_TABLE, LEARNED "\"beta_schedule\": \"linear\", \"beta_start\": 1e-4, \"beta_end\": 0.02}", .help = "the upsampler's" },
    { "upsampler_sections", LAC_KEY_LIST, "[10, 10, 3, 2, 2]", .of = LAC_KEY_INT, .min = 1, .max = 100000, .help = "its timesteps in equal parts, from the lowest, and how many steps each has" },
    { "upsampler_first", LAC_KEY_INT | LAC_KEY_NULL, "997", .min = 0, .max = 999999, .help = "its first timestep; null: the highest" },
    { "upsampler_noise", LAC_KEY_NUM, "0.997", .min = 0, .max = 10, .help = "deviation of the noise that it begins with" },
    { NULL },
};

const lac_inpainter_def lac_inpainter_glide = {
    .name = "glide", .about = "GLIDE's inpainting in pixels: a small picture is painted, then made large",
    .role = { { "unet", "unet2d-condition|unet-ldm" }, { "upsampler", "unet2d-condition|unet-ldm" }, { "text_encoder", "clip-text|bert-encoder", .optional = true } },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
};
