#include "models/latent/parts.h"

#include "models/unet/unet.h"

lac_tensor *lac_denoise_unet(lac_tape *t, const void *model, lac_tensor *x, lac_tensor *timestep, lac_tensor *text)
{
    return lac_unet_forward(t, model, &(lac_unet_in){ .sample = x, .timestep = timestep, .context = text });
}
