/* What the program knows of LPIPS (models/network.h). */
#include "models/lpips/lpips.h"
#include "models/network.h"

static lac_status init(void *model, lac_params *ps, const json_t *config) { return lac_lpips_init(model, ps, config); }

const lac_network_def lac_network_lpips = {
    .name = "lpips", .about = "LPIPS: features of a frozen network and its linear heads", .keys = lac_lpips_keys, .size = sizeof(lac_lpips), .init = init,
};
