#include "models/inpainter.h"

#include "models/deepfill/generator.h"

static lac_tensor *paint(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask)
{
    return lac_deepfill_forward(t, ip->network[0].model, image, mask).complete;
}

const lac_inpainter_def lac_inpainter_deepfill = {
    "deepfill", "DeepFill v2", .role = { { "generator", "deepfill" } }, .multiple = 8, .paint = paint,
};
