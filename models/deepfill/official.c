#include "models/deepfill/official.h"

#include "core/file/weights.h"

#include <stdio.h>
#include <string.h>

#define GENERATOR "inpaint_net/"
#define DISCRIMINATOR "discriminator/"
#define PATCH_GAN DISCRIMINATOR "sn_patch_gan/"

static bool begins_with(const char *s, const char *begin) { return strncmp(s, begin, strlen(begin)) == 0; }

static bool ends_with(const char *s, size_t n, const char *end)
{
    const size_t m = strlen(end);
    return n >= m && strncmp(s + n - m, end, m) == 0;
}

static bool has_begin(const lac_weights *w, const char *begin)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        if (begins_with(lac_weights_name(w, i), begin))
            return true;
    return false;
}

/* ---- where parameters lie ---- */

/* Our "LAYER.KIND": n characters of layer; NULL when KIND has no official name. */
static const char *official_kind(const lac_param *p, int *n)
{
    const char *dot = strrchr(p->name, '.');
    *n = dot != NULL ? (int)(dot - p->name) : 0;
    return dot == NULL ? NULL : strcmp(dot, ".weight") == 0 ? "kernel" : strcmp(dot, ".bias") == 0 ? "bias" : strcmp(dot, ".u") == 0 ? "kernel_sn/u" : NULL;
}

static void place_values(const lac_param *p, lac_foreign *f)
{
    if (p->role == LAC_ROLE_CONV)
        lac_foreign_filters_last(p, f);
    else
        lac_foreign_as_is(p, f);
    if (p->role == LAC_ROLE_BUFFER)
        f->shape = (lac_shape){ 2, { 1, p->value->dim[0] } };
}

static bool place_generator(const lac_param *p, const char *prefix, lac_foreign *f)
{
    int n;
    const char *kind = official_kind(p, &n);
    (void)prefix;
    if (kind == NULL)
        return false;
    if (ends_with(p->name, (size_t)n, "_upsample"))
        snprintf(f->key, sizeof f->key, GENERATOR "%.*s/%.*s_conv/%s", n, p->name, n, p->name, kind);
    else
        snprintf(f->key, sizeof f->key, GENERATOR "%.*s/%s", n, p->name, kind);
    place_values(p, f);
    return true;
}

static bool place_discriminator(const lac_param *p, const char *prefix, lac_foreign *f)
{
    int n;
    const char *kind = official_kind(p, &n);
    (void)prefix;
    if (kind == NULL || !begins_with(p->name, "conv"))
        return false;
    snprintf(f->key, sizeof f->key, PATCH_GAN "%.*s/%s", n, p->name, kind);
    place_values(p, f);
    return true;
}

/* What TensorFlow saves beside the weights. */
static bool is_slot(const char *key)
{
    const size_t n = strlen(key);
    return ends_with(key, n, "/Adam") || ends_with(key, n, "/Adam_1") || ends_with(key, n, "_power") || ends_with(key, n, "_power_1") ||
           strcmp(key, "global_step") == 0;
}

static bool not_of_generator(const char *key) { return begins_with(key, DISCRIMINATOR) || is_slot(key); }
static bool not_of_discriminator(const char *key) { return begins_with(key, GENERATOR) || is_slot(key); }

/* ---- whose a file is ---- */

/* The prefix under which a file has a key; NULL when under none. */
static const char *prefix_with(const lac_weights *w, const char *prefix, const char *key)
{
    char whole[LAC_FOREIGN_KEY];
    snprintf(whole, sizeof whole, "%s%s", prefix, key);
    return lac_weights_find(w, whole) >= 0 ? prefix : lac_weights_find(w, key) >= 0 ? "" : NULL;
}

static const char *own_generator(const lac_weights *w)
{
    const char *found = has_begin(w, "generator.") ? "generator." : NULL;
    static const char *const marks[] = { "conv13_upsample.weight", "pmconv1.weight", "allconv17.weight" };   /* one of them may be what is missing */
    for (size_t i = 0; i < LAC_COUNT(marks) && found == NULL; i++)
        found = prefix_with(w, "generator.", marks[i]);
    return found;
}

