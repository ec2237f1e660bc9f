/* SemInpainter of CAT-Diffusion. Its UNet is in kind_unet.c. */
#include "cli/probe/probe.h"

#include "models/catdiff/sem_inpainter.h"

static const lac_port sem_ports[] = {
    { "spatial_features", LAC_LAYOUT_PLAIN, 3, 0, "[B,1+N,C]" }, { "mask_values", LAC_LAYOUT_IMAGE, 4, LAC_PORT_INTEGER | LAC_PORT_NO_GRAD, "[B,1,S,S]" },
    { "label_pooled", LAC_LAYOUT_PLAIN, 3, 0, "[B,text_tokens,in_channels]" }, { "global_pooled", LAC_LAYOUT_PLAIN, 3, LAC_PORT_OPTIONAL, "[B,1,C]" }, { NULL },
};

static lac_status check_binary(const lac_probe *p, const char *name)
{
    const lac_tensor *x = lac_probe_host(p, name);
    const float *m = x->data;
    for (int64_t i = 0; i < lac_numel(x); i++)
        if (m[i] != 0 && m[i] != 1)
            return LAC_FAIL(LAC_ERR_ARG, "input '%s' holds %.0f, expected 0 and 1 alone", name, (double)m[i]);
    return LAC_OK;
}

static lac_status out(lac_probe *p, lac_tape *t, const char *name, lac_tensor *y) { return lac_probe_out(p, t, name, LAC_LAYOUT_PLAIN, y); }

static lac_status forward_sem(lac_probe *p, lac_tape *t)
{
    const lac_sem_inpainter *m = lac_probe_model(p, 0);
    LAC_TRY(check_binary(p, "mask_values"));
    const lac_sem_inpainter_out y = lac_sem_inpainter_forward(t, m, &(lac_sem_inpainter_in){
        lac_probe_tensor(p, "spatial_features"), lac_probe_tensor(p, "mask_values"), lac_probe_tensor(p, "label_pooled"), lac_probe_tensor(p, "global_pooled") });
    LAC_TRY(out(p, t, "spatial_output", y.spatial));
    if (m->c.global_token)
        LAC_TRY(out(p, t, "pooled_output", y.pooled));
    return out(p, t, "label_out", y.label);
}

const lac_kind lac_kind_sem_inpainter = { "sem-inpainter", "CLIP's patch features of what is to be painted (CAT-Diffusion)", lac_sem_inpainter_keys, sem_ports,
                                          "spatial_output, pooled_output, label_out", .network = &lac_network_sem_inpainter, .forward = forward_sem };
