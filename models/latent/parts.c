#include "models/latent/parts.h"

#include "models/unet/unet.h"

lac_tensor *lac_denoise_unet(lac_tape *t, const void *model, const lac_denoise_in *in)
{
    return lac_unet_forward(t, model, &(lac_unet_in){ .sample = in->x, .timestep = in->timestep, .context = in->text, .fusion = in->visual, .label = in->label, .read = in->read });
}
