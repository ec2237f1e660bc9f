#include "models/latent/system.h"

#include "core/memory.h"
#include "models/autoencoder/tiles.h"
#include "models/latent/parts.h"
#include "models/latent/subject.h"
#include "models/noise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNET = LAC_LATENT_UNET, VAE = LAC_LATENT_VAE };

/* One call: n results. Tensors are on the host; those of the subject stand for each result in rows of their own. */
typedef struct painting {
    const lac_inpainter *ip;
    const lac_canvas *canvas;
    const lac_latent_system *system;
    const lac_autoencoder *vae;
    lac_latent_subject *subject;
    lac_sampler sampler;
    lac_guidance guidance;
    bool guided;
    int64_t dim[4];                         /* of the latent */
    int64_t tiles;                          /* pixels a side that the autoencoder sees at once; 0: all */
    lac_tensor *cells, *text, *no_text, *visual, *no_visual, *label, *beside, *source, *latent, *made;
} painting;

static double number(const painting *p, const char *key) { return lac_config_num(p->ip->config, key); }

/* ---- sampler and guidance ---- */

static const struct { const char *word, *class; } samplers[] = {
    { "ddpm", "DDPMScheduler" }, { "ddim", "DDIMScheduler" }, { "pndm", "PNDMScheduler" }, { "dpm", "DPMSolverMultistepScheduler" },
    { "unipc", "UniPCMultistepScheduler" }, { "euler", "EulerDiscreteScheduler" }, { "euler-ancestral", "EulerAncestralDiscreteScheduler" },
};

lac_status lac_latent_scheduler(const json_t *config, json_t **published)
{
    *published = json_copy((json_t *)lac_config_at(config, "scheduler"));
    bool failed = *published == NULL;
    for (size_t i = 0; !failed && i < LAC_COUNT(samplers); i++)
        if (strcmp(samplers[i].word, lac_config_str(config, "sampler")) == 0)
            failed = json_object_set_new(*published, "_class_name", json_string(samplers[i].class)) != 0;
    if (!failed)
        return LAC_OK;
    json_decref(*published);
    *published = NULL;
    return LAC_FAIL(LAC_ERR_MEM, "out of memory: scheduler");
}

static bool put_steps(const painting *p, json_t *scheduler)
{
    bool failed = json_object_set_new(scheduler, "num_inference_steps", json_integer(lac_config_int(p->ip->config, "steps"))) != 0;
    if (number(p, "eta") > 0)
        failed |= json_object_set_new(scheduler, "eta", json_real(number(p, "eta"))) != 0;
    return !failed;
}

/* How many steps are left out at the start. */
static lac_status first_step(const painting *p, int64_t *first)
{
    const int64_t steps = lac_config_int(p->ip->config, "steps");
    const double strength = number(p, "strength");
    const int64_t taken = strength < 1 ? (int64_t)((double)steps * strength) : steps - (int64_t)(number(p, "skip") * (double)steps);
    if (taken < 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "'strength' %g of %lld steps leaves none", strength, (long long)steps);
    if (p->system->repaints && lac_sampler_remembers(&p->sampler))
        return LAC_FAIL(LAC_ERR_CONFIG, "%s goes back to steps before, which the sampler '%s' cannot: take ddpm or ddim", p->ip->def->name, p->sampler.def->name);
    if (taken < steps && p->system->repaints)
        return LAC_FAIL(LAC_ERR_CONFIG, "'strength' must be 1 for %s, which takes all steps", p->ip->def->name);
    *first = steps - taken;
    return LAC_OK;
}

static lac_status open_sampler(painting *p)
{
    json_t *scheduler = NULL;
    int64_t first = 0;
    lac_status s = lac_latent_scheduler(p->ip->config, &scheduler);
    if (s == LAC_OK)
        s = put_steps(p, scheduler) ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: scheduler");
    if (s == LAC_OK)
        s = lac_context(lac_sampler_open(&p->sampler, scheduler), "scheduler");
    json_decref(scheduler);
    LAC_TRY(s);
    LAC_TRY(first_step(p, &first));
    lac_sampler_skip(&p->sampler, first);
    return LAC_OK;
}

