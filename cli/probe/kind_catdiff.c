/* CAT-Diffusion: SemInpainter, the losses, and what prepares their inputs. Its UNet is in kind_unet.c, its pictures are in kind_latent.c. */
#include "cli/probe/probe.h"

#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/image/coarse_mask.h"
#include "eval/cosine.h"
#include "models/catdiff/distill.h"
#include "models/catdiff/sem_inpainter.h"
#include "models/diffusion/objective.h"

#include <string.h>

/* ---- sem-inpainter ---- */

static const lac_port sem_ports[] = {
    { "spatial_features", LAC_LAYOUT_PLAIN, 3, 0, "[B,1+N,C]" }, { "mask_values", LAC_LAYOUT_IMAGE, 4, LAC_PORT_INTEGER | LAC_PORT_NO_GRAD, "[B,1,S,S]" },
    { "label_pooled", LAC_LAYOUT_PLAIN, 3, 0, "[B,text_tokens,in_channels]" }, { "global_pooled", LAC_LAYOUT_PLAIN, 3, LAC_PORT_OPTIONAL, "[B,1,C]" }, { NULL },
};

static lac_status check_binary(const lac_probe *p, const char *name)
{
    const lac_tensor *x = lac_probe_host(p, name);
    const float *m = x->data;
    for (int64_t i = 0; i < lac_numel(x); i++)
        if (m[i] != 0 && m[i] != 1)
            return LAC_FAIL(LAC_ERR_ARG, "input '%s' holds %.0f, expected 0 and 1 alone", name, (double)m[i]);
    return LAC_OK;
}

static lac_status out(lac_probe *p, lac_tape *t, const char *name, lac_tensor *y) { return lac_probe_out(p, t, name, LAC_LAYOUT_PLAIN, y); }

static lac_status forward_sem(lac_probe *p, lac_tape *t)
{
    const lac_sem_inpainter *m = lac_probe_model(p, 0);
    LAC_TRY(check_binary(p, "mask_values"));
    const lac_sem_inpainter_out y = lac_sem_inpainter_forward(t, m, &(lac_sem_inpainter_in){
        lac_probe_tensor(p, "spatial_features"), lac_probe_tensor(p, "mask_values"), lac_probe_tensor(p, "label_pooled"), lac_probe_tensor(p, "global_pooled") });
    LAC_TRY(out(p, t, "spatial_output", y.spatial));
    if (m->c.global_token)
        LAC_TRY(out(p, t, "pooled_output", y.pooled));
    return out(p, t, "label_out", y.label);
}

const lac_kind lac_kind_sem_inpainter = { "sem-inpainter", "CLIP's patch features of what is to be painted (CAT-Diffusion)", lac_sem_inpainter_keys, sem_ports,
                                          "spatial_output, pooled_output, label_out", .network = &lac_network_sem_inpainter, .forward = forward_sem };

/* ---- loss/distill ---- */

#define FEATURES(name, flags) { name, LAC_LAYOUT_PLAIN, 3, LAC_PORT_F32 | (flags), "[B,N,C]" }
#define GLOBAL(name) { name, LAC_LAYOUT_PLAIN, 3, LAC_PORT_F32 | LAC_PORT_OPTIONAL, "[B,1,C]" }
#define MASK(flags) { "mask", LAC_LAYOUT_PLAIN, 2, LAC_PORT_INTEGER | LAC_PORT_NO_GRAD | (flags), "[B,N]" }
#define REGION_KEY { "kd_region", LAC_KEY_STR, "\"all\"", .choices = "all|masked", .help = "tokens in the numerator" }

static lac_status want(const lac_probe *p, const char *name, bool wanted, const char *key)
{
    const bool there = lac_probe_host(p, name) != NULL;
    return there == wanted ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, wanted ? "input '%s' is missing: '%s' wants it" : "'%s' is no input without '%s'", name, key);
}

static lac_status check_mask(const lac_probe *p, const char *tokens)
{
    const lac_tensor *mask = lac_probe_host(p, "mask"), *x = lac_probe_host(p, tokens);
    if (mask->dim[0] != x->dim[0] || mask->dim[1] != x->dim[1])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'mask' is %s, expected a number for each token of '%s', %s", lac_shape_str(mask), tokens, lac_shape_str(x));
    return check_binary(p, "mask");
}

