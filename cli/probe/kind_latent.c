/* Around a latent inpainting network: what it is told of picture and hole, and how the known part comes back. */
#include "cli/probe/probe.h"

#include "autograd/ops/concat/concat.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "core/image/feather.h"
#include "core/image/paste.h"
#include "core/image/resample.h"
#include "models/catdiff/input.h"
#include "models/diffusion/objective.h"
#include "models/diffusion/repaint.h"
#include "models/latent/blend.h"
#include "models/latent/condition.h"

#include <stdlib.h>
#include <string.h>

#define PICTURE(name) { name, LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8, "[H,W,3]" }
#define HOLE { "mask", LAC_LAYOUT_PLAIN, 2, LAC_PORT_U8, "[H,W]" }

static lac_image picture_of(const lac_tensor *x) { return (lac_image){ x->dim[0], x->dim[1], x->ndim == 3 ? (int)x->dim[2] : 1, x->data }; }

/* `name` has the height and width of `image`, and both have pixels. */
static lac_status check_size(const lac_probe *p, const char *name)
{
    const lac_tensor *x = lac_probe_host(p, name), *image = lac_probe_host(p, "image");
    if (x->dim[0] != image->dim[0] || x->dim[1] != image->dim[1])
        return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' is %s, 'image' is %s: one height and width is wanted", name, lac_shape_str(x), lac_shape_str(image));
    return lac_numel(image) > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %s: it has no pixels", lac_shape_str(image));
}

/* A copy of the input `mask`, 1 where it is white. */
static lac_status binary_mask(const lac_probe *p, lac_image *mask)
{
    const lac_tensor *x = lac_probe_host(p, "mask");
    LAC_TRY(lac_image_new(mask, x->dim[0], x->dim[1], 1));
    memcpy(mask->pixels, x->data, lac_bytes(x));
    lac_mask_binarise(mask->pixels, lac_numel(x));
    return LAC_OK;
}

/* ---- inpaint-input ---- */

enum { FACTOR = 8 };

typedef struct input_system {
    const char *name;
    lac_status (*compute)(lac_probe *p);
    const char *const *keys;                    /* that it has beside `system`, ends with NULL */
} input_system;

static lac_status put_latent_mask(lac_probe *p, const lac_image *mask, lac_latent_mask rule)
{
    lac_tensor *y;
    if (mask->height < FACTOR || mask->width < FACTOR)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %lld x %lld, expected at least one multiple of %d", (long long)mask->height, (long long)mask->width, FACTOR);
    LAC_TRY(lac_probe_result(p, "mask", LAC_F32, 4, (int64_t[]){ 1, 1, mask->height / FACTOR, mask->width / FACTOR }, &y));
    return lac_latent_mask_make(y->data, y->dim[2], y->dim[3], mask, rule);
}

/* [height, width, channels] as [1, channels, height, width]. */
static lac_status put_planes(lac_probe *p, const char *name, const float *pixels, int64_t channels, int64_t height, int64_t width)
{
    const int64_t n = height * width;
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, name, LAC_F32, 4, (int64_t[]){ 1, channels, height, width }, &y));
    for (int64_t i = 0; i < channels * n; i++)
        ((float *)y->data)[i % channels * n + i / channels] = pixels[i];
    return LAC_OK;
}

/* The hole is decided at the size of `mask`, which is then 0 or 1. */
static lac_status put_masked_image(lac_probe *p, const lac_image *image, lac_image *mask, lac_hole_fill fill)
{
    const int64_t n = image->height * image->width;
    float *pixels;
    lac_mask_binarise(mask->pixels, n);
    LAC_TRY(lac_probe_numbers(p, 3 * n, &pixels));
    lac_masked_picture(pixels, image->pixels, mask->pixels, n, fill);
    return put_planes(p, "masked_image", pixels, 3, image->height, image->width);
}

