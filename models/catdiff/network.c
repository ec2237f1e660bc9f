/* What the program knows of SemInpainter (models/network.h). */
#include "models/catdiff/sem_inpainter.h"

#include "core/file/weights.h"
#include "models/network_format.h"

#include <string.h>

static lac_status init(void *model, lac_params *ps, const json_t *config)
{
    lac_sem_inpainter_config c;
    LAC_TRY(lac_sem_inpainter_configure(&c, config));
    return lac_sem_inpainter_init(model, ps, &c);
}

static void close_model(void *model) { lac_sem_inpainter_close(model); }

/* Released checkpoints have it beside the UNet, the autoencoder and both CLIP towers. */
static const char *recognises(const lac_weights *w) { return lac_weights_find(w, "fusion_model.embeddings.mask_embedding.weight") >= 0 ? "" : NULL; }

static bool not_of_fusion(const char *key) { return strncmp(key, "fusion_model.", strlen("fusion_model.")) != 0; }

/* Of a part that is not there: nothing. */
static json_t *mlp_of(const lac_weights *w, const char *key, const char *in, const char *out)
{
    if (lac_weights_find(w, key) < 0)
        return json_object();
    json_t *told = json_pack("{s:I, s:I}", "intermediate_size", (json_int_t)lac_foreign_dim(w, 0, "%s", key), in, (json_int_t)lac_foreign_dim(w, 1, "%s", key));
    if (out != NULL)
        json_object_set_new(told, out, json_integer(lac_foreign_dim(w, 1, "fusion_model.embeddings.mask_embedding.weight")));
    return told;
}

/* Heads are in no shape: CLIP's towers give each 64 channels. */
static lac_status infer(const lac_weights *w, const char *prefix, json_t *config)
{
    const int64_t width = lac_foreign_dim(w, 1, "fusion_model.embeddings.mask_embedding.weight"), tokens = lac_foreign_dim(w, 0, "fusion_model.embeddings.position_embedding.weight");
    int64_t layers = 0, side = 1;
    (void)prefix;
    while (side * side < tokens)
        side++;
    while (lac_foreign_dim(w, 0, "fusion_model.encoder.layers.%lld.mlp.fc1.weight", (long long)layers) > 0)
        layers++;
    json_t *told = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "hidden_size", (json_int_t)width, "intermediate_size",
                             (json_int_t)lac_foreign_dim(w, 0, "fusion_model.encoder.layers.0.mlp.fc1.weight"), "num_attention_heads", (json_int_t)(width >= 64 ? width / 64 : 1),
                             "num_hidden_layers", (json_int_t)layers, "image_size", (json_int_t)(14 * side), "patch_size", (json_int_t)14, "global_token",
                             lac_weights_find(w, "fusion_model.post_layernorm.weight") >= 0, "label_mlp",
                             mlp_of(w, "fusion_model.label_mlp.fc1.weight", "in_channels", "out_channels"), "spatial_mlp",
                             mlp_of(w, "fusion_model.spatial_mlp.fc1.weight", "hidden_size", NULL), "global_mlp",
                             mlp_of(w, "fusion_model.global_mlp.fc1.weight", "hidden_size", NULL));
    const bool failed = told == NULL || json_object_update(config, told) != 0;
    json_decref(told);
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}

static const lac_network_format formats[] = { { "probe", false, recognises, infer, NULL, not_of_fusion }, { NULL } };

const lac_network_def lac_network_sem_inpainter = {
    .name = "sem-inpainter", .about = "SemInpainter of CAT-Diffusion", .keys = lac_sem_inpainter_keys, .size = sizeof(lac_sem_inpainter), .init = init,
    .close = close_model, .formats = formats,
};
