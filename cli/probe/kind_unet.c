/* The UNets of latent diffusion, and what CAT-Diffusion adds to them. */
#include "cli/probe/probe.h"

#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/repeat/repeat.h"
#include "models/unet/config.h"

#define LABELS { "class_labels", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64 | LAC_PORT_OPTIONAL, "[B]" }
static const lac_port unet_ports[] = {
    { "sample", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_NUMBER | LAC_PORT_NO_GRAD, "[B]" },
    { "encoder_hidden_states", LAC_LAYOUT_PLAIN, 3, 0, "[B,T,cross_attention_dim]" }, LABELS, { NULL },
};
static const lac_port ldm_ports[] = {
    { "sample", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_NUMBER | LAC_PORT_NO_GRAD, "[B]" },
    { "encoder_hidden_states", LAC_LAYOUT_PLAIN, 3, LAC_PORT_OPTIONAL, "[B,T,context_dim]" }, LABELS, { NULL },
};

static lac_status check_channels(const lac_probe *p, const lac_unet *u)
{
    const lac_tensor *x = lac_probe_host(p, "sample");
    return x->dim[3] == u->config.in && x->dim[1] > 0 && x->dim[2] > 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "input 'sample' must be [B,%lld,H,W] with pixels, found %lld channels of %lld x %lld", (long long)u->config.in,
                    (long long)x->dim[3], (long long)x->dim[1], (long long)x->dim[2]);
}

static lac_status forward(lac_probe *p, lac_tape *t)
{
    const lac_unet *u = lac_probe_model(p, 0);
    const lac_unet_in in = { .sample = lac_probe_tensor(p, "sample"), .timestep = lac_probe_tensor(p, "timestep"),
                             .context = lac_probe_tensor(p, "encoder_hidden_states"), .label = lac_probe_tensor(p, "class_labels") };
    LAC_TRY(check_channels(p, u));
    if (in.label != NULL && u->config.labels > 0)
        LAC_TRY(lac_context(lac_embedding_check(lac_probe_host(p, "class_labels"), u->config.labels, "class_labels"), "input"));
    return lac_probe_out(p, t, "sample", LAC_LAYOUT_IMAGE, lac_unet_forward(t, u, &in));
}

/* Its way up knows factors of two alone. */
static lac_status forward_ldm(lac_probe *p, lac_tape *t)
{
    const lac_unet *u = lac_probe_model(p, 0);
    const lac_tensor *x = lac_probe_host(p, "sample");
    const int64_t multiple = (int64_t)1 << (u->config.n_levels - 1);
    if (x->dim[1] % multiple != 0 || x->dim[2] % multiple != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'sample' is %lld x %lld, expected a multiple of %lld on both sides", (long long)x->dim[1], (long long)x->dim[2],
                        (long long)multiple);
    return forward(p, t);
}

const lac_kind lac_kind_unet2d_condition = { "unet2d-condition", "UNet of Stable Diffusion, diffusers' UNet2DConditionModel", lac_unet2d_condition_keys, unet_ports,
                                             "sample", .network = &lac_network_unet2d_condition, .forward = forward };
const lac_kind lac_kind_unet_ldm = { "unet-ldm", "UNet of latent diffusion, CompVis' openaimodel", lac_unet_ldm_keys, ldm_ports,
                                     "sample", .network = &lac_network_unet_ldm, .forward = forward_ldm };

/* ---- ref-unet: its config is diffusers' or, where it has model_channels, the released one */

enum { FUSION = 1024 };             /* the width of CLIP ViT-L/14 */