static int64_t side(const lac_probe *p, const char *key, int64_t own)
{
    return (lac_config_has(p->config, key) ? lac_config_int(p->config, key) : own) / FACTOR * FACTOR;
}

static lac_status put_sd_inpaint(lac_probe *p, const lac_image *image, lac_image *mask)
{
    LAC_TRY(put_latent_mask(p, mask, LAC_LATENT_MASK_NEAREST));
    return put_masked_image(p, image, mask, LAC_HOLE_FILL_GREY);
}

static lac_status sd_inpaint(lac_probe *p)
{
    const lac_image image = picture_of(lac_probe_host(p, "image")), mask = picture_of(lac_probe_host(p, "mask"));
    const int64_t h = side(p, "height", image.height), w = side(p, "width", image.width);
    lac_image resized = { 0 }, hole = { 0 };
    if (h == 0 || w == 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %lld x %lld, expected at least one multiple of %d", (long long)image.height, (long long)image.width, FACTOR);
    lac_status s = lac_image_resize(&resized, &image, h, w, LAC_FILTER_LANCZOS, LAC_PASSES_HORIZONTAL_FIRST);
    if (s == LAC_OK)
        s = lac_image_resize(&hole, &mask, h, w, LAC_FILTER_LANCZOS, LAC_PASSES_HORIZONTAL_FIRST);
    if (s == LAC_OK)
        s = put_sd_inpaint(p, &resized, &hole);
    lac_image_free(&resized);
    lac_image_free(&hole);
    return s;
}

static lac_status blended_latent(lac_probe *p)
{
    const lac_image mask = picture_of(lac_probe_host(p, "mask"));
    return put_latent_mask(p, &mask, LAC_LATENT_MASK_CENTRE);
}

static int64_t number(const lac_probe *p, const char *key, int64_t otherwise) { return lac_config_has(p->config, key) ? lac_config_int(p->config, key) : otherwise; }

#define CATDIFF_RULES "half|any-touch|nearest"

static lac_latent_mask catdiff_rule(const lac_probe *p, lac_latent_mask otherwise)
{
    static const lac_latent_mask rules[] = { LAC_LATENT_MASK_HALF, LAC_LATENT_MASK_ANY_TOUCH, LAC_LATENT_MASK_NEAREST };
    return lac_config_has(p->config, "latent_mask") ? rules[lac_config_choice(p->config, "latent_mask", CATDIFF_RULES)] : otherwise;
}

static lac_status put_clip(lac_probe *p, const lac_image *image, const lac_image *mask)
{
    const int64_t size = number(p, "clip_size", 224), patch = number(p, "patch_size", 14), n = size / patch;
    lac_tensor *clip, *cells;
    lac_image seen;
    float *flags;
    if (patch > size)
        return LAC_FAIL(LAC_ERR_CONFIG, "'patch_size' is %lld, expected at most 'clip_size', %lld", (long long)patch, (long long)size);
    LAC_TRY(lac_probe_numbers(p, n * n, &flags));
    LAC_TRY(lac_probe_result(p, "clip_image", LAC_U8, 3, (int64_t[]){ size, size, 3 }, &clip));
    LAC_TRY(lac_probe_result(p, "clip_mask", LAC_I64, 4, (int64_t[]){ 1, 1, n, n }, &cells));
    LAC_TRY(lac_catdiff_clip(&seen, flags, image, mask, size, patch));
    memcpy(clip->data, seen.pixels, lac_bytes(clip));
    lac_image_free(&seen);
    for (int64_t i = 0; i < n * n; i++)
        ((int64_t *)cells->data)[i] = (int64_t)flags[i];
    return LAC_OK;
}

static lac_status put_catdiff(lac_probe *p, const lac_image *image, const lac_image *mask, lac_latent_mask rule)
{
    const bool grey = lac_config_has(p->config, "hole") && strcmp(lac_config_str(p->config, "hole"), "grey") == 0;
    float *masked;
    LAC_TRY(lac_probe_numbers(p, 3 * image->height * image->width, &masked));
    lac_catdiff_masked(masked, image, mask, grey ? LAC_HOLE_FILL_GREY : LAC_HOLE_FILL_BLACK);
    LAC_TRY(put_planes(p, "masked_image", masked, 3, image->height, image->width));
    LAC_TRY(put_clip(p, image, mask));
    return put_latent_mask(p, mask, catdiff_rule(p, rule));
}

static lac_status catdiff(lac_probe *p)
{
    const lac_image image = picture_of(lac_probe_host(p, "image")), mask = picture_of(lac_probe_host(p, "mask"));
    const int64_t size = number(p, "size", 512);
    lac_image resized = { 0 }, hole = { 0 };
    lac_status s = lac_image_resize(&resized, &image, size, size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST);
    if (s == LAC_OK)
        s = lac_image_resize(&hole, &mask, size, size, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST);
    if (s == LAC_OK)
        s = put_catdiff(p, &resized, &hole, LAC_LATENT_MASK_HALF);
    lac_image_free(&resized);
    lac_image_free(&hole);
    return s;
}

static lac_status catdiff_train(lac_probe *p)
{
    const lac_image image = picture_of(lac_probe_host(p, "image")), mask = picture_of(lac_probe_host(p, "mask"));
    const int64_t size = number(p, "size", 512);
    if (image.height != size || image.width != size)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %lld x %lld, expected 'size' x 'size', %lld", (long long)image.height, (long long)image.width, (long long)size);
    return put_catdiff(p, &image, &mask, LAC_LATENT_MASK_ANY_TOUCH);
}

static const char *const size_keys[] = { "height", "width", NULL }, *const no_keys[] = { NULL };
static const char *const catdiff_keys[] = { "size", "clip_size", "patch_size", "hole", "latent_mask", NULL };
static const input_system input_systems[] = {
    { "sd-inpaint", sd_inpaint, size_keys },
    { "blended-latent", blended_latent, no_keys },
    { "catdiff", catdiff, catdiff_keys },
    { "catdiff-train", catdiff_train, catdiff_keys },
};
#define INPUT_SYSTEMS "sd-inpaint|blended-latent|catdiff|catdiff-train"

static lac_status check_keys(const lac_probe *p, const input_system *s)
{
    const char *name;
    json_t *value;
    json_object_foreach(p->config, name, value) {
        bool known = strcmp(name, "system") == 0;
        for (const char *const *k = s->keys; *k != NULL; k++)
            known |= strcmp(*k, name) == 0;
        if (!known)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is no key of '%s'", name, s->name);
    }
    return LAC_OK;
}

static lac_status inpaint_input(lac_probe *p)
{
    const input_system *s = input_systems;
    while (strcmp(s->name, lac_config_str(p->config, "system")) != 0)
        s++;
    LAC_TRY(check_keys(p, s));
    LAC_TRY(check_size(p, "mask"));
    return s->compute(p);
}

#define SIDE_KEY(name) { name, LAC_KEY_INT, "", .min = FACTOR, .max = 65536, .help = "of the picture resized, rounded down to a multiple of 8 (default: as it is)" }
static const lac_key inpaint_input_keys[] = {
    { "system", LAC_KEY_STR, NULL, .choices = INPUT_SYSTEMS, .help = "whose rules" }, SIDE_KEY("height"), SIDE_KEY("width"),
    { "size", LAC_KEY_INT, "", .min = FACTOR, .max = 65536, .help = "catdiff: height and width (512)" },
    { "clip_size", LAC_KEY_INT, "", .min = 1, .max = 65536, .help = "catdiff: of CLIP's picture (224)" },
    { "patch_size", LAC_KEY_INT, "", .min = 1, .max = 65536, .help = "catdiff: of CLIP's patches (14)" },
    { "hole", LAC_KEY_STR, "", .choices = "black|grey", .help = "catdiff: what the autoencoder sees in the hole (black)" },
    { "latent_mask", LAC_KEY_STR, "", .choices = CATDIFF_RULES, .help = "catdiff: which cells of the latent are hole (half; of training: any-touch)" },
    { NULL },
};
static const lac_port inpaint_input_ports[] = { PICTURE("image"), HOLE, { NULL } };
const lac_kind lac_kind_inpaint_input = { "inpaint-input", "a picture and its hole as a latent system's tensors", inpaint_input_keys, inpaint_input_ports,
                                          "masked_image, mask, clip_image, clip_mask", .compute = inpaint_input };

/* ---- blend/paste, blend/blur ---- */

static lac_status put_picture(lac_probe *p, const lac_image *x)
{
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, "image", LAC_U8, 3, (int64_t[]){ x->height, x->width, x->channels }, &y));
    memcpy(y->data, x->pixels, lac_bytes(y));
    return LAC_OK;
}