static lac_status open_guidance(painting *p)
{
    json_t *given = json_pack("{s:f}", "guidance_scale", number(p, "guidance_scale")), *config = NULL;
    lac_status s = given != NULL ? lac_config_resolve(&config, lac_guidance_keys, given, NULL, NULL) : LAC_FAIL(LAC_ERR_MEM, "out of memory: guidance");
    if (s == LAC_OK)
        s = lac_guidance_open(&p->guidance, config);
    p->guided = p->ip->network[LAC_LATENT_TEXT].def != NULL && number(p, "guidance_scale") != 1;
    json_decref(config);
    json_decref(given);
    return s;
}

/* ---- condition ---- */

typedef struct encoding {
    const painting *p;
    lac_tensor *moments, *drawn, *cells, *z;        /* drawn NULL: the mean; cells NULL: the latent alone */
} encoding;

static lac_status encode(lac_tape *t, void *context)
{
    encoding *e = context;
    const lac_autoencoder *vae = e->p->vae;
    lac_tensor *noise = e->drawn != NULL ? lac_tape_input(t, e->drawn, LAC_F32) : NULL;
    lac_tensor *z = lac_autoencoder_latent(t, vae, lac_tape_input(t, e->moments, vae->ps->dtype), noise);
    if (e->cells != NULL)
        z = lac_latent_beside(t, lac_tape_input(t, e->cells, LAC_F32), z, e->p->system->beside);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, z, &e->z);
}

/* The latent of what the moments are of, drawn where the config says so; with the mask beside it where it is what the network reads. */
static lac_status make_latent(painting *p, lac_tape *t, const lac_tensor *moments, lac_tensor *cells, lac_tensor **to)
{
    const bool draws = strcmp(lac_config_str(p->ip->config, "encode"), "sample") == 0 && p->vae->codebook == NULL;
    encoding e = { .p = p, .cells = cells };
    char what[32];
    lac_status s = lac_latent_rows(&e.moments, moments, p->canvas);
    if (s == LAC_OK && draws)
        s = lac_noise_new(&e.drawn, p->canvas->ask, 4, p->dim, "latent/encode", cells != NULL ? 0 : 1);
    snprintf(what, sizeof what, "%s%s", cells != NULL ? "beside" : "encode", draws ? ", drawn" : "");
    if (s == LAC_OK)
        s = lac_inpaint_region(p->ip, t, p->canvas, what, encode, &e);
    lac_tensor_free(e.moments);
    lac_tensor_free(e.drawn);
    *to = e.z;
    return s == LAC_OK ? lac_latent_finite(*to, "what the encoder makes of the picture") : s;
}

/* How exact the hole is, of both branches. */
static lac_status make_label(painting *p)
{
    if (!p->system->precise)
        return LAC_OK;
    const int64_t n = p->dim[0] * (p->guided ? 2 : 1);
    LAC_TRY(lac_tensor_new(&p->label, LAC_I32, 1, &n));
    for (int64_t i = 0; i < n; i++)
        ((int32_t *)p->label->data)[i] = (int32_t)lac_config_int(p->ip->config, "precision");
    return LAC_OK;
}

static lac_status make_condition(painting *p, lac_tape *t)
{
    const lac_latent_subject *of = p->subject;
    LAC_TRY(lac_latent_rows(&p->cells, of->cells, p->canvas));
    LAC_TRY(lac_latent_rows(&p->text, of->text, p->canvas));
    LAC_TRY(lac_latent_rows(&p->no_text, of->no_text, p->canvas));
    LAC_TRY(lac_latent_rows(&p->visual, of->visual, p->canvas));
    LAC_TRY(p->visual != NULL && p->guided ? lac_tensor_new(&p->no_visual, LAC_F32, p->visual->ndim, p->visual->dim) : LAC_OK);
    LAC_TRY(of->source != NULL ? make_latent(p, t, of->source, NULL, &p->source) : LAC_OK);
    LAC_TRY(make_label(p));
    if (p->system->beside == LAC_BESIDE_MASK)
        return lac_latent_rows(&p->beside, of->cells, p->canvas);
    return of->filled != NULL ? make_latent(p, t, of->filled, p->cells, &p->beside) : LAC_OK;
}

/* ---- sampling ---- */

static lac_status draw(void *context, lac_latent_draw what, int64_t i, lac_tensor **x)
{
    static const char *const purpose[] = { [LAC_DRAW_STEP] = "latent/step", [LAC_DRAW_KNOWN] = "latent/known", [LAC_DRAW_JUMP] = "latent/jump" };
    const painting *p = context;
    return lac_noise_new(x, p->canvas->ask, 4, p->dim, purpose[what], (uint32_t)i);
}