static double sum_of(const lac_tensor *x)
{
    double sum = 0;
    for (int64_t i = 0; i < lac_numel(x); i++)
        sum += (double)((const float *)x->data)[i];
    return sum;
}

static lac_tensor *scaled(lac_tape *t, lac_tensor *sum, double by) { return lac_weighted_sum(t, &sum, (float[]){ (float)by }, 1); }
static lac_tensor *mean_square(lac_tape *t, lac_tensor *x, lac_tensor *y) { return scaled(t, lac_mse_loss(t, x, y, NULL, NULL, NULL), 1.0 / (double)lac_numel(x)); }

typedef struct distilled { lac_tensor *spatial, *global, *loss; } distilled;

static lac_status distill(lac_probe *p, lac_tape *t, bool global, distilled *d)
{
    const bool masked = strcmp(lac_config_str(p->config, "kd_region"), "masked") == 0;
    LAC_TRY(lac_probe_same_shape(p, "target_spatial", "pred_spatial"));
    LAC_TRY(check_mask(p, "pred_spatial"));
    lac_tensor *tokens = lac_distill_tokens(t, lac_probe_tensor(p, "pred_spatial"), lac_probe_tensor(p, "target_spatial"), masked ? lac_probe_tensor(p, "mask") : NULL);
    d->loss = d->spatial = scaled(t, tokens, 1 / (sum_of(lac_probe_host(p, "mask")) + 1));
    if (!global)
        return LAC_OK;
    LAC_TRY(lac_probe_same_shape(p, "target_global", "pred_global"));
    d->global = mean_square(t, lac_probe_tensor(p, "pred_global"), lac_probe_tensor(p, "target_global"));
    d->loss = lac_weighted_sum(t, (lac_tensor *[]){ d->spatial, d->global }, (float[]){ 1, 1 }, 2);
    return LAC_OK;
}

static lac_status forward_distill(lac_probe *p, lac_tape *t)
{
    const bool global = lac_config_bool(p->config, "global_token");
    distilled d = { 0 };
    LAC_TRY(want(p, "pred_global", global, "global_token"));
    LAC_TRY(want(p, "target_global", global, "global_token"));
    LAC_TRY(distill(p, t, global, &d));
    LAC_TRY(out(p, t, "loss", d.loss));
    LAC_TRY(out(p, t, "spatial", d.spatial));
    return global ? out(p, t, "global", d.global) : LAC_OK;
}

static const lac_key distill_keys[] = { REGION_KEY, { "global_token", LAC_KEY_BOOL, "true", .help = "the class token's part" }, { NULL } };
static const lac_port distill_ports[] = { FEATURES("pred_spatial", 0), FEATURES("target_spatial", 0), MASK(0), GLOBAL("pred_global"), GLOBAL("target_global"), { NULL } };
const lac_kind lac_kind_loss_distill = { "loss/distill", "SemInpainter against CLIP's features of the whole picture", distill_keys, distill_ports, "loss, spatial, global",
                                         .forward = forward_distill };

/* ---- loss/catdiff ---- */

