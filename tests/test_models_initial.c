/* What networks that are trained from nothing begin with. */
#include "autograd/ops/backend_cpu.h"
#include "models/network.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

/* What published code begins with: uniform within `size`, or N(mean, size^2), or all of them `mean`. */
typedef enum { UNIFORM, NORMAL, CONSTANT } drawn;
typedef struct expected { const char *name; drawn how; double size, mean; } expected;

static void check_values(const lac_params *ps, const expected *e)
{
    const lac_param *p = lac_params_find(ps, e->name);
    LAC_CHECK(p != NULL);
    const int64_t n = lac_numel(p->value);
    float *x = malloc((size_t)n * sizeof *x);
    double mean = 0, square = 0, largest = 0;
    LAC_CHECK_STATUS(lac_param_get(p, x));
    for (int64_t i = 0; i < n; i++) {
        const double d = x[i] - e->mean;
        mean += d / (double)n;
        square += d * d / (double)n;
        largest = fmax(largest, fabs(d));
    }
    free(x);
    const double deviation = e->how == UNIFORM ? e->size / sqrt(3) : e->size;       /* of five standard errors: the seed is fixed */
    const bool good = e->how == CONSTANT ? largest < 1e-6
                    : fabs(mean) < 5 * deviation / sqrt((double)n) && fabs(square / (deviation * deviation) - 1) < 5 * sqrt(2 / (double)n) &&
                      (e->how == NORMAL || (largest <= e->size && largest > e->size * (1 - 20 / (double)n)));
    if (!good)
        print_error("%s: mean %g, deviation %g, at most %g from the mean\n", e->name, mean + e->mean, sqrt(square), largest);
    LAC_CHECK(good);
}

static void check_network(const char *name, const char *config, const expected *all)
{
    const lac_backend *cpu;
    const lac_network_def *def;
    lac_network net;
    json_t *c = json_loads(config, 0, NULL);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_network_find(&def, name));
    LAC_CHECK_STATUS(lac_network_make(&net, def, NULL, c, cpu, LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(net.params, 5));
    for (; all->name != NULL; all++)
        check_values(net.params, all);
    lac_network_close(&net);
    json_decref(c);
}

LAC_TEST(layers_begin_as_pytorch_makes_them)
{
    check_network("autoencoder-kl", "{\"block_out_channels\": [32, 64], \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"], "
                                    "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}",
                  (expected[]){ { "encoder.down_blocks.1.resnets.0.conv1.weight", UNIFORM, 1 / sqrt(9 * 32), 0 }, { "encoder.down_blocks.1.resnets.0.conv1.bias", UNIFORM, 1 / sqrt(9 * 32), 0 },
                                { "encoder.mid_block.attentions.0.to_q.weight", UNIFORM, 0.125, 0 }, { "encoder.mid_block.attentions.0.to_q.bias", UNIFORM, 0.125, 0 },
                                { "decoder.conv_norm_out.weight", CONSTANT, 0, 1 }, { NULL, CONSTANT, 0, 0 } });
    check_network("vqgan", "{\"embed_dim\": 4, \"n_embed\": 100, \"ddconfig\": {\"ch\": 32, \"ch_mult\": [1], \"num_res_blocks\": 1, \"attn_resolutions\": [], \"resolution\": 8, \"z_channels\": 4}}",
                  (expected[]){ { "quantize.embedding.weight", UNIFORM, 0.01, 0 }, { "decoder.mid.attn_1.q.weight", UNIFORM, 1 / sqrt(32), 0 }, { NULL, CONSTANT, 0, 0 } });
}

LAC_TEST(a_denoisers_branches_begin_as_nothing)
{
    check_network("unet2d-condition", "{\"block_out_channels\": [32, 64], \"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"], \"layers_per_block\": 1, "
                                      "\"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"], \"cross_attention_dim\": 16}",
                  (expected[]){ { "time_embedding.linear_1.weight", UNIFORM, 1 / sqrt(32), 0 }, { "down_blocks.0.resnets.0.conv1.weight", UNIFORM, 1 / sqrt(9 * 32), 0 },
                                { "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", UNIFORM, 0.25, 0 }, { "down_blocks.0.resnets.0.conv2.weight", CONSTANT, 0, 0 },
                                { "down_blocks.0.resnets.0.conv2.bias", CONSTANT, 0, 0 }, { "down_blocks.0.attentions.0.proj_out.weight", CONSTANT, 0, 0 },
                                { "down_blocks.0.attentions.0.proj_out.bias", CONSTANT, 0, 0 }, { "conv_out.weight", CONSTANT, 0, 0 }, { "conv_out.bias", CONSTANT, 0, 0 }, { NULL, CONSTANT, 0, 0 } });
}

LAC_TEST(towers_begin_as_transformers_makes_them)
{
    check_network("clip-model", "{\"projection_dim\": 48, \"text_config\": {\"hidden_size\": 32, \"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"vocab_size\": 500}, "
                                "\"vision_config\": {\"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 8, \"num_attention_heads\": 2, \"image_size\": 32, \"patch_size\": 8}}",
                  (expected[]){ { "text_model.embeddings.token_embedding.weight", NORMAL, 0.02, 0 }, { "text_model.encoder.layers.1.self_attn.q_proj.weight", NORMAL, 1 / sqrt(4 * 32), 0 },
                                { "text_model.encoder.layers.1.self_attn.q_proj.bias", CONSTANT, 0, 0 }, { "vision_model.encoder.layers.7.self_attn.out_proj.weight", NORMAL, 0.125, 0 },
                                { "vision_model.encoder.layers.7.mlp.fc1.weight", NORMAL, 1 / sqrt(128), 0 }, { "vision_model.encoder.layers.7.mlp.fc2.weight", NORMAL, 1 / sqrt(16 * 64), 0 },
                                { "vision_model.embeddings.class_embedding", NORMAL, 0.125, 0 }, { "vision_model.embeddings.patch_embedding.weight", NORMAL, 0.02, 0 },
                                { "text_projection.weight", NORMAL, 1 / sqrt(32), 0 }, { "visual_projection.weight", NORMAL, 0.125, 0 }, { "logit_scale", CONSTANT, 0, log(1 / 0.07) },
                                { NULL, CONSTANT, 0, 0 } });
    check_network("bert-encoder", "{\"n_embed\": 32, \"n_layer\": 1, \"vocab_size\": 500}",
                  (expected[]){ { "token_emb.weight", NORMAL, 0.02, 0 }, { "attn_layers.layers.0.1.to_q.weight", UNIFORM, 1 / sqrt(32), 0 }, { NULL, CONSTANT, 0, 0 } });
}

LAC_TEST(a_patch_discriminator_begins_as_published)
{
    check_network("patchgan", "{\"ndf\": 16}",
                  (expected[]){ { "main.0.weight", NORMAL, 0.02, 0 }, { "main.0.bias", UNIFORM, 1 / sqrt(48), 0 }, { "main.3.weight", NORMAL, 0.02, 1 }, { "main.3.bias", CONSTANT, 0, 0 },
                                { NULL, CONSTANT, 0, 0 } });
}
