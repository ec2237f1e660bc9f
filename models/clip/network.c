/* What the program knows of CLIP's towers (models/network.h). */
#include "models/clip/clip.h"
#include "models/clip/formats.h"
#include "models/network_folder.h"

#include <math.h>

static lac_status init_text(void *model, lac_params *ps, const json_t *config)
{
    lac_clip_text_config c;
    LAC_TRY(lac_clip_text_configure(&c, config));
    return lac_clip_text_init(model, ps, &c);
}

static lac_status init_vision(void *model, lac_params *ps, const json_t *config)
{
    lac_clip_vision_config c;
    LAC_TRY(lac_clip_vision_configure(&c, config));
    return lac_clip_vision_init(model, ps, &c);
}

static lac_status init_model(void *model, lac_params *ps, const json_t *config)
{
    lac_clip *m = model;
    lac_clip_text_config text;
    lac_clip_vision_config vision;
    m->params = ps;
    m->text_projection.no_bias = true;
    LAC_TRY(lac_context(lac_clip_text_configure(&text, lac_config_at(config, "text_config")), "text_config"));
    LAC_TRY(lac_context(lac_clip_vision_configure(&vision, lac_config_at(config, "vision_config")), "vision_config"));
    vision.projection = lac_config_int(config, "projection_dim");
    LAC_TRY(lac_clip_text_init(&m->text, ps, &text));
    LAC_TRY(lac_clip_vision_init(&m->vision, ps, &vision));
    LAC_TRY(lac_linear_layer_init(&m->text_projection, ps, "text_projection", text.encoder.width, vision.projection));
    lac_param_normal(m->text_projection.weight, 0, 1 / sqrt((double)text.encoder.width));
    LAC_TRY(lac_param_new(ps, &m->logit_scale, LAC_ROLE_OTHER, 0, NULL, LAC_INIT_ONE, LAC_PARAM_F32, "logit_scale"));
    m->logit_scale->gain = logf(1 / 0.07f);
    return LAC_OK;
}

static void close_text(void *model) { lac_clip_text_close(model); }
static void close_vision(void *model) { lac_clip_vision_close(model); }

static void close_model(void *model)
{
    lac_clip *m = model;
    lac_clip_text_close(&m->text);
    lac_clip_vision_close(&m->vision);
}

static lac_status describe_text(const json_t *config, json_t *published)
{
    (void)config;
    return json_object_set_new(published, "model_type", json_string("clip_text_model")) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json");
}

static lac_status describe_vision(const json_t *config, json_t *published)
{
    (void)config;
    return json_object_set_new(published, "model_type", json_string("clip_vision_model")) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json");
}

static lac_status describe_model(const json_t *config, json_t *published)
{
    (void)config;
    return json_object_set_new(published, "model_type", json_string("clip")) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json");
}

static const lac_network_folder text_folder = { "transformers", "model.safetensors", (const char *const[]){ "CLIPTextModel", NULL }, describe_text, NULL };
static const lac_network_folder vision_folder = { "transformers", "model.safetensors", (const char *const[]){ "CLIPVisionModelWithProjection", NULL }, describe_vision, NULL };
static const lac_network_folder model_folder = { "transformers", "model.safetensors", (const char *const[]){ "CLIPModel", NULL }, describe_model, NULL };

static lac_tensor *text_states(lac_tape *t, const void *model, lac_tensor *ids) { return lac_clip_text_forward(t, model, ids).last; }

static void text_reads(const void *model, int64_t *vocabulary, int64_t *length)
{
    const lac_clip_text *m = model;
    *vocabulary = m->c.vocabulary;
    *length = m->c.positions;
}

static void model_reads(const void *model, int64_t *vocabulary, int64_t *length)
{
    const lac_clip *m = model;
    text_reads(&m->text, vocabulary, length);
}

const lac_network_def lac_network_clip_text = {
    .name = "clip-text", .about = "CLIP's text transformer", .keys = lac_clip_text_keys, .size = sizeof(lac_clip_text), .init = init_text, .close = close_text, .states = text_states,
    .reads = text_reads, .formats = lac_clip_text_formats, .folder = &text_folder,
};

const lac_network_def lac_network_clip_vision = {
    .name = "clip-vision", .about = "CLIP's vision transformer", .keys = lac_clip_vision_keys, .size = sizeof(lac_clip_vision), .init = init_vision,
    .close = close_vision, .formats = lac_clip_vision_formats, .folder = &vision_folder,
};

const lac_network_def lac_network_clip_model = {
    .name = "clip-model", .about = "CLIP: both towers and their similarity", .keys = lac_clip_model_keys, .size = sizeof(lac_clip), .init = init_model,
    .close = close_model, .reads = model_reads, .formats = lac_clip_model_formats, .folder = &model_folder,
};

const lac_network_def lac_network_hps = {
    .name = "hps", .about = "HPS v2 and v2.1: OpenCLIP's ViT-H/14, trained on what people preferred", .keys = lac_clip_model_keys, .size = sizeof(lac_clip), .init = init_model,
    .close = close_model, .formats = lac_hps_formats,
};
