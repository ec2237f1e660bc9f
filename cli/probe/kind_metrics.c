/* Pixel metrics, one value per picture. */
#include "cli/probe/probe.h"

#include "eval/metric_l1.h"
#include "eval/metric_ms_ssim.h"
#include "eval/metric_mse.h"
#include "eval/metric_psnr.h"
#include "eval/metric_ssim.h"
#include "eval/metric_tv.h"

#include <string.h>

#define RANGE_KEY { "range", LAC_KEY_NUM, "1", .min = 1, .max = 255, .help = "1 or 255: of the pixel values" }
#define REGION_KEY { "region", LAC_KEY_STR, "\"whole\"", .choices = "whole|hole|known", .help = "pixels that count" }
#define VARIANT_KEY { "variant", LAC_KEY_STR, "\"region\"", .choices = "region|brushnet", .help = "mean over values, or BrushNet's over known pixels" }

static const lac_key mse_keys[] = { RANGE_KEY, REGION_KEY, VARIANT_KEY, { NULL } };
static const lac_key range_keys[] = { RANGE_KEY, REGION_KEY, { NULL } };
static const lac_key psnr_keys[] = { REGION_KEY, VARIANT_KEY, { NULL } };
static const lac_key ssim_keys[] = {
    { "variant", LAC_KEY_STR, "\"valid\"", .choices = "valid|zero|reflect|uniform7", .help = "window and border" }, REGION_KEY, { NULL },
};

static const lac_key ms_ssim_keys[] = {
    { "variant", LAC_KEY_STR, "\"valid\"", .choices = "valid|reflect", .help = "windows inside the picture, or mirrored borders" }, { NULL },
};

#define IMAGES(name) { name, LAC_LAYOUT_PLAIN, 4, LAC_PORT_U8, "[N,H,W,3]" }
#define MASKS { "mask", LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8 | LAC_PORT_OPTIONAL, "[N,H,W]" }
static const lac_port paired_ports[] = { IMAGES("image"), IMAGES("reference"), MASKS, { NULL } };
static const lac_port whole_ports[] = { IMAGES("image"), IMAGES("reference"), { NULL } };
static const lac_port single_ports[] = { IMAGES("image"), MASKS, { NULL } };

typedef lac_status measure(const lac_probe *p, const lac_pair *pair, lac_region region, lac_value *value);

static bool is(const lac_probe *p, const char *key, const char *word) { return strcmp(lac_config_str(p->config, key), word) == 0; }