/* Noise alone, or the picture's own latent with as much noise as the first step wants. */
static lac_status start(const painting *p, const lac_tensor *noise, lac_tensor **z)
{
    const lac_mixture m = lac_sampler_level(&p->sampler, 0);
    const bool mixed = number(p, "strength") < 1;
    const float *from = noise->data, *source = mixed ? p->source->data : NULL;
    LAC_TRY(lac_tensor_new(z, LAC_F32, 4, p->dim));
    float *to = (*z)->data;
    for (int64_t i = 0; i < lac_numel(noise); i++)
        to[i] = mixed ? (float)m.picture * source[i] + (float)m.noise * from[i] : (float)p->sampler.init_sigma * from[i];
    return LAC_OK;
}

static lac_said_mask said_mask(const painting *p)
{
    return p->system->precise ? (lac_said_mask)lac_config_choice(p->ip->config, "predicted_mask", LAC_SAID_MASKS) : LAC_SAID_MASK_OFF;
}

/* Text and visual prompt do not change from step to step: what the attentions make of them is made before the first. */
static lac_status read_prompts(painting *p, lac_tape *t, lac_latent_sampling *run)
{
    const lac_unet *unet = p->ip->network[UNET].model;
    if (run->text == NULL || unet->config.context == 0)
        return LAC_OK;
    const int64_t n = p->dim[0] * (p->guided ? 2 : 1);
    bool filled;
    LAC_TRY(lac_latent_subject_read(p->subject, p->canvas, unet, n, run->text->dim[1], run->visual != NULL ? run->visual->dim[1] : 0, &filled));
    LAC_TRY(filled ? LAC_OK : lac_latent_read(t, run, p->subject->read));
    run->read = p->subject->read;
    return LAC_OK;
}

static lac_status sample(painting *p, lac_tape *t)
{
    const lac_repaint jumps = { p->sampler.steps, lac_config_int(p->ip->config, "jump_length"), lac_config_int(p->ip->config, "jump_n_sample") };
    lac_tensor *noise = NULL, *z = NULL;
    LAC_TRY(lac_noise_new(&noise, p->canvas->ask, 4, p->dim, "latent/start", 0));
    lac_status s = start(p, noise, &z);
    lac_latent_sampling run = {
        .name = p->ip->def->name, .network = &p->ip->network[UNET], .denoise = lac_denoise_unet, .sampler = &p->sampler, .guidance = p->guided ? &p->guidance : NULL,
        .text = p->text, .no_text = p->no_text, .visual = p->visual, .no_visual = p->no_visual, .beside = p->beside, .label = p->label, .blend = p->system->blend, .mask = p->cells, .source = p->source,
        .dilations = p->system->dilates ? lac_config_int(p->ip->config, "dilations") : 0, .said_mask = said_mask(p), .clip = p->system->clips ? number(p, "estimate_clip") : 0,
        .known_noise = p->system->same_noise ? noise : NULL, .jumps = p->system->repaints ? &jumps : NULL, .draw = draw, .context = p,
    };
    if (s == LAC_OK && (s = read_prompts(p, t, &run)) != LAC_OK)
        lac_tensor_free(z);
    if (s == LAC_OK)
        s = lac_latent_sample(t, &run, z, &p->latent);
    lac_tensor_free(noise);
    return s;
}

static lac_status decode(lac_tape *t, void *context)
{
    painting *p = context;
    lac_tensor *z = lac_tape_input(t, p->latent, LAC_F32);
    lac_tensor *y = p->tiles > 0 ? lac_autoencoder_unscaled(t, p->vae, z) : lac_autoencoder_picture(t, p->vae, z);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &p->made);
}

/* What the decoder reads lies in `made`; the picture takes its place. */
static lac_status decode_tiles(painting *p, lac_tape *t)
{
    lac_tensor *z = p->made;
    p->made = NULL;
    const lac_status s = lac_tiled_decode(&p->ip->network[VAE], t, z, p->tiles, &p->made);
    lac_tensor_free(z);
    return lac_context(s, "'tiles'");
}

