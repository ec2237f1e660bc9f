/* What the program knows of the Inception network (models/network.h). */
#include "models/inception/inception.h"
#include "models/network.h"

static lac_status init(void *model, lac_params *ps, const json_t *config) { return lac_inception_init(model, ps, config); }

const lac_network_def lac_network_inception_fid = {
    .name = "inception-fid", .about = "TensorFlow's Inception network of 2015, of FID, KID and the Inception score", .keys = lac_inception_keys,
    .size = sizeof(lac_inception), .init = init,
};
