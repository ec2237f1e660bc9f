#include "models/latent/texts.h"

typedef struct reading { const lac_network *encoder; lac_tensor *ids, *states; } reading;

static lac_status read_text(lac_tape *t, void *context)
{
    reading *r = context;
    lac_tensor *states = r->encoder->def->states(t, r->encoder->model, lac_tape_input(t, r->ids, LAC_I32));
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, states, &r->states);
}

lac_status lac_latent_ids(const lac_inpainter *ip, const lac_canvas *c, bool negative, lac_tensor **ids)
{
    const int64_t n = c->image.dim[0], length = lac_prompts_length(&ip->prompts);
    LAC_TRY(lac_tensor_new(ids, LAC_I32, 2, (int64_t[]){ n, length }));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        s = lac_prompts_ids(&ip->prompts, negative ? c->ask[i].negative : c->ask[i].prompt, (int32_t *)(*ids)->data + i * length, NULL);
    if (s == LAC_OK)
        return LAC_OK;
    lac_tensor_free(*ids);
    *ids = NULL;
    return s;
}

static lac_status states_of(const lac_inpainter *ip, const lac_network *encoder, lac_tape *t, const lac_canvas *c, bool negative, lac_tensor **states)
{
    reading r = { .encoder = encoder };
    LAC_TRY(lac_latent_ids(ip, c, negative, &r.ids));
    const lac_status s = lac_inpaint_region(ip, t, c, "text", read_text, &r);
    lac_tensor_free(r.ids);
    *states = r.states;
    return s;
}

lac_status lac_latent_texts(const lac_inpainter *ip, const lac_network *encoder, lac_tape *t, const lac_canvas *c, bool guided, lac_tensor **text, lac_tensor **no_text)
{
    if (encoder->def == NULL) {
        for (int64_t i = 0; i < c->image.dim[0]; i++)
            if (c->ask[i].prompt != NULL || c->ask[i].negative != NULL)
                return LAC_FAIL(LAC_ERR_ARG, "this %s has no text encoder: it takes no prompt", ip->def->name);
        return LAC_OK;
    }
    if (ip->prompts.tokenizer == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "this %s has a text encoder and no tokenizer", ip->def->name);
    LAC_TRY(states_of(ip, encoder, t, c, false, text));
    return guided ? states_of(ip, encoder, t, c, true, no_text) : LAC_OK;
}
