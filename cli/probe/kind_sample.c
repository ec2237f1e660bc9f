/* A whole sampling run of a latent system, from given noise and given text states. */
#include "cli/probe/probe.h"

#include "core/memory.h"
#include "models/latent/parts.h"
#include "models/latent/system.h"
#include "models/network_folder.h"
#include "models/unet/read.h"

#include <stdlib.h>
#include <string.h>

typedef struct sample_system {
    const char *name;
    lac_beside beside;              /* the network reads mask, or mask and masked_latents */
    bool visual;                    /* and a visual prompt, zeros without guidance: input fusion_out */
    lac_blend_at blend;             /* with input source */
    bool fresh;                     /* the known part's noise is drawn at each step: input step_noise */
    bool precise;                   /* the network reads a precision and says a mask */
} sample_system;

static const sample_system sample_systems[] = {
    { "sd-inpaint", .beside = LAC_BESIDE_MASK_FIRST },
    { "catdiff", .beside = LAC_BESIDE_MASK_FIRST, .visual = true },
    { "sd-blend", .blend = LAC_BLEND_AT_NEXT },
    { "blended-latent", .blend = LAC_BLEND_AT_T, .fresh = true },
    { "glide-latent", .beside = LAC_BESIDE_MASK_FIRST, .blend = LAC_BLEND_ESTIMATE },
    { "smartbrush", .beside = LAC_BESIDE_MASK, .blend = LAC_BLEND_CLEAN, .precise = true },
};
#define SAMPLE_SYSTEMS "sd-inpaint|catdiff|sd-blend|blended-latent|glide-latent|smartbrush"
enum { LATENT = 4 };                /* channels */

typedef struct sampled {
    lac_probe *p;
    const sample_system *system;
    lac_sampler sampler;
    lac_guidance guidance;
    bool guided;
    lac_tensor *no_text, *no_visual, *beside, *label;   /* host; made of inputs */
} sampled;

/* ---- inputs ---- */

static lac_status want(const lac_probe *p, const char *name, bool wanted)
{
    const bool there = lac_probe_host(p, name) != NULL;
    if (wanted == there)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_KEY, wanted ? "input '%s' is missing: %s wants it" : "'%s' is no input of %s here", name, lac_config_str(p->config, "system"));
}

static lac_status check_shape(const lac_probe *p, const char *name, int ndim, const int64_t *dim)
{
    const lac_tensor *x = lac_probe_host(p, name);
    if (x == NULL)
        return LAC_OK;
    for (int i = 0; i < ndim; i++)
        if (dim[i] >= 0 && x->dim[i] != dim[i])
            return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' does not fit 'noise' (or 'cond'): one batch, height, width and number of steps is wanted", name);
    return LAC_OK;
}

static lac_status check_inputs(const sampled *r)
{
    const lac_probe *p = r->p;
    const sample_system *s = r->system;
    const lac_tensor *z = lac_probe_host(p, "noise"), *cond = lac_probe_host(p, "cond");
    const int64_t n = z->dim[0], h = z->dim[1], w = z->dim[2];
    LAC_TRY(want(p, "uncond", r->guided));
    LAC_TRY(want(p, "mask", true));
    LAC_TRY(want(p, "masked_latents", s->beside == LAC_BESIDE_MASK_FIRST));
    LAC_TRY(want(p, "source", s->blend != LAC_BLEND_NONE));
    LAC_TRY(want(p, "fusion_out", s->visual));
    LAC_TRY(want(p, "step_noise", s->fresh));
    LAC_TRY(check_shape(p, "cond", 1, &n));
    LAC_TRY(check_shape(p, "fusion_out", 1, &n));
    LAC_TRY(check_shape(p, "uncond", 3, (int64_t[]){ 1, cond->dim[1], cond->dim[2] }));
    LAC_TRY(check_shape(p, "mask", 4, (int64_t[]){ n, h, w, 1 }));
    LAC_TRY(check_shape(p, "masked_latents", 4, z->dim));
    LAC_TRY(check_shape(p, "source", 4, z->dim));
    return check_shape(p, "step_noise", 5, (int64_t[]){ r->sampler.n, n, z->dim[3], h, w });
}

static lac_status copy(lac_tensor **to, const lac_tensor *from)
{
    LAC_TRY(lac_tensor_new(to, LAC_F32, from->ndim, from->dim));
    if (lac_numel(from) > 0)
        memcpy((*to)->data, from->data, lac_bytes(from));
    return LAC_OK;
}

