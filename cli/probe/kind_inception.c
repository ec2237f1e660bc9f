/* The Inception network of FID, from 8-bit pictures of any size. */
#include "cli/probe/probe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "core/memory.h"
#include "models/inception/inception.h"
#include "models/inception/input.h"

static const lac_key keys[] = {
    { "recipe", LAC_KEY_STR, "\"pytorch-fid\"", .choices = LAC_INCEPTION_RECIPES, .help = "how a picture becomes what the network receives" },
    { NULL },
};

/* Bytes in the file; open puts what the network receives in their place. */
static const lac_port ports[] = { { "image", LAC_LAYOUT_PLAIN, 4, LAC_PORT_U8 | LAC_PORT_F32, "[N,H,W,3]" }, { NULL } };

static lac_status prepare(lac_tensor *to, const lac_tensor *image, lac_inception_recipe recipe)
{
    const int64_t h = image->dim[1], w = image->dim[2], side = LAC_INCEPTION_SIDE;
    for (int64_t i = 0; i < image->dim[0]; i++)
        LAC_TRY(lac_context(lac_inception_input((float *)to->data + i * side * side * 3, (const uint8_t *)image->data + i * h * w * 3, h, w, recipe),
                            "input 'image'"));
    return LAC_OK;
}

static lac_status open(lac_probe *p)
{
    lac_inception_recipe recipe;
    lac_tensor *image = p->input[0].host, *received;
    p->net[0].params->frozen = true;
    LAC_TRY(lac_inception_recipe_named(&recipe, lac_config_str(p->config, "recipe")));
    LAC_TRY(lac_tensor_new(&received, LAC_F32, 4, (int64_t[]){ image->dim[0], LAC_INCEPTION_SIDE, LAC_INCEPTION_SIDE, 3 }));
    p->input[0].host = received;
    const lac_status s = prepare(received, image, recipe);
    lac_tensor_free(image);
    return s;
}

static lac_status forward(lac_probe *p, lac_tape *t)
{
    static const lac_channel_affine_attr same = { { 1, 1, 1 }, { 0, 0, 0 }, LAC_BF16 };
    lac_tensor *x = lac_probe_tensor(p, "image");
    lac_inception_features f;
    LAC_TRY(lac_probe_out(p, t, "input", LAC_LAYOUT_IMAGE, x));
    lac_inception_forward(t, lac_probe_model(p, 0), p->dtype == LAC_BF16 ? lac_channel_affine(t, x, &same) : x, LAC_INCEPTION_ALL, &f);
    LAC_TRY(lac_probe_out(p, t, "feat64", LAC_LAYOUT_PLAIN, f.feature64));
    LAC_TRY(lac_probe_out(p, t, "feat192", LAC_LAYOUT_PLAIN, f.feature192));
    LAC_TRY(lac_probe_out(p, t, "feat768", LAC_LAYOUT_PLAIN, f.feature768));
    LAC_TRY(lac_probe_out(p, t, "pool3", LAC_LAYOUT_PLAIN, f.pool3));
    LAC_TRY(lac_probe_out(p, t, "logits_unbiased", LAC_LAYOUT_PLAIN, f.logits_unbiased));
    return lac_probe_out(p, t, "logits", LAC_LAYOUT_PLAIN, f.logits);
}

const lac_kind lac_kind_inception_fid = { "inception-fid", "the Inception network of FID", keys, ports, "input, feat64, feat192, feat768, pool3, logits_unbiased, logits",
                                          .network = &lac_network_inception_fid, .open = open, .forward = forward };
