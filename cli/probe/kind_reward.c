/* What scores a picture for its prompt as people would: ImageReward and HPS v2, of the sizes that the weights have. */
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/embedding/embedding.h"
#include "cli/probe/probe.h"
#include "models/clip/clip.h"
#include "models/network_format.h"
#include "models/reward/image_reward.h"

#define HEADS(key, text) { key, LAC_KEY_INT, "0", .min = 0, .max = 1 << 16, .help = text }
static const lac_key image_reward_keys[] = { HEADS("vision_heads", "of the vision tower; 0: its width over 64"), HEADS("text_heads", "of the text tower; likewise"), { NULL } };
static const lac_key hps_keys[] = { HEADS("vision_heads", "of the vision tower; 0: its width over 80"), HEADS("text_heads", "of the text tower; 0: its width over 64"), { NULL } };

static const lac_port ports[] = {
    { "pixel_values", LAC_LAYOUT_IMAGE, 4, 0, "[N,3,S,S]" }, { "input_ids", LAC_LAYOUT_PLAIN, 2, LAC_PORT_I64, "[N,T]" }, { NULL },
};

/* ---- opening ---- */

/* The number of heads is the one thing that shapes do not tell. */
static lac_status set_heads(const lac_probe *p, json_t *config)
{
    json_t *vision = json_object_get(config, "vision_config"), *text = json_object_get(config, "text_config");
    const char *const of_clip = "num_attention_heads";
    LAC_TRY(lac_foreign_tells(vision != NULL ? vision : config, vision != NULL ? of_clip : "vision_heads", lac_config_int(p->config, "vision_heads")));
    return lac_foreign_tells(text != NULL ? text : config, text != NULL ? of_clip : "text_heads", lac_config_int(p->config, "text_heads"));
}

static lac_status open_as_published(lac_probe *p, const lac_weights *w, const lac_network_def *def)
{
    json_t *config = json_object();
    p->format = &def->formats[0];
    lac_status s = p->format->recognises(w) == NULL ? LAC_FAIL(LAC_ERR_KEY, "these are not the keys of '%s'", def->name)
                 : config == NULL                   ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config")
                                                    : p->format->infer(w, "", config);
    if (s == LAC_OK)
        s = set_heads(p, config);
    if (s == LAC_OK)
        s = lac_probe_network(p, def, def->name, "", config);
    json_decref(config);
    return s;
}

static lac_status open_weights(lac_probe *p, const lac_network_def *def)
{
    lac_weights *w;
    if (p->weights_path == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "%s wants --weights FILE", p->kind->name);
    LAC_TRY(lac_weights_open(&w, p->weights_path));
    const lac_status s = lac_context(open_as_published(p, w, def), "loading '%s'", p->weights_path);
    lac_weights_close(w);
    return s;
}

static lac_status open_image_reward(lac_probe *p) { return open_weights(p, &lac_network_image_reward); }
static lac_status open_hps(lac_probe *p) { return open_weights(p, &lac_network_hps); }

static lac_status check(const lac_probe *p, int64_t side, int64_t channels, int64_t positions, int64_t vocabulary)
{
    const lac_tensor *x = lac_probe_host(p, "pixel_values"), *ids = lac_probe_host(p, "input_ids");
    if (x->dim[1] != side || x->dim[2] != side || x->dim[3] != channels)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'pixel_values' is [%lld,%lld,%lld,%lld], expected [N,%lld,%lld,%lld]", (long long)x->dim[0], (long long)x->dim[3], (long long)x->dim[1],
                        (long long)x->dim[2], (long long)channels, (long long)side, (long long)side);
    if (ids->dim[0] != x->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'input_ids' has %lld texts, expected %lld, one for each of 'pixel_values'", (long long)ids->dim[0], (long long)x->dim[0]);
    if (ids->dim[1] < 1 || ids->dim[1] > positions)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'input_ids' has %lld tokens, expected 1 to %lld", (long long)ids->dim[1], (long long)positions);
    return lac_embedding_check(ids, vocabulary, "input 'input_ids'");
}

