/* The UNets of latent diffusion. */
#include "cli/probe/probe.h"

#include "models/unet/config.h"

static const lac_port unet_ports[] = {
    { "sample", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_NUMBER | LAC_PORT_NO_GRAD, "[B]" },
    { "encoder_hidden_states", LAC_LAYOUT_PLAIN, 3, 0, "[B,T,cross_attention_dim]" }, { NULL },
};
static const lac_port ldm_ports[] = {
    { "sample", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" }, { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_NUMBER | LAC_PORT_NO_GRAD, "[B]" },
    { "encoder_hidden_states", LAC_LAYOUT_PLAIN, 3, LAC_PORT_OPTIONAL, "[B,T,context_dim]" }, { NULL },
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
                             .context = lac_probe_tensor(p, "encoder_hidden_states") };
    LAC_TRY(check_channels(p, u));
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