static lac_status paint(painting *p, lac_tape *t)
{
    LAC_TRY(open_sampler(p));
    LAC_TRY(open_guidance(p));
    LAC_TRY(lac_latent_subject_of(&p->subject, p->ip, t, p->canvas, p->system, p->guided));
    LAC_TRY(make_condition(p, t));
    LAC_TRY(sample(p, t));
    LAC_TRY(lac_inpaint_region(p->ip, t, p->canvas, p->tiles > 0 ? "unscale" : "decode", decode, p));
    LAC_TRY(p->tiles > 0 ? decode_tiles(p, t) : LAC_OK);
    return lac_latent_finite(p->made, "the decoded picture");
}

lac_status lac_latent_paint(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_latent_system *system, lac_tensor **result)
{
    const lac_autoencoder *vae = ip->network[VAE].model;
    painting p = { .ip = ip, .canvas = c, .system = system, .vae = vae, .tiles = lac_config_int(ip->config, "tiles") };
    const int64_t dim[4] = { c->image.dim[0], c->image.dim[1] / vae->factor, c->image.dim[2] / vae->factor, vae->z };
    memcpy(p.dim, dim, sizeof dim);
    const lac_status s = paint(&p, t);
    lac_tensor *const parts[] = { p.cells, p.beside, p.source, p.text, p.no_text, p.visual, p.no_visual, p.label, p.latent };
    for (size_t i = 0; i < LAC_COUNT(parts); i++)
        lac_tensor_free(parts[i]);
    lac_sampler_close(&p.sampler);
    *result = p.made;
    return s;
}

/* ---- which networks fit ---- */

static const json_t *unet_of(const json_t *networks, const char *role) { return json_object_get(json_object_get(networks, role), "config"); }

/* Labels are diffusers' num_class_embeds, CompVis' num_classes. */
static int64_t labels_of(const json_t *unet)
{
    return json_integer_value(lac_config_at(unet, "num_class_embeds")) + json_integer_value(lac_config_at(unet, "num_classes"));
}

/* channels in, or as many as out where that is 0. */
static lac_status check_channels(const json_t *networks, const char *role, int64_t channels)
{
    const json_t *unet = unet_of(networks, role);
    const int64_t in = lac_config_int(unet, "in_channels"), out = lac_config_int(unet, "out_channels"), wanted = channels > 0 ? channels : out;
    if (in != wanted)
        return LAC_FAIL(LAC_ERR_CONFIG, "its '%s' has %lld channels in, should have %lld", role, (long long)in, (long long)wanted);
    if (lac_config_int(unet, "cross_attention_dim") + lac_config_int(unet, "context_dim") > 0 && json_object_get(networks, "text_encoder") == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "its '%s' reads a text, and there is no 'text_encoder'", role);
    return LAC_OK;
}

static lac_status check_unfed(const json_t *networks, const char *role)
{
    if (json_is_integer(lac_config_at(unet_of(networks, role), "fusion_dim")))
        return LAC_FAIL(LAC_ERR_CONFIG, "its '%s' has RefAdapters ('fusion_dim'), which nothing feeds here", role);
    return LAC_OK;
}

static lac_status check_unlabelled(const json_t *networks, const char *role)
{
    if (labels_of(unet_of(networks, role)) > 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "its '%s' has a table of labels ('num_class_embeds'), which nothing gives here", role);
    return LAC_OK;
}

lac_status lac_latent_fits_unet(const json_t *networks, const char *role, int64_t in, int64_t out)
{
    const int64_t found = lac_config_int(unet_of(networks, role), "out_channels");
    LAC_TRY(check_unfed(networks, role));
    LAC_TRY(check_unlabelled(networks, role));
    LAC_TRY(check_channels(networks, role, in));
    return found == out ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "its '%s' has %lld channels out, should have %lld", role, (long long)found, (long long)out);
}

lac_status lac_latent_fits(const json_t *networks, int64_t channels)
{
    LAC_TRY(check_unfed(networks, "unet"));
    return lac_latent_fits_fed(networks, channels);
}

lac_status lac_latent_fits_fed(const json_t *networks, int64_t channels)
{
    LAC_TRY(check_unlabelled(networks, "unet"));
    return check_channels(networks, "unet", channels);
}

lac_status lac_latent_fits_labels(const json_t *networks, int64_t labels)
{
    const int64_t found = labels_of(unet_of(networks, "unet"));
    LAC_TRY(check_unfed(networks, "unet"));
    if (found != labels)
        return LAC_FAIL(LAC_ERR_CONFIG, "its 'unet' has %lld 'num_class_embeds', should have %lld", (long long)found, (long long)labels);
    return check_channels(networks, "unet", 0);
}