/* The objective's target, a row [picture, noise] for each sample. */
static lac_status fill_target(const lac_probe *p, float *rows)
{
    const lac_tensor *x = lac_probe_host(p, "model_output"), *timestep = lac_probe_host(p, "timestep");
    lac_objective o;
    if (timestep->dim[0] != x->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'timestep' is %s, expected one for each of the %lld samples of 'model_output'", lac_shape_str(timestep), (long long)x->dim[0]);
    LAC_TRY(lac_objective_open_published(&o, lac_config_str(p->config, "prediction_type")));
    const lac_status s = lac_context(lac_objective_fill(&o, timestep->data, x->dim[0], &(lac_objective_rows){ .target = rows }), "input 'timestep'");
    lac_objective_close(&o);
    return s;
}

static lac_status diffusion(lac_probe *p, lac_tape *t, lac_tensor **loss)
{
    lac_tensor *output = lac_probe_tensor(p, "model_output"), host = { 0 };
    float *rows;
    LAC_TRY(lac_probe_same_shape(p, "x0", "model_output"));
    LAC_TRY(lac_probe_same_shape(p, "noise", "model_output"));
    LAC_TRY(lac_probe_numbers(p, 2 * output->dim[0], &rows));
    LAC_TRY(fill_target(p, rows));
    host.data = rows;
    lac_tensor_shape(&host, LAC_F32, 2, (int64_t[]){ output->dim[0], 2 });
    lac_tensor *target = lac_lincomb(t, lac_tape_input(t, &host, LAC_F32), (lac_tensor *[]){ lac_probe_tensor(p, "x0"), lac_probe_tensor(p, "noise") }, 2, LAC_F32);
    *loss = mean_square(t, output, target);
    return LAC_OK;
}

static lac_status forward_catdiff(lac_probe *p, lac_tape *t)
{
    static const char *const teachers[] = { "pred_spatial", "target_spatial", "mask", "pred_global", "target_global" };
    const float weight = (float)lac_config_num(p->config, "kd_weight");
    lac_tensor *part[2];
    distilled d = { 0 };
    for (size_t i = 0; i < LAC_COUNT(teachers); i++)
        LAC_TRY(want(p, teachers[i], weight != 0, "kd_weight"));
    LAC_TRY(diffusion(p, t, &part[0]));
    if (weight != 0)
        LAC_TRY(distill(p, t, true, &d));
    part[1] = d.loss;
    LAC_TRY(out(p, t, "loss", weight != 0 ? lac_weighted_sum(t, part, (float[]){ 1, weight }, 2) : part[0]));
    LAC_TRY(out(p, t, "diffusion", part[0]));
    return weight != 0 ? out(p, t, "distill", d.loss) : LAC_OK;
}

#define MAP(name) { name, LAC_LAYOUT_PLAIN, 4, LAC_PORT_F32, "[B,C,H,W]" }
static const lac_key catdiff_keys[] = { LAC_PREDICTION_KEY, { "kd_weight", LAC_KEY_NUM, "0", .help = "of loss/distill" }, REGION_KEY, { NULL } };
static const lac_port catdiff_ports[] = {
    MAP("model_output"), MAP("x0"), MAP("noise"), { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64, "[B]" }, FEATURES("pred_spatial", LAC_PORT_OPTIONAL),
    FEATURES("target_spatial", LAC_PORT_OPTIONAL), MASK(LAC_PORT_OPTIONAL), GLOBAL("pred_global"), GLOBAL("target_global"), { NULL },
};
const lac_kind lac_kind_loss_catdiff = { "loss/catdiff", "squared error of the denoiser, and with it the distillation", catdiff_keys, catdiff_ports, "loss, diffusion, distill",
                                         .forward = forward_catdiff };

/* ---- metric/masked-cosine ---- */

static lac_status masked_cosine(lac_probe *p)
{
    const lac_tensor *a = lac_probe_host(p, "pred"), *b = lac_probe_host(p, "target"), *mask = lac_probe_host(p, "mask");
    const int64_t n = a->dim[0], tokens = a->dim[1], width = a->dim[2];
    lac_tensor *y;
    double sum = 0;
    LAC_TRY(lac_probe_same_shape(p, "target", "pred"));
    LAC_TRY(check_mask(p, "pred"));
    LAC_TRY(lac_probe_result(p, "cosine", LAC_F32, 0, NULL, &y));
    for (int64_t i = 0; i < n; i++)
        sum += lac_masked_cosine((const float *)a->data + i * tokens * width, (const float *)b->data + i * tokens * width, (const float *)mask->data + i * tokens, tokens, width,
                                 lac_config_bool(p->config, "plus_one"));
    *(float *)y->data = (float)(sum / (double)n);
    return LAC_OK;
}

static const lac_key cosine_keys[] = { { "plus_one", LAC_KEY_BOOL, "true", .help = "one more in the denominator, as released" }, { NULL } };
static const lac_port cosine_ports[] = { FEATURES("pred", 0), FEATURES("target", 0), MASK(0), { NULL } };
const lac_kind lac_kind_metric_masked_cosine = { "metric/masked-cosine", "how alike features are where the mask is 1", cosine_keys, cosine_ports, "cosine",
                                                 .compute = masked_cosine };

/* ---- smartbrush-mask ---- */

static lac_status smartbrush_mask(lac_probe *p)
{
    const lac_tensor *x = lac_probe_host(p, "mask");
    const json_t *sigma = lac_config_at(p->config, "sigma");
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, "mask", LAC_U8, 2, x->dim, &y));
    memcpy(y->data, x->data, lac_bytes(x));
    lac_image mask = { x->dim[0], x->dim[1], 1, y->data };
    if (json_is_string(sigma) && strcmp(json_string_value(sigma), "box") != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'sigma' is \"%s\", expected a number or \"box\"", json_string_value(sigma));
    return lac_numel(x) == 0 ? LAC_OK : lac_mask_coarsen(&mask, json_is_string(sigma) ? -1 : json_number_value(sigma));
}