/* uncond [1, L, C] for each of the batch, and zeros where a visual prompt is none. */
static lac_status make_empty(sampled *r)
{
    const lac_tensor *one = lac_probe_host(r->p, "uncond"), *cond = lac_probe_host(r->p, "cond"), *visual = lac_probe_host(r->p, "fusion_out");
    if (visual != NULL)
        LAC_TRY(lac_tensor_new(&r->no_visual, LAC_F32, 3, visual->dim));
    if (one == NULL)
        return LAC_OK;
    LAC_TRY(lac_tensor_new(&r->no_text, LAC_F32, 3, cond->dim));
    for (int64_t i = 0; i < cond->dim[0] && lac_numel(one) > 0; i++)
        memcpy((char *)r->no_text->data + (size_t)i * lac_bytes(one), one->data, lac_bytes(one));
    return LAC_OK;
}

/* [mask, masked_latents], pixel by pixel, or the mask alone. */
static lac_status put_beside(sampled *r)
{
    const lac_tensor *mask = lac_probe_host(r->p, "mask"), *latents = lac_probe_host(r->p, "masked_latents");
    if (r->system->beside == LAC_BESIDE_NONE)
        return LAC_OK;
    const int64_t c = latents != NULL ? latents->dim[3] : 0, n = lac_numel(mask);
    LAC_TRY(lac_tensor_new(&r->beside, LAC_F32, 4, (int64_t[]){ mask->dim[0], mask->dim[1], mask->dim[2], c + 1 }));
    for (int64_t i = 0; i < n; i++) {
        float *to = (float *)r->beside->data + i * (c + 1);
        to[0] = ((const float *)mask->data)[i];
        if (latents != NULL)
            memcpy(to + 1, (const float *)latents->data + i * c, (size_t)c * sizeof *to);
    }
    return LAC_OK;
}

static lac_status put_label(sampled *r)
{
    const int64_t n = lac_probe_host(r->p, "noise")->dim[0] * (r->guided ? 2 : 1);
    if (!r->system->precise)
        return LAC_OK;
    LAC_TRY(lac_tensor_new(&r->label, LAC_I32, 1, &n));
    for (int64_t i = 0; i < n; i++)
        ((int32_t *)r->label->data)[i] = lac_config_has(r->p->config, "precision") ? (int32_t)lac_config_int(r->p->config, "precision") : LAC_PRECISION_LEVELS - 1;
    return LAC_OK;
}

/* ---- the run ---- */

/* Step i of step_noise, [B, 4, h, w] there. */
static lac_status draw(void *context, lac_latent_draw what, int64_t i, lac_tensor **x)
{
    const sampled *r = context;
    const lac_tensor *z = lac_probe_host(r->p, "noise"), *noise = lac_probe_host(r->p, "step_noise");
    const lac_shape ours = lac_shape_of(z);
    if (what != LAC_DRAW_KNOWN || noise == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "'scheduler' draws noise: only those without are given here");
    LAC_TRY(lac_tensor_new(x, LAC_F32, z->ndim, z->dim));
    if (lac_numel(z) > 0)
        lac_from_border((*x)->data, (const float *)noise->data + i * lac_numel(z), LAC_ROLE_CONV, &ours);
    return LAC_OK;
}

static lac_status put_latents(lac_probe *p, const lac_tensor *z)
{
    const lac_shape ours = lac_shape_of(z), border = lac_border_shape(LAC_ROLE_CONV, &ours);
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, "latents", LAC_F32, border.ndim, border.dim, &y));
    if (lac_numel(z) > 0)
        lac_to_border(y->data, z->data, LAC_ROLE_CONV, &ours);
    return LAC_OK;
}

static lac_blend_at blend_of(const sampled *r)
{
    const bool before = lac_config_has(r->p->config, "blend") && strcmp(lac_config_str(r->p->config, "blend"), "before") == 0;
    return before ? LAC_BLEND_BEFORE : r->system->blend;
}

static lac_said_mask said_mask_of(const sampled *r)
{
    if (!r->system->precise)
        return LAC_SAID_MASK_OFF;
    return lac_config_has(r->p->config, "predicted_mask") ? (lac_said_mask)lac_config_choice(r->p->config, "predicted_mask", LAC_SAID_MASKS) : LAC_SAID_MASK_STEPS;
}