typedef lac_status paste(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted);

static lac_status paste_by(lac_probe *p, paste *f, const lac_image *mask)
{
    const lac_image image = picture_of(lac_probe_host(p, "image")), generated = picture_of(lac_probe_host(p, "generated"));
    lac_image result = { 0 };
    lac_status s = f(&result, &image, mask, &generated);
    if (s == LAC_OK)
        s = put_picture(p, &result);
    lac_image_free(&result);
    return s;
}

static lac_status blend_paste(lac_probe *p)
{
    lac_image mask = { 0 };
    LAC_TRY(check_size(p, "mask"));
    LAC_TRY(check_size(p, "generated"));
    lac_status s = binary_mask(p, &mask);
    if (s == LAC_OK)
        s = paste_by(p, lac_image_paste, &mask);
    lac_image_free(&mask);
    return s;
}

/* What lac_image_paste_feathered goes through, as floats. */
static lac_status put_feather(lac_probe *p, const lac_image *mask)
{
    const lac_image image = picture_of(lac_probe_host(p, "image")), generated = picture_of(lac_probe_host(p, "generated"));
    const int64_t n = image.height * image.width;
    lac_tensor *weight, *blended;
    float *memory;
    LAC_TRY(lac_probe_result(p, "weight", LAC_F32, 2, (int64_t[]){ image.height, image.width }, &weight));
    LAC_TRY(lac_probe_result(p, "blended", LAC_F32, 3, (int64_t[]){ image.height, image.width, 3 }, &blended));
    LAC_TRY(lac_probe_numbers(p, 2 * 4 * n, &memory));
    double *m = (double *)memory, *mixed = m + n;
    LAC_TRY(lac_mask_feather(m, mask));
    lac_feather_blend(mixed, image.pixels, generated.pixels, m, n, 3);
    for (int64_t i = 0; i < n; i++)
        ((float *)weight->data)[i] = (float)m[i];
    for (int64_t i = 0; i < 3 * n; i++)
        ((float *)blended->data)[i] = (float)mixed[i];
    return LAC_OK;
}