static const lac_key smartbrush_keys[] = {
    { "sigma", LAC_KEY_NUM | LAC_KEY_STR, "0", .min = 0, .max = 65536, .help = "of the blur, in pixels; 0: the object; \"box\"" }, { NULL },
};
static const lac_port smartbrush_ports[] = { { "mask", LAC_LAYOUT_PLAIN, 2, LAC_PORT_U8, "[H,W]" }, { NULL } };
const lac_kind lac_kind_smartbrush_mask = { "smartbrush-mask", "an object's mask at a level of precision", smartbrush_keys, smartbrush_ports, "mask", .compute = smartbrush_mask };

/* ---- condition-dropout ---- */

/* Samples that are dropped become `nothing` (NULL: zeros). */
static lac_status drop(lac_probe *p, const char *name, const lac_tensor *nothing, bool (*dropped)(float u))
{
    const lac_tensor *x = lac_probe_host(p, name), *u = lac_probe_host(p, "u");
    lac_tensor *y;
    LAC_TRY(lac_probe_result(p, name, LAC_F32, 3, x->dim, &y));
    const size_t each = (size_t)(x->dim[1] * x->dim[2]);
    for (int64_t i = 0; each > 0 && i < x->dim[0]; i++) {
        const float *from = dropped(((const float *)u->data)[i]) ? nothing != NULL ? nothing->data : NULL : (const float *)x->data + (size_t)i * each;
        if (from != NULL)
            memcpy((float *)y->data + (size_t)i * each, from, each * sizeof *from);
    }
    return LAC_OK;
}

static bool last_tenth(float u) { return (double)u > 0.9; }

static lac_status condition_dropout(lac_probe *p)
{
    const lac_tensor *u = lac_probe_host(p, "u"), *text = lac_probe_host(p, "text"), *none = lac_probe_host(p, "null_text"), *image = lac_probe_host(p, "image");
    if (text->dim[0] != u->dim[0] || image->dim[0] != u->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' has %lld samples, 'u' has %lld", text->dim[0] != u->dim[0] ? "text" : "image",
                        (long long)(text->dim[0] != u->dim[0] ? text : image)->dim[0], (long long)u->dim[0]);
    if (none->dim[0] != 1 || none->dim[1] != text->dim[1] || none->dim[2] != text->dim[2])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'null_text' is %s, expected one sample of 'text', %s", lac_shape_str(none), lac_shape_str(text));
    LAC_TRY(drop(p, "text", none, last_tenth));
    return drop(p, "image", NULL, last_tenth);
}

static const lac_key dropout_keys[] = { { "rule", LAC_KEY_STR, NULL, .choices = "catdiff", .help = "catdiff: both where u > 0.9" }, { NULL } };
#define STATES(name, shape) { name, LAC_LAYOUT_PLAIN, 3, 0, shape }
static const lac_port dropout_ports[] = {
    { "u", LAC_LAYOUT_PLAIN, 1, 0, "[B]" }, STATES("text", "[B,L,C]"), STATES("null_text", "[1,L,C]"), STATES("image", "[B,R,C]"), { NULL },
};
const lac_kind lac_kind_condition_dropout = { "condition-dropout", "which samples learn without their conditions", dropout_keys, dropout_ports, "text, image",
                                              .compute = condition_dropout };