static lac_status run_steps(sampled *r, lac_tape *t)
{
    const lac_probe *p = r->p;
    const lac_tensor *noise = lac_probe_host(p, "noise");
    const int64_t tokens = lac_probe_host(p, "cond")->dim[1], refs = r->no_visual != NULL ? r->no_visual->dim[1] : 0;
    lac_latent_sampling s = {
        .name = r->system->name, .network = &p->net[0], .denoise = lac_denoise_unet, .sampler = &r->sampler, .guidance = r->guided ? &r->guidance : NULL,
        .text = lac_probe_host(p, "cond"), .no_text = r->no_text,
        .visual = lac_probe_host(p, "fusion_out"), .no_visual = r->no_visual, .beside = r->beside, .label = r->label, .blend = blend_of(r), .mask = lac_probe_host(p, "mask"),
        .dilations = lac_config_has(p->config, "dilations") ? lac_config_int(p->config, "dilations") : 0, .said_mask = said_mask_of(r),
        .clip = lac_config_has(p->config, "estimate_clip") ? lac_config_num(p->config, "estimate_clip") : 0, .source = lac_probe_host(p, "source"), .known_noise = r->system->fresh ? NULL : noise, .draw = draw, .context = r,
    };
    lac_tensor *z, *latents = NULL;
    lac_unet_read *read;
    LAC_TRY(lac_unet_read_new(&read, p->net[0].model, noise->dim[0] * (r->guided ? 2 : 1), tokens, refs));
    lac_status status = lac_latent_read(t, &s, read);
    s.read = read;
    if (status == LAC_OK)
        status = copy(&z, noise);
    if (status == LAC_OK)
        status = lac_latent_sample(t, &s, z, &latents);
    lac_unet_read_free(read);
    if (status == LAC_OK)
        status = put_latents(r->p, latents);
    lac_tensor_free(latents);
    return status;
}

static lac_status open_guidance(sampled *r)
{
    const double scale = lac_config_num(r->p->config, "guidance_scale");
    json_t *given = json_pack("{s:f}", "guidance_scale", scale), *config = NULL;
    lac_status s = given != NULL ? lac_config_resolve(&config, lac_guidance_keys, given, NULL, NULL) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (s == LAC_OK)
        s = lac_guidance_open(&r->guidance, config);
    r->guided = scale != 1;
    json_decref(config);
    json_decref(given);
    return s;
}

static lac_status open_sampler(sampled *r)
{
    const json_t *config = r->p->config;
    json_t *scheduler = json_copy((json_t *)lac_config_at(config, "scheduler"));
    const int64_t steps = lac_config_int(config, "num_inference_steps");
    if (scheduler == NULL || json_object_set_new(scheduler, "num_inference_steps", json_integer(steps)) != 0)
        return json_decref(scheduler), LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    const lac_status s = lac_context(lac_sampler_open(&r->sampler, scheduler), "config of sample: 'scheduler'");
    json_decref(scheduler);
    LAC_TRY(s);
    if (lac_sampler_is_random(&r->sampler))
        return LAC_FAIL(LAC_ERR_CONFIG, "config of sample: 'scheduler' is %s, which draws noise", r->sampler.def->name);
    if (r->system->fresh)
        lac_sampler_skip(&r->sampler, (int64_t)((lac_config_has(config, "skip") ? lac_config_num(config, "skip") : 0.25) * (double)steps));
    return LAC_OK;
}

/* Keys that one system alone has. */
static lac_status check_keys(const sampled *r)
{
    const struct { const char *key; bool known; } own[] = {
        { "skip", r->system->fresh }, { "blend", r->system->fresh }, { "dilations", r->system->fresh }, { "estimate_clip", r->system->blend == LAC_BLEND_ESTIMATE },
        { "precision", r->system->precise }, { "predicted_mask", r->system->precise },
    };
    for (size_t i = 0; i < LAC_COUNT(own); i++)
        if (lac_config_has(r->p->config, own[i].key) && !own[i].known)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is no key of '%s'", own[i].key, r->system->name);
    return LAC_OK;
}

static lac_status check_unet(const sampled *r)
{
    static const int64_t channels[] = { [LAC_BESIDE_NONE] = LATENT, [LAC_BESIDE_MASK] = LATENT + 1, [LAC_BESIDE_MASK_FIRST] = 2 * LATENT + 1 };
    const json_t *unet = r->p->net[0].config;
    const int64_t in = lac_config_int(unet, "in_channels"), out = lac_config_int(unet, "out_channels"), labels = json_integer_value(lac_config_at(unet, "num_class_embeds"));
    const int64_t wanted = channels[r->system->beside], wanted_out = LATENT + r->system->precise, wanted_labels = r->system->precise ? LAC_PRECISION_LEVELS : 0;
    if (in != wanted || out != wanted_out)
        return LAC_FAIL(LAC_ERR_CONFIG, "config of sample: 'unet': '%s' is %lld, should be %lld for %s", in != wanted ? "in_channels" : "out_channels",
                        (long long)(in != wanted ? in : out), (long long)(in != wanted ? wanted : wanted_out), r->system->name);
    if (labels != wanted_labels)
        return LAC_FAIL(LAC_ERR_CONFIG, "config of sample: 'unet': 'num_class_embeds' is %lld, should be %lld for %s", (long long)labels, (long long)wanted_labels, r->system->name);
    if (json_is_integer(lac_config_at(unet, "fusion_dim")) != r->system->visual)
        return LAC_FAIL(LAC_ERR_CONFIG, "config of sample: 'unet': 'fusion_dim' is %s '%s'", r->system->visual ? "missing, it is wanted by" : "given, it is not for", r->system->name);
    return LAC_OK;
}