/* ---- image-reward ---- */

/* Tokens of a text before its padding, which is 0; the first is always one. */
static int64_t length_of(const int64_t *ids, int64_t n)
{
    while (n > 1 && ids[n - 1] == 0)
        n--;
    return n;
}

/* One text at a time, without its padding. */
static lac_tensor *judge_each(lac_probe *p, lac_tape *t, const lac_image_reward *m, lac_tensor *states, lac_tensor **hidden)
{
    const lac_tensor *host = lac_probe_host(p, "input_ids");
    lac_tensor *ids = lac_probe_tensor(p, "input_ids"), *value = NULL;
    const int64_t length = host->dim[1], total = lac_numel(host);
    *hidden = NULL;
    ids = lac_reshape(t, ids, 1, &total);
    for (int64_t i = 0; i < host->dim[0]; i++) {
        const int64_t n = length_of((const int64_t *)host->data + i * length, length);
        lac_tensor *h, *text = lac_reshape(t, lac_rows(t, ids, i * length, n), 2, (int64_t[]){ 1, n });
        lac_tensor *v = lac_image_reward_judge(t, m, text, lac_rows(t, states, i, 1), &h);
        *hidden = i == 0 ? h : lac_concat(t, (lac_tensor *[]){ *hidden, h }, 2, 0);
        value = i == 0 ? v : lac_concat(t, (lac_tensor *[]){ value, v }, 2, 0);
    }
    return value;
}

static lac_status forward_image_reward(lac_probe *p, lac_tape *t)
{
    const lac_image_reward *m = lac_probe_model(p, 0);
    const int64_t n = lac_probe_host(p, "input_ids")->dim[0];
    LAC_TRY(check(p, m->vision.c.image, m->vision.c.channels, m->text.c.positions, m->text.c.vocabulary));
    lac_tensor *states = lac_image_reward_see(t, m, lac_probe_tensor(p, "pixel_values")), *hidden;
    lac_tensor *value = n > 0 ? judge_each(p, t, m, states, &hidden) : lac_image_reward_judge(t, m, lac_probe_tensor(p, "input_ids"), states, &hidden);
    LAC_TRY(lac_probe_out(p, t, "image_states", LAC_LAYOUT_PLAIN, states));
    LAC_TRY(lac_probe_out(p, t, "hidden", LAC_LAYOUT_PLAIN, hidden));
    return lac_probe_out(p, t, "value", LAC_LAYOUT_PLAIN, lac_reshape(t, value, 1, &n));
}

/* ---- hps ---- */

static lac_status forward_hps(lac_probe *p, lac_tape *t)
{
    const lac_clip *m = lac_probe_model(p, 0);
    LAC_TRY(check(p, m->vision.c.image, m->vision.c.channels, m->text.c.positions, m->text.c.vocabulary));
    LAC_TRY(lac_probe_out(p, t, "image_embeds", LAC_LAYOUT_PLAIN, lac_clip_embed_image(t, m, lac_probe_tensor(p, "pixel_values"))));
    return lac_probe_out(p, t, "text_embeds", LAC_LAYOUT_PLAIN, lac_clip_embed_text(t, m, lac_probe_tensor(p, "input_ids")));
}

const lac_kind lac_kind_image_reward = { "image-reward", "ImageReward in its own layout, of the size that the weights have; ids of 0 at a text's end are padding", image_reward_keys, ports,
                                         "image_states, hidden, value", .open = open_image_reward, .forward = forward_image_reward };
const lac_kind lac_kind_hps = { "hps", "HPS v2 in OpenCLIP's layout, of the size that the weights have", hps_keys, ports, "image_embeds, text_embeds (of length 1)",
                                .open = open_hps, .forward = forward_hps };
