#include "models/inpainter.h"

#include "core/memory.h"
#include "models/deepfill/generator.h"

static lac_status open(lac_inpainter *ip, const json_t *config)
{
    lac_deepfill_config c;
    LAC_TRY(lac_deepfill_configure(&c, config));
    LAC_TRY(lac_calloc(&ip->model, 1, sizeof(lac_deepfill)));
    return lac_deepfill_init(ip->model, ip->params, &c);
}

static lac_tensor *paint(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask)
{
    return lac_deepfill_forward(t, ip->model, image, mask).complete;
}

const lac_inpainter_def lac_inpainter_deepfill = {
    "deepfill", "DeepFill v2", .keys = lac_deepfill_keys, .multiple = 8, .open = open, .paint = paint,
};
