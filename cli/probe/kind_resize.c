#include "cli/probe/probe.h"

#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/resize/resize.h"
#include "core/config.h"

#include <string.h>

static bool is(const lac_probe *p, const char *key, const char *word) { return strcmp(lac_config_str(p->config, key), word) == 0; }

static const lac_key resize_keys[] = {
    { "height", LAC_KEY_INT, NULL, .min = 1, .max = INT32_MAX, .help = "rows of y" },
    { "width", LAC_KEY_INT, NULL, .min = 1, .max = INT32_MAX, .help = "columns of y" },
    { "mode", LAC_KEY_STR, "\"bilinear\"", .choices = "nearest|bilinear|bicubic|area", .help = "interpolation" },
    { "align_corners", LAC_KEY_BOOL, "false", .help = "positions j (in - 1) / (out - 1); nearest: TensorFlow's rule" },
    { NULL },
};

static lac_status resize_forward(lac_probe *p, lac_tape *t)
{
    const lac_resize_attr a = {
        .height = lac_config_int(p->config, "height"), .width = lac_config_int(p->config, "width"),
        .mode = is(p, "mode", "nearest") ? LAC_RESIZE_NEAREST : is(p, "mode", "bilinear") ? LAC_RESIZE_BILINEAR
              : is(p, "mode", "bicubic") ? LAC_RESIZE_BICUBIC : LAC_RESIZE_AREA,
        .align_corners = lac_config_bool(p->config, "align_corners") };
    return lac_probe_out(p, t, "y", LAC_LAYOUT_IMAGE, lac_resize(t, lac_probe_tensor(p, "x"), &a));
}

static const lac_port resize_ports[] = { { "x", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { NULL } };
const lac_kind lac_kind_resize = { "resize", "resampling of a feature map", resize_keys, resize_ports, "y", .forward = resize_forward };

static const lac_key attention_keys[] = {
    { "ksize", LAC_KEY_INT, "3", .min = 1, .max = INT32_MAX, .help = "side of the patches that are matched, odd" },
    { "rate", LAC_KEY_INT, "2", .min = 1, .max = INT32_MAX, .help = "matching happens at 1 / rate; divides H and W" },
    { "fuse", LAC_KEY_BOOL, "true", .help = "scores are summed along diagonals" },
    { "softmax_scale", LAC_KEY_NUM, "10", .help = "of the scores" },
    { "mode", LAC_KEY_STR, "\"tf\"", .choices = "tf|torch", .help = "nearest rule" },
    { "overlap", LAC_KEY_STR, "\"fixed\"", .choices = "fixed|exact", .help = "pasted patches divided by 4, or by how many cover the pixel" },
    { "masked_keys", LAC_KEY_STR, "\"zero\"", .choices = "zero|exclude", .help = "hole patches score 0, or leave the softmax" },
    { "mask_down", LAC_KEY_STR, "\"nearest\"", .choices = "nearest|max", .help = "how the mask is made smaller" },
    { NULL },
};

/* Of an odd window what can lie inside the map: the rest is zero for queries and keys alike. */
static int window(const lac_probe *p, const lac_tensor *f)
{
    const int64_t ksize = lac_config_int(p->config, "ksize"), rate = lac_config_int(p->config, "rate");
    const int64_t all = 2 * LAC_MAX(LAC_MAX(f->dim[1], f->dim[2]) / rate, 1) - 1;
    return (int)(ksize % 2 == 1 ? LAC_MIN(ksize, all) : ksize);
}

static lac_status attention_forward(lac_probe *p, lac_tape *t)
{
    const lac_contextual_attention_attr a = {
        .ksize = window(p, lac_probe_tensor(p, "f")), .rate = (int)lac_config_int(p->config, "rate"),
        .fuse = lac_config_bool(p->config, "fuse"), .softmax_scale = (float)lac_config_num(p->config, "softmax_scale"),
        .torch = is(p, "mode", "torch"), .exact_overlap = is(p, "overlap", "exact"),
        .exclude_masked = is(p, "masked_keys", "exclude"), .mask_max = is(p, "mask_down", "max") };
    return lac_probe_out(p, t, "y", LAC_LAYOUT_IMAGE,
                         lac_contextual_attention(t, lac_probe_tensor(p, "f"), lac_probe_tensor(p, "b"), lac_probe_tensor(p, "mask"), &a));
}

static const lac_port attention_ports[] = {
    { "f", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" },
    { "b", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B,C,H,W]" },
    { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_NO_GRAD, "[B or 1,1,H,W]" },
    { NULL },
};
const lac_kind lac_kind_contextual_attention = { "contextual-attention", "DeepFill's attention", attention_keys, attention_ports, "y",
                                                 .forward = attention_forward };
