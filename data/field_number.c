/* Fields of numbers: which record it is, and what is drawn for a sample. */
#include "data/field.h"

static void one(const lac_loader_config *c, lac_shape *s) { (void)c, *s = (lac_shape){ 0 }; }
static void as_picture(const lac_loader_config *c, lac_shape *s) { *s = (lac_shape){ 3, { c->view.size, c->view.size, 3 } }; }

static lac_status id(const lac_sample *s, void *to) { return *(int64_t *)to = s->id, LAC_OK; }
static lac_status source(const lac_sample *s, void *to) { return *(int64_t *)to = s->source, LAC_OK; }

static lac_status noise(const lac_sample *s, void *to)
{
    const lac_stream random = lac_sample_draw(s, LAC_DRAW_NOISE);
    lac_philox_normals(&random.philox, to, 3 * s->view->size * s->view->size);
    return LAC_OK;
}

static lac_status time_of(const lac_sample *s, void *to)
{
    lac_stream random = lac_sample_draw(s, LAC_DRAW_TIME);
    return *(float *)to = lac_stream_uniform(&random), LAC_OK;
}

const lac_field_def lac_field_id = { "id", "record in its set", LAC_I64, LAC_FIELD_PLAIN, 0, one, id };
const lac_field_def lac_field_source = { "source", "which of the sources", LAC_I64, LAC_FIELD_PLAIN, 0, one, source };
const lac_field_def lac_field_noise = { "noise", "standard normals, of the picture's shape", LAC_F32, LAC_FIELD_PLAIN, 0, as_picture, noise };
const lac_field_def lac_field_time = { "time", "uniform in [0, 1)", LAC_F32, LAC_FIELD_PLAIN, 0, one, time_of };