static lac_status blend_blur(lac_probe *p)
{
    lac_image mask = { 0 };
    LAC_TRY(check_size(p, "mask"));
    LAC_TRY(check_size(p, "generated"));
    lac_status s = binary_mask(p, &mask);
    if (s == LAC_OK)
        s = put_feather(p, &mask);
    if (s == LAC_OK)
        s = paste_by(p, lac_image_paste_feathered, &mask);
    lac_image_free(&mask);
    return s;
}

static const lac_port paste_ports[] = { PICTURE("image"), PICTURE("generated"), HOLE, { NULL } };
const lac_kind lac_kind_blend_paste = { "blend/paste", "what was painted put into the picture", NULL, paste_ports, "image", .compute = blend_paste };
const lac_kind lac_kind_blend_blur = { "blend/blur", "the same with a soft border", NULL, paste_ports, "weight, blended, image", .compute = blend_blur };

/* ---- blend/latent ---- */

static lac_status check_blend(const lac_probe *p, bool next)
{
    const lac_tensor *z = lac_probe_host(p, "z"), *mask = lac_probe_host(p, "mask"), *to = lac_probe_host(p, "next_timestep");
    LAC_TRY(lac_probe_same_shape(p, "source", "z"));
    LAC_TRY(lac_probe_same_shape(p, "noise", "z"));
    if ((mask->dim[0] != 1 && mask->dim[0] != z->dim[0]) || mask->dim[1] != z->dim[1] || mask->dim[2] != z->dim[2])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'mask' is [%lld,1,%lld,%lld], expected [1 or %lld,1,%lld,%lld] as 'z' is", (long long)mask->dim[0],
                        (long long)mask->dim[1], (long long)mask->dim[2], (long long)z->dim[0], (long long)z->dim[1], (long long)z->dim[2]);
    if (next && to == NULL)
        return LAC_FAIL(LAC_ERR_KEY, "input 'next_timestep' is missing: blend_at t_next wants it");
    return next || to == NULL ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "'next_timestep' is no input of blend_at t");
}

