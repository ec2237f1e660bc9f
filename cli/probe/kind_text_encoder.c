/* Text and vision towers: CLIP's, and the encoder of Inst-Inpaint. */
#include "autograd/ops/embedding/embedding.h"
#include "cli/probe/probe.h"
#include "models/bert/encoder.h"
#include "models/clip/clip.h"

static const lac_port text_ports[] = { { "input_ids", LAC_LAYOUT_PLAIN, 2, LAC_PORT_I64, "[B,T]" }, { NULL } };
static const lac_port vision_ports[] = { { "pixel_values", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,S,S]" }, { NULL } };
static const lac_port model_ports[] = {
    { "input_ids", LAC_LAYOUT_PLAIN, 2, LAC_PORT_I64, "[Bt,T]" }, { "pixel_values", LAC_LAYOUT_IMAGE, 4, 0, "[Bi,C,S,S]" }, { NULL },
};

static lac_status check_ids(const lac_probe *p, int64_t positions, int64_t vocabulary)
{
    const lac_tensor *ids = lac_probe_host(p, "input_ids");
    if (ids->dim[1] < 1 || ids->dim[1] > positions)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'input_ids' has %lld tokens, expected 1 to %lld", (long long)ids->dim[1], (long long)positions);
    return lac_embedding_check(ids, vocabulary, "input 'input_ids'");
}

static lac_status check_image(const lac_probe *p, const lac_clip_vision_config *c)
{
    const lac_tensor *x = lac_probe_host(p, "pixel_values");
    if (x->dim[1] == c->image && x->dim[2] == c->image && x->dim[3] == c->channels)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_SHAPE, "input 'pixel_values' must be [B,%lld,%lld,%lld], found %lld channels of %lld x %lld", (long long)c->channels, (long long)c->image,
                    (long long)c->image, (long long)x->dim[3], (long long)x->dim[1], (long long)x->dim[2]);
}

static lac_status out(lac_probe *p, lac_tape *t, const char *name, lac_tensor *y) { return lac_probe_out(p, t, name, LAC_LAYOUT_PLAIN, y); }

static lac_status forward_text(lac_probe *p, lac_tape *t)
{
    const lac_clip_text *m = lac_probe_model(p, 0);
    LAC_TRY(check_ids(p, m->c.positions, m->c.vocabulary));
    const lac_clip_text_out y = lac_clip_text_forward(t, m, lac_probe_tensor(p, "input_ids"));
    LAC_TRY(out(p, t, "last_hidden_state", y.last));
    LAC_TRY(out(p, t, "pooler_output", y.pooled));
    return out(p, t, "penultimate_hidden_state", y.penultimate);
}

const lac_kind lac_kind_clip_text = { "clip-text", "CLIP's text transformer", lac_clip_text_keys, text_ports,
                                      "last_hidden_state, pooler_output, penultimate_hidden_state", .network = &lac_network_clip_text, .also = "flat",
                                      .forward = forward_text };

static lac_status forward_vision(lac_probe *p, lac_tape *t)
{
    const lac_clip_vision *m = lac_probe_model(p, 0);
    LAC_TRY(check_image(p, &m->c));
    const lac_clip_vision_out y = lac_clip_vision_forward(t, m, lac_probe_tensor(p, "pixel_values"));
    LAC_TRY(out(p, t, "last_hidden_state", y.last));
    LAC_TRY(out(p, t, "pooler_output", y.pooled));
    LAC_TRY(out(p, t, "image_embeds", y.embeds));
    return out(p, t, "penultimate_hidden_state", y.penultimate);
}

const lac_kind lac_kind_clip_vision = { "clip-vision", "CLIP's vision transformer", lac_clip_vision_keys, vision_ports,
                                        "last_hidden_state, pooler_output, image_embeds, penultimate_hidden_state", .network = &lac_network_clip_vision,
                                        .forward = forward_vision };

static lac_status forward_model(lac_probe *p, lac_tape *t)
{
    const lac_clip *m = lac_probe_model(p, 0);
    LAC_TRY(check_ids(p, m->text.c.positions, m->text.c.vocabulary));
    LAC_TRY(check_image(p, &m->vision.c));
    if (lac_probe_host(p, "input_ids")->dim[0] < 1 || lac_probe_host(p, "pixel_values")->dim[0] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "clip-model compares at least one of 'input_ids' and 'pixel_values'");
    lac_tensor *image = lac_clip_embed_image(t, m, lac_probe_tensor(p, "pixel_values")), *text = lac_clip_embed_text(t, m, lac_probe_tensor(p, "input_ids"));
    const lac_clip_similarity y = lac_clip_compare(t, m, image, text);
    LAC_TRY(out(p, t, "image_embeds", image));
    LAC_TRY(out(p, t, "text_embeds", text));
    LAC_TRY(out(p, t, "logits_per_image", y.per_image));
    LAC_TRY(out(p, t, "logits_per_text", y.per_text));
    return y.loss != NULL ? out(p, t, "loss", y.loss) : LAC_OK;
}

const lac_kind lac_kind_clip_model = { "clip-model", "CLIP: both towers and their similarity", lac_clip_model_keys, model_ports,
                                       "image_embeds, text_embeds, logits_per_image, logits_per_text, loss (as many texts as pictures)",
                                       .network = &lac_network_clip_model, .forward = forward_model };

static lac_status forward_bert(lac_probe *p, lac_tape *t)
{
    const lac_bert_encoder *m = lac_probe_model(p, 0);
    LAC_TRY(check_ids(p, m->positions, m->vocabulary));
    return out(p, t, "last_hidden_state", lac_bert_encoder_forward(t, m, lac_probe_tensor(p, "input_ids")));
}

const lac_kind lac_kind_bert_encoder = { "bert-encoder", "the text encoder of Inst-Inpaint", lac_bert_encoder_keys, text_ports, "last_hidden_state",
                                         .network = &lac_network_bert_encoder, .forward = forward_bert };