static lac_status check(const lac_probe *p, const lac_tensor *image, const lac_tensor *reference, const lac_tensor *mask, lac_region region)
{
    if (image->dim[3] != 3)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' must be [N,H,W,3], found %s", lac_shape_str(image));
    if (reference != NULL && !lac_same_shape(image, reference))
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'reference' is %s, expected %s as 'image'", lac_shape_str(reference), lac_shape_str(image));
    if (mask != NULL && memcmp(mask->dim, image->dim, 3 * sizeof *mask->dim) != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'mask' is %s, expected [N,H,W] of 'image' %s", lac_shape_str(mask), lac_shape_str(image));
    if (mask == NULL && region != LAC_WHOLE)
        return LAC_FAIL(LAC_ERR_KEY, "input 'mask' is missing: region \"%s\" wants it", lac_config_str(p->config, "region"));
    if (lac_config_has(p->config, "range") && lac_config_num(p->config, "range") != 1 && lac_config_num(p->config, "range") != 255)
        return LAC_FAIL(LAC_ERR_CONFIG, "'range' must be 1 or 255, found %g", lac_config_num(p->config, "range"));
    return LAC_OK;
}

static lac_status each_picture(lac_probe *p, lac_region region, measure *f)
{
    const lac_tensor *image = lac_probe_host(p, "image"), *reference = lac_probe_host(p, "reference"), *mask = lac_probe_host(p, "mask");
    LAC_TRY(check(p, image, reference, mask, region));
    const int64_t n = image->dim[0], pixels = image->dim[1] * image->dim[2];
    lac_tensor *value;
    LAC_TRY(lac_probe_result(p, "value", LAC_F64, 1, &n, &value));
    for (int64_t i = 0; i < n; i++) {
        const lac_pair pair = { image->dim[1], image->dim[2], (uint8_t *)image->data + i * pixels * 3,
                                (uint8_t *)(reference ? reference : image)->data + i * pixels * 3,
                                mask ? (uint8_t *)mask->data + i * pixels : NULL };
        lac_value v;
        LAC_TRY(f(p, &pair, region, &v));
        ((double *)value->data)[i] = v.value;
    }
    return LAC_OK;
}

static lac_region region_of(const lac_probe *p) { return is(p, "region", "whole") ? LAC_WHOLE : is(p, "region", "hole") ? LAC_HOLE : LAC_KNOWN; }

static lac_status one_mse(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    *v = is(p, "variant", "brushnet") ? lac_mse_brushnet(x) : lac_mse(x, r, lac_config_num(p->config, "range"));
    return LAC_OK;
}

static lac_status one_l1(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    *v = lac_l1(x, r, lac_config_num(p->config, "range"));
    return LAC_OK;
}

static lac_status one_psnr(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    *v = is(p, "variant", "brushnet") ? lac_psnr_brushnet(x) : lac_psnr(x, r);
    return LAC_OK;
}

static lac_status one_tv(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    *v = lac_tv(x, r, lac_config_num(p->config, "range"));
    return LAC_OK;
}

static lac_status one_ssim(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    const int variant = is(p, "variant", "valid") ? LAC_SSIM_VALID : is(p, "variant", "zero") ? LAC_SSIM_ZERO
                      : is(p, "variant", "reflect") ? LAC_SSIM_REFLECT : LAC_SSIM_UNIFORM7;
    return lac_ssim(x, r, variant, v);
}

static lac_status one_ms_ssim(const lac_probe *p, const lac_pair *x, lac_region r, lac_value *v)
{
    (void)r;
    if (LAC_MIN(x->height, x->width) < LAC_MS_SSIM_SIDE)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' is %lld x %lld: ms-ssim wants sides of at least %d", (long long)x->height, (long long)x->width, LAC_MS_SSIM_SIDE);
    return lac_ms_ssim(x, is(p, "variant", "reflect") ? LAC_SSIM_REFLECT : LAC_SSIM_VALID, v);
}

/* BrushNet's variants always look at the known pixels. */
static lac_region region_or_known(const lac_probe *p) { return is(p, "variant", "brushnet") ? LAC_KNOWN : region_of(p); }

static lac_status mse(lac_probe *p) { return each_picture(p, region_or_known(p), one_mse); }
static lac_status psnr(lac_probe *p) { return each_picture(p, region_or_known(p), one_psnr); }
static lac_status l1(lac_probe *p) { return each_picture(p, region_of(p), one_l1); }
static lac_status tv(lac_probe *p) { return each_picture(p, region_of(p), one_tv); }
static lac_status ms_ssim(lac_probe *p) { return each_picture(p, LAC_WHOLE, one_ms_ssim); }
static lac_status ssim(lac_probe *p) { return each_picture(p, region_of(p), one_ssim); }

const lac_kind lac_kind_mse = { "mse", "mean squared error", mse_keys, paired_ports, "value", .compute = mse };
const lac_kind lac_kind_l1 = { "l1", "mean absolute error", range_keys, paired_ports, "value", .compute = l1 };
const lac_kind lac_kind_psnr = { "psnr", "peak signal-to-noise ratio in dB", psnr_keys, paired_ports, "value", .compute = psnr };
const lac_kind lac_kind_tv = { "tv", "total variation", range_keys, single_ports, "value", .compute = tv };
const lac_kind lac_kind_ssim = { "ssim", "structural similarity", ssim_keys, paired_ports, "value", .compute = ssim };
const lac_kind lac_kind_ms_ssim = { "ms-ssim", "structural similarity over five scales", ms_ssim_keys, whole_ports, "value", .compute = ms_ssim };