/* level[2]: picture and noise at the timestep that the config says. */
static lac_status fill_level(const lac_probe *p, float *level)
{
    const bool next = strcmp(lac_config_str(p->config, "blend_at"), "t_next") == 0;
    const int64_t *at = lac_probe_host(p, "timestep")->data;
    lac_objective o;
    LAC_TRY(check_blend(p, next));
    LAC_TRY(lac_objective_open_published(&o, "epsilon"));
    lac_status s = lac_objective_fill(&o, at, 1, &(lac_objective_rows){ .sample = level });
    const int64_t *then = next ? lac_probe_host(p, "next_timestep")->data : at;
    if (s == LAC_OK && *then >= 0)
        s = lac_context(lac_objective_fill(&o, then, 1, &(lac_objective_rows){ .sample = level }), "input '%s'", next ? "next_timestep" : "timestep");
    if (s == LAC_OK && *then < 0) {
        level[0] = 1;
        level[1] = 0;
    }
    lac_objective_close(&o);
    return s;
}

static lac_status blend_latent(lac_probe *p, lac_tape *t)
{
    float *level;
    lac_tensor host;
    LAC_TRY(lac_probe_numbers(p, 2, &level));
    LAC_TRY(fill_level(p, level));
    host = (lac_tensor){ .data = level };
    lac_tensor_shape(&host, LAC_F32, 1, (int64_t[]){ 2 });
    return lac_probe_out(p, t, "z", LAC_LAYOUT_IMAGE, lac_blend_latent(t, lac_probe_tensor(p, "z"), lac_probe_tensor(p, "source"), lac_probe_tensor(p, "noise"),
                                                                       lac_probe_tensor(p, "mask"), lac_tape_input(t, &host, LAC_F32)));
}

