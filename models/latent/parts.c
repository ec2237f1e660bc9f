#include "models/latent/parts.h"

#include "models/unet/unet.h"

lac_tensor *lac_denoise_unet(lac_tape *t, const void *model, lac_tensor *x, lac_tensor *timestep, lac_tensor *text)
{
    return lac_unet_forward(t, model, &(lac_unet_in){ .sample = x, .timestep = timestep, .context = text });
}

lac_tensor *lac_text_states(lac_tape *t, const lac_network *encoder, lac_tensor *ids)
{
    if (encoder->def->states == NULL)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "the network '%s' is no text encoder", encoder->def->name));
    return encoder->def->states(t, encoder->model, ids);
}
