/* What the program knows of the patch discriminator (models/network.h). */
#include "models/patchgan/patchgan.h"
#include "models/network.h"

static lac_status init(void *model, lac_params *ps, const json_t *config) { return lac_patchgan_init(model, ps, config); }

const lac_network_def lac_network_patchgan = {
    .name = "patchgan", .about = "patch discriminator with batch normalisation", .keys = lac_patchgan_keys, .size = sizeof(lac_patchgan), .init = init,
};