/* What the run reads, of inputs that fit. */
static lac_status prepare(sampled *r)
{
    LAC_TRY(open_guidance(r));
    LAC_TRY(open_sampler(r));
    LAC_TRY(check_inputs(r));
    LAC_TRY(make_empty(r));
    LAC_TRY(put_beside(r));
    return put_label(r);
}

static lac_status sample(lac_probe *p)
{
    sampled r = { .p = p, .system = sample_systems };
    lac_tape *t = NULL;
    while (strcmp(r.system->name, lac_config_str(p->config, "system")) != 0)
        r.system++;
    LAC_TRY(check_keys(&r));
    LAC_TRY(check_unet(&r));
    lac_status s = prepare(&r);
    if (s == LAC_OK)
        s = lac_tape_new(&t, p->backend);
    if (s == LAC_OK)
        s = run_steps(&r, t);
    lac_tape_free(t);
    lac_tensor_free(r.no_text);
    lac_tensor_free(r.no_visual);
    lac_tensor_free(r.beside);
    lac_tensor_free(r.label);
    lac_sampler_close(&r.sampler);
    return s;
}

static lac_status open(lac_probe *p)
{
    const lac_network_def *def;
    json_t *config;
    LAC_TRY(lac_network_find(&def, "unet2d-condition"));
    LAC_TRY(lac_network_adopt(def, lac_config_at(p->config, "unet"), &config));
    const lac_status s = lac_context(lac_probe_network(p, def, "unet", "unet.", config), "'unet'");
    json_decref(config);
    return s;
}

#define DDIM "{\"_class_name\": \"DDIMScheduler\", \"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012, " \
             "\"clip_sample\": false, \"set_alpha_to_one\": false, \"steps_offset\": 1}"

static const lac_key sample_keys[] = {
    { "system", LAC_KEY_STR, NULL, .choices = SAMPLE_SYSTEMS, .help = "whose loop" },
    { "unet", LAC_KEY_TABLE, "{}", .help = "config.json of the network" },
    { "num_inference_steps", LAC_KEY_INT, "50", .min = 1, .max = 1000000, .help = "steps" },
    { "guidance_scale", LAC_KEY_NUM, "7.5", .min = 0, .max = 1e6, .help = "of the text; 1: without guidance" },
    { "scheduler", LAC_KEY_TABLE, DDIM, .help = "scheduler_config.json of diffusers, DDIMScheduler or another that draws no noise" },
    { "skip", LAC_KEY_NUM | LAC_KEY_BELOW_MAX, "", .min = 0, .max = 1, .help = "blended-latent: share of the steps that is left out at the start (0.25)" },
    { "blend", LAC_KEY_STR, "", .choices = "after|before", .help = "blended-latent: when the known part is put back (after)" },
    { "dilations", LAC_KEY_INT, "", .min = 0, .max = 64, .help = "blended-latent: sizes from which the hole shrinks (0)" },
    { "estimate_clip", LAC_KEY_NUM, "", .min = 0, .max = 1e6, .help = "glide-latent: what estimates are cut to, plus and minus; 0: not" },
    { "precision", LAC_KEY_INT, "", .min = 0, .max = LAC_PRECISION_LEVELS - 1, .help = "smartbrush: of the mask (3)" },
    { "predicted_mask", LAC_KEY_STR, "", .choices = LAC_SAID_MASKS, .help = "smartbrush: where the hole is what the network says (steps)" },
    { NULL },
};

#define MAP(name, flags) { name, LAC_LAYOUT_IMAGE, 4, flags, "[B,4,h,w]" }
#define TEXT(name, flags, shape) { name, LAC_LAYOUT_PLAIN, 3, flags, shape }
static const lac_port sample_ports[] = {
    MAP("noise", 0), TEXT("cond", 0, "[B,L,C]"), TEXT("uncond", LAC_PORT_OPTIONAL, "[1,L,C]"), { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B,1,h,w]" },
    MAP("masked_latents", LAC_PORT_OPTIONAL), MAP("source", LAC_PORT_OPTIONAL), TEXT("fusion_out", LAC_PORT_OPTIONAL, "[B,R,fusion_dim]"),
    { "step_noise", LAC_LAYOUT_PLAIN, 5, LAC_PORT_OPTIONAL, "[S,B,4,h,w]" }, { NULL },
};
const lac_kind lac_kind_sample = { "sample", "a whole sampling run of a latent system", sample_keys, sample_ports, "latents", .open = open, .compute = sample };