static const lac_port ref_ports[] = {
    { "sample", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { "timestep", LAC_LAYOUT_PLAIN, -1, LAC_PORT_NUMBER | LAC_PORT_NO_GRAD, "[] or [B]" },
    { "encoder_hidden_states", LAC_LAYOUT_PLAIN, 3, 0, "[B,T,cross_attention_dim]" }, { "fusion_out", LAC_LAYOUT_PLAIN, 3, 0, "[B,R,fusion_dim]" }, { NULL },
};

/* With RefAdapters, whatever the config leaves out. */
static lac_status open_ref(lac_probe *p, const lac_network_def *def, const char *prefix)
{
    if (json_is_null(json_object_get(p->config, "fusion_dim")) && json_object_set_new(p->config, "fusion_dim", json_integer(FUSION)) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    return lac_probe_network(p, def, NULL, prefix, NULL);
}

static lac_status open_ref_condition(lac_probe *p) { return open_ref(p, &lac_network_unet2d_condition, ""); }
static lac_status open_ref_ldm(lac_probe *p) { return open_ref(p, &lac_network_unet_ldm, "model.diffusion_model."); }

static lac_status forward_ref(lac_probe *p, lac_tape *t)
{
    const lac_unet *u = lac_probe_model(p, 0);
    lac_unet_in in = { .sample = lac_probe_tensor(p, "sample"), .timestep = lac_probe_tensor(p, "timestep"), .context = lac_probe_tensor(p, "encoder_hidden_states"),
                       .fusion = lac_probe_tensor(p, "fusion_out") };
    LAC_TRY(check_channels(p, u));
    if (in.timestep->ndim == 0)
        in.timestep = lac_repeat(t, in.timestep, in.sample->dim[0]);
    return lac_probe_out(p, t, "sample", LAC_LAYOUT_IMAGE, lac_unet_forward(t, u, &in));
}

#define REF_UNET "ref-unet", "UNet with a RefAdapter in every transformer block; fusion_dim null: 1024"
static const lac_kind ref_unet_ldm = { REF_UNET, lac_unet_ldm_keys, ref_ports, "sample", .open = open_ref_ldm, .forward = forward_ref };
const lac_kind lac_kind_ref_unet = { REF_UNET, lac_unet2d_condition_keys, ref_ports, "sample", .open = open_ref_condition, .forward = forward_ref,
                                     .other = &ref_unet_ldm, .told_by = "model_channels" };

/* ---- ref-adapter-block */

enum { WIDEST = 65536 };

static const lac_key block_keys[] = {
    { "dim", LAC_KEY_INT, "320", .min = 1, .max = WIDEST, .help = "of the tokens" },
    { "n_heads", LAC_KEY_INT, "8", .min = 1, .max = WIDEST, .help = "of every attention" },
    { "d_head", LAC_KEY_INT, "40", .min = 1, .max = WIDEST, .help = "width of a head" },
    { "context_dim", LAC_KEY_INT, "768", .min = 1, .max = WIDEST, .help = "width of the text's states" },
    { "fusion_dim", LAC_KEY_INT, "1024", .min = 1, .max = WIDEST, .help = "width of the visual prompt" },
    { NULL },
};

static lac_status init_block(void *model, lac_params *ps, const json_t *config)
{
    const int64_t heads = lac_config_int(config, "n_heads");
    return lac_transformer_block_init(model, ps, &(lac_transformer_widths){ lac_config_int(config, "dim"), heads * lac_config_int(config, "d_head"), heads,
                                                                            lac_config_int(config, "context_dim"), lac_config_int(config, "fusion_dim") });
}

static const lac_network_def block = { .name = "ref-adapter-block", .about = "a transformer block with RefAdapter", .keys = block_keys,
                                       .size = sizeof(lac_transformer_block), .init = init_block };

static const lac_port block_ports[] = {
    { "x", LAC_LAYOUT_PLAIN, 3, 0, "[B,T,dim]" }, { "context", LAC_LAYOUT_PLAIN, 3, 0, "[B,L,context_dim]" }, { "fusion_out", LAC_LAYOUT_PLAIN, 3, 0, "[B,R,fusion_dim]" },
    { NULL },
};

static lac_status check_tokens(const lac_probe *p, const char *name, const char *key)
{
    const lac_tensor *x = lac_probe_host(p, name);
    const long long n = lac_probe_host(p, "x")->dim[0], width = lac_config_int(p->config, key);
    return x->dim[0] == n && x->dim[1] > 0 && x->dim[2] == width ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "input '%s' must be [%lld,T,%lld] with tokens, found %s", name, n, width, lac_shape_str(x));
}

static lac_status forward_block(lac_probe *p, lac_tape *t)
{
    LAC_TRY(check_tokens(p, "x", "dim"));
    LAC_TRY(check_tokens(p, "context", "context_dim"));
    LAC_TRY(check_tokens(p, "fusion_out", "fusion_dim"));
    return lac_probe_out(p, t, "out", LAC_LAYOUT_PLAIN, lac_transformer_block_forward(t, lac_probe_model(p, 0), lac_probe_tensor(p, "x"),
                                                                                       &(lac_transformer_in){ lac_probe_tensor(p, "context"), lac_probe_tensor(p, "fusion_out"), NULL }));
}

const lac_kind lac_kind_ref_adapter_block = { "ref-adapter-block", "a transformer block between whose self- and cross-attention a RefAdapter reads a visual prompt", block_keys,
                                              block_ports, "out", .network = &block, .forward = forward_block };