#define LATENT(name) { name, LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,4,h,w]" }
static const lac_key blend_latent_keys[] = {
    { "blend_at", LAC_KEY_STR, "\"t\"", .choices = "t|t_next", .help = "at whose noise the known part is" }, { NULL },
};
static const lac_port blend_latent_ports[] = {
    LATENT("z"), LATENT("source"), LATENT("noise"), { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[1|B,1,h,w]" },
    { "timestep", LAC_LAYOUT_PLAIN, 0, LAC_PORT_I64, "[]" }, { "next_timestep", LAC_LAYOUT_PLAIN, 0, LAC_PORT_I64 | LAC_PORT_OPTIONAL, "[]" }, { NULL },
};
const lac_kind lac_kind_blend_latent = { "blend/latent", "the known part of a latent put back, at a timestep's noise", blend_latent_keys, blend_latent_ports, "z",
                                         .forward = blend_latent };

/* ---- denoiser-input ---- */

static lac_status denoiser_input(lac_probe *p, lac_tape *t)
{
    const lac_tensor *z = lac_probe_host(p, "z"), *mask = lac_probe_host(p, "mask"), *moments = lac_probe_host(p, "moments");
    static float scaling = 0.18215f;
    lac_tensor host = { .data = &scaling };
    lac_tensor_shape(&host, LAC_F32, 1, (int64_t[]){ 1 });
    LAC_TRY(lac_probe_same_shape(p, "noise", "z"));
    for (int i = 0; i < 3; i++)
        if (mask->dim[i] != z->dim[i] || moments->dim[i] != z->dim[i])
            return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' has another batch, height or width than 'z'", mask->dim[i] != z->dim[i] ? "mask" : "moments");
    lac_tensor *latent = lac_gaussian(t, lac_probe_tensor(p, "moments"), lac_probe_tensor(p, "noise")).sample, *z_on_tape = lac_probe_tensor(p, "z");
    latent = lac_lincomb(t, lac_tape_input(t, &host, LAC_F32), &latent, 1, p->dtype);
    lac_tensor *beside = lac_latent_beside(t, lac_probe_tensor(p, "mask"), latent, LAC_BESIDE_MASK_FIRST);
    return lac_probe_out(p, t, "x", LAC_LAYOUT_IMAGE, lac_concat(t, (lac_tensor *[]){ z_on_tape, beside }, 2, -1));
}

#define LATENT_IN(name, channels, shape) { name, LAC_LAYOUT_IMAGE, 4, 0, shape }
static const lac_key denoiser_input_keys[] = { { "system", LAC_KEY_STR, NULL, .choices = "sd-inpaint", .help = "whose network" }, { NULL } };
static const lac_port denoiser_input_ports[] = {
    LATENT_IN("z", 4, "[B,4,h,w]"), LATENT_IN("moments", 8, "[B,8,h,w]"), LATENT_IN("noise", 4, "[B,4,h,w]"), LATENT_IN("mask", 1, "[B,1,h,w]"), { NULL },
};
const lac_kind lac_kind_denoiser_input = { "denoiser-input", "a latent and what an inpainting network reads beside it", denoiser_input_keys, denoiser_input_ports,
                                           "x", .forward = denoiser_input };

/* ---- repaint-timesteps ---- */

static lac_status repaint_timesteps(lac_probe *p)
{
    const lac_repaint r = { lac_config_int(p->config, "num_inference_steps"), lac_config_int(p->config, "jump_length"), lac_config_int(p->config, "jump_n_sample") };
    const int64_t training = lac_config_int(p->config, "num_train_timesteps");
    int64_t *at, n;
    lac_tensor *y;
    if (r.steps > training)
        return LAC_FAIL(LAC_ERR_CONFIG, "'num_inference_steps' is %lld, should be at most 'num_train_timesteps', %lld", (long long)r.steps, (long long)training);
    LAC_TRY(lac_repaint_positions(&at, &n, &r));
    const lac_status s = lac_probe_result(p, "timesteps", LAC_I64, 1, &n, &y);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        ((int64_t *)y->data)[i] = at[i] * (training / r.steps);
    free(at);
    return s;
}

static const lac_key repaint_keys[] = {
    { "num_inference_steps", LAC_KEY_INT, "250", .min = 1, .max = 1000000, .help = "steps of the sampler" }, LAC_REPAINT_JUMP_KEYS,
    { "num_train_timesteps", LAC_KEY_INT, "1000", .min = 1, .max = 1000000, .help = "timesteps of training" }, { NULL },
};
static const lac_port no_ports[] = { { NULL } };
const lac_kind lac_kind_repaint_timesteps = { "repaint-timesteps", "the order in which RePaint visits timesteps", repaint_keys, no_ports, "timesteps",
                                              .compute = repaint_timesteps };
