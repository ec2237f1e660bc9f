#include "cli/probe/probe.h"

#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"

#include <string.h>

static float per_element(const lac_tensor *x) { return 1.0f / (float)lac_numel(x); }

static lac_tensor *mean_hinge(lac_tape *t, lac_tensor *x, lac_gan_term term, float weight)
{
    return lac_weighted_sum(t, (lac_tensor *[]){ lac_gan_loss(t, x, term) }, (float[]){ weight * per_element(x) }, 1);
}

static lac_status hinge_d(lac_probe *p, lac_tape *t)
{
    lac_tensor *real = lac_probe_tensor(p, "real"), *fake = lac_probe_tensor(p, "fake");
    lac_tensor *parts[2] = { mean_hinge(t, real, LAC_HINGE_REAL, 0.5f), mean_hinge(t, fake, LAC_HINGE_FAKE, 0.5f) };
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, parts, (float[]){ 1, 1 }, 2));
}

static lac_status hinge_g(lac_probe *p, lac_tape *t)
{
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, mean_hinge(t, lac_probe_tensor(p, "fake"), LAC_LOGIT_MINUS, 1));
}

static const lac_port hinge_d_ports[] = { { "real", LAC_LAYOUT_PLAIN, -1, LAC_PORT_F32, "[..]" }, { "fake", LAC_LAYOUT_PLAIN, -1, LAC_PORT_F32, "[..]" }, { NULL } };
static const lac_port hinge_g_ports[] = { { "fake", LAC_LAYOUT_PLAIN, -1, LAC_PORT_F32, "[..]" }, { NULL } };
const lac_kind lac_kind_loss_hinge_d = { "loss/hinge-d", "discriminator's hinge loss", NULL, hinge_d_ports, "loss", .forward = hinge_d };
const lac_kind lac_kind_loss_hinge_g = { "loss/hinge-g", "generator's hinge loss", NULL, hinge_g_ports, "loss", .forward = hinge_g };

static const lac_key l1_keys[] = {
    { "region", LAC_KEY_STR, "\"all\"", .choices = "all|hole|valid", .help = "where the difference counts" },
    { NULL },
};

/* C times the sum of the weights over the whole batch, from the mask as it came. */
static double weighed_elements(const lac_tensor *pred, const lac_tensor *mask, lac_region_kind region)
{
    double sum = 0;
    for (int64_t i = 0; i < lac_numel(mask); i++) {
        const double m = ((const float *)mask->data)[i];
        sum += region == LAC_REGION_HOLE ? m : 1 - m;
    }
    return sum * (double)pred->dim[3] * (double)(mask->dim[0] == 1 ? pred->dim[0] : 1);
}

static lac_status l1(lac_probe *p, lac_tape *t)
{
    const char *word = lac_config_str(p->config, "region");
    const lac_region_kind region = word[0] == 'a' ? LAC_REGION_ALL : word[0] == 'h' ? LAC_REGION_HOLE : LAC_REGION_VALID;
    lac_tensor *pred = lac_probe_tensor(p, "pred"), *mask = lac_probe_tensor(p, "mask");
    if ((mask == NULL) != (region == LAC_REGION_ALL))
        return LAC_FAIL(LAC_ERR_KEY, "input 'mask' is wanted exactly if region is not \"all\", region is \"%s\"", word);
    LAC_TRY(lac_probe_same_shape(p, "target", "pred"));
    lac_tensor *sum = lac_l1_loss(t, pred, lac_probe_tensor(p, "target"), mask, region, NULL);
    LAC_TRY(lac_tape_status(t));
    const double n = mask != NULL ? weighed_elements(pred, lac_probe_host(p, "mask"), region) + 1e-12 : (double)lac_numel(pred);
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, &sum, (float[]){ (float)(1 / n) }, 1));
}

static const lac_port l1_ports[] = {
    { "pred", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,C,H,W]" },
    { "target", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,C,H,W]" },
    { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_NO_GRAD | LAC_PORT_OPTIONAL, "[B or 1,1,H,W]" },
    { NULL },
};
const lac_kind lac_kind_loss_l1 = { "loss/l1", "mean absolute difference, whole or by region", l1_keys, l1_ports, "loss", .forward = l1 };

static const lac_key deepfill_keys[] = {
    { "l1_weight", LAC_KEY_NUM, "1", .help = "of both L1 terms" },
    { "gan_weight", LAC_KEY_NUM, "1", .help = "of -mean(fake)" },
    { NULL },
};

static lac_tensor *mean_l1(lac_tape *t, lac_tensor *x, lac_tensor *image)
{
    lac_tensor *sum = lac_l1_loss(t, x, image, NULL, LAC_REGION_ALL, NULL);
    return lac_weighted_sum(t, &sum, (float[]){ per_element(image) }, 1);
}

static lac_status deepfill_g(lac_probe *p, lac_tape *t)
{
    lac_tensor *image = lac_probe_tensor(p, "image");
    LAC_TRY(lac_probe_same_shape(p, "x1", "image"));
    LAC_TRY(lac_probe_same_shape(p, "x2", "image"));
    lac_tensor *part[3] = { mean_hinge(t, lac_probe_tensor(p, "fake"), LAC_LOGIT_MINUS, 1), mean_l1(t, lac_probe_tensor(p, "x1"), image),
                            mean_l1(t, lac_probe_tensor(p, "x2"), image) };
    const float l1_weight = (float)lac_config_num(p->config, "l1_weight");
    LAC_TRY(lac_probe_out(p, t, "gan", LAC_LAYOUT_PLAIN, part[0]));
    LAC_TRY(lac_probe_out(p, t, "l1_coarse", LAC_LAYOUT_PLAIN, part[1]));
    LAC_TRY(lac_probe_out(p, t, "l1_refine", LAC_LAYOUT_PLAIN, part[2]));
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN,
                         lac_weighted_sum(t, part, (float[]){ (float)lac_config_num(p->config, "gan_weight"), l1_weight, l1_weight }, 3));
}

static const lac_port deepfill_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,3,H,W]" }, { "x1", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,3,H,W]" },
    { "x2", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,3,H,W]" }, { "fake", LAC_LAYOUT_PLAIN, -1, LAC_PORT_F32, "[..]" }, { NULL },
};
const lac_kind lac_kind_loss_deepfill_g = { "loss/deepfill-g", "generator's loss of DeepFill v2", deepfill_keys, deepfill_ports,
                                            "gan, l1_coarse, l1_refine, loss", .forward = deepfill_g };