static const char *own_discriminator(const lac_weights *w)
{
    const char *found = prefix_with(w, "discriminator.", "conv6.u");
    return found != NULL ? found : prefix_with(w, "discriminator.", "conv1.u");
}

static const char *official_generator(const lac_weights *w) { return has_begin(w, GENERATOR) ? "" : NULL; }
static const char *official_discriminator(const lac_weights *w) { return has_begin(w, PATCH_GAN) ? "" : NULL; }

/* ---- what the shapes say ---- */

typedef struct source { const lac_weights *w; const char *begin, *end; int in, filters; } source;       /* a kernel's key, and its axes */

static source own_names(const lac_weights *w, const char *prefix) { return (source){ w, prefix, ".weight", 1, 0 }; }
static source official_names(const lac_weights *w, const char *begin) { return (source){ w, begin, "/kernel", 2, 3 }; }

/* Input channels and filters of a layer; false when it is not there or no kernel. */
static bool channels(const source *from, const char *layer, int64_t *in, int64_t *filters)
{
    char key[LAC_FOREIGN_KEY];
    snprintf(key, sizeof key, "%s%s%s", from->begin, layer, from->end);
    const int64_t at = lac_weights_find(from->w, key);
    if (at < 0 || lac_weights_shape(from->w, at).ndim != 4)
        return false;
    const lac_shape s = lac_weights_shape(from->w, at);
    *in = s.dim[from->in];
    *filters = s.dim[from->filters];
    return true;
}

/* Three layers have cnum filters; one of them may be misshapen, and is then to be named, not believed. */
static int64_t likely_cnum(const source *from)
{
    static const char *const layer[] = { "conv1", "xconv1", "pmconv1" };
    int64_t in, filters[3] = { 0 };
    for (int i = 0; i < 3; i++)
        if (!channels(from, layer[i], &in, &filters[i]))
            filters[i] = 0;
    return filters[1] == filters[2] && filters[1] > 0 ? filters[1] : filters[0];
}

static lac_status set(json_t *c, const char *key, json_t *value)
{
    return json_object_set_new(c, key, value) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
}

static lac_status infer_generator(source from, json_t *c)
{
    int64_t in, filters;
    const int64_t cnum = likely_cnum(&from);
    if (cnum > 0)
        LAC_TRY(set(c, "cnum", json_integer(cnum)));
    if (cnum > 0 && channels(&from, "conv2_downsample", &in, &filters))
        LAC_TRY(set(c, "conv", json_string(in == cnum ? "vanilla" : "gated")));
    if (channels(&from, "conv1", &in, &filters))
        LAC_TRY(set(c, "input_aux", json_boolean(in != 3)));
    if (channels(&from, "xconv1", &in, &filters))
        LAC_TRY(set(c, "stage2_aux", json_boolean(in != 3)));
    return LAC_OK;
}

static lac_status infer_discriminator(source from, json_t *c)
{
    int64_t in, filters;
    return channels(&from, "conv1", &in, &filters) ? set(c, "width", json_integer(filters)) : LAC_OK;
}

static lac_status infer_own_g(const lac_weights *w, const char *prefix, json_t *c) { return infer_generator(own_names(w, prefix), c); }
static lac_status infer_official_g(const lac_weights *w, const char *prefix, json_t *c) { return (void)prefix, infer_generator(official_names(w, GENERATOR), c); }
static lac_status infer_own_d(const lac_weights *w, const char *prefix, json_t *c) { return infer_discriminator(own_names(w, prefix), c); }
static lac_status infer_official_d(const lac_weights *w, const char *prefix, json_t *c) { return (void)prefix, infer_discriminator(official_names(w, PATCH_GAN), c); }

/* bgr: the official networks learnt from pictures that OpenCV had read. */
const lac_network_format lac_deepfill_formats[] = {
    { "tf", true, official_generator, infer_official_g, place_generator, not_of_generator },
    { "probe", false, own_generator, infer_own_g, NULL, NULL },
    { NULL },
};

const lac_network_format lac_sn_patchgan_formats[] = {
    { "tf", true, official_discriminator, infer_official_d, place_discriminator, not_of_discriminator },
    { "probe", false, own_discriminator, infer_own_d, NULL, NULL },
    { NULL },
};
