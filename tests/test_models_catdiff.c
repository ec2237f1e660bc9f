/* CAT-Diffusion as an inpainter: what it is with RefAdapters that say nothing, what its visual prompt hears, and which networks fit. */
#include "cli/eval_run.h"
#include "core/image/paste.h"
#include "models/inpainter.h"
#include "tests/harness/latent.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32 };

typedef struct bench { lac_inpainter ip; lac_tape *t; lac_image image, mask; } bench;

static void begin(bench *b, const lac_inpainter_def *def, const char *config)
{
    *b = (bench){ .t = NULL };
    lac_test_latent(&b->ip, def, "clip-text", config);
    LAC_CHECK_STATUS(lac_tape_new(&b->t, lac_inpainter_backend(&b->ip)));
    LAC_CHECK_STATUS(lac_image_new(&b->image, SIDE, SIDE, 3));
    LAC_CHECK_STATUS(lac_image_new(&b->mask, SIDE, SIDE, 1));
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        b->image.pixels[i] = (uint8_t)(i * 37 % 251);
    for (int y = 8; y < 20; y++)
        memset(b->mask.pixels + y * SIDE + 6, 255, 15);
}

static void end(bench *b)
{
    lac_tape_free(b->t);
    lac_inpainter_close(&b->ip);
    lac_image_free(&b->image);
    lac_image_free(&b->mask);
}

static lac_image painted(const bench *b, const char *prompt)
{
    lac_image y;
    LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &b->image, &b->mask, &(lac_ask){ .prompt = prompt, .seed = 3 }, &y));
    return y;
}

/* How many bytes of what the two paint differ. */
static int differ(const bench *a, const char *prompt, const bench *b, const char *other)
{
    lac_image x = painted(a, prompt), y = painted(b, other);
    int n = 0;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        n += x.pixels[i] != y.pixels[i];
    lac_image_free(&x);
    lac_image_free(&y);
    return n;
}

/* Of every parameter whose name has the word. */
static void fill(const bench *b, int network, const char *word, float with)
{
    lac_params *ps = b->ip.network[network].params;
    int64_t n = 0;
    for (int64_t i = 0; i < ps->n; i++) {
        lac_param *p = ps->param[i];
        for (int64_t k = 0; strstr(p->name, word) != NULL && k < lac_numel(p->value); k++, n++)
            ((float *)p->value->data)[k] = with;
        lac_param_changed(p);
    }
    LAC_CHECK(n > 0);
}

/* The parameters of b that a has too, from a. */
static void share(const bench *a, const bench *b)
{
    for (int i = 0; i < lac_inpainter_roles(a->ip.def); i++) {
        lac_params *from = a->ip.network[i].params, *to = b->ip.network[i].params;
        for (int64_t k = 0; k < from->n; k++) {
            lac_param *p = lac_params_find(to, from->param[k]->name);
            LAC_CHECK(p != NULL);
            memcpy(p->value->data, from->param[k]->value->data, lac_bytes(p->value));
            lac_param_changed(p);
        }
    }
}

static const char two_steps[] = "{ 'steps': 2 }";

/* attn3's last layer is zero: nothing is added, and what remains is Stable Diffusion's inpainting. */
LAC_TEST(silent_adapters_leave_stable_diffusion_to_the_bit)
{
    bench plain, cat;
    begin(&plain, &lac_inpainter_sd_inpaint, "{ 'steps': 2, 'scheduler': { '_class_name': 'DDIMScheduler', 'set_alpha_to_one': false, 'steps_offset': 1,"
                                             "  'beta_schedule': 'scaled_linear', 'beta_start': 0.00085, 'beta_end': 0.012, 'clip_sample': false } }");
    begin(&cat, &lac_inpainter_catdiff, two_steps);
    share(&plain, &cat);
    LAC_CHECK(differ(&plain, "a star", &cat, "a star") > 0);
    fill(&cat, 0, "attn3.to_out", 0);
    LAC_CHECK(differ(&plain, "a star", &cat, "a star") == 0);
    end(&plain);
    end(&cat);
}

/* The UNet hears no text, its adapters do: by SemInpainter. */
LAC_TEST(a_prompt_reaches_the_picture_by_the_visual_prompt)
{
    bench b;
    begin(&b, &lac_inpainter_catdiff, two_steps);
    fill(&b, 0, "attn2.to_out", 0);
    LAC_CHECK(differ(&b, "a star", &b, "a star") == 0 && differ(&b, "a star", &b, "a moon") > 0);
    fill(&b, 4, "label_mlp.fc2", 0);
    LAC_CHECK(differ(&b, "a star", &b, "a moon") == 0);
    end(&b);
}

/* Of the hole CLIP is told nothing: what was in it changes neither what it sees nor the picture. */
LAC_TEST(what_lay_in_the_hole_is_not_seen)
{
    bench a, b;
    begin(&a, &lac_inpainter_catdiff, two_steps);
    begin(&b, &lac_inpainter_catdiff, two_steps);
    memset(b.image.pixels + (12 * SIDE + 12) * 3, 200, 9);              /* three pixels well inside: CLIP's picture is smoothed over fewer than the hole's border */
    LAC_CHECK(differ(&a, "a star", &b, "a star") == 0);
    memset(b.image.pixels + 3, 200, 9);
    LAC_CHECK(differ(&a, "a star", &b, "a star") > 0);
    end(&a);
    end(&b);
}

/* A hole of one pixel is none to CLIP: what SemInpainter says is nowhere taken, and what remains is what CLIP sees. */
LAC_TEST(without_sem_inpainter_the_adapters_read_what_clip_sees)
{
    bench cat, masked;
    begin(&cat, &lac_inpainter_catdiff, two_steps);
    begin(&masked, &lac_inpainter_catdiff_masked, two_steps);
    share(&masked, &cat);
    LAC_CHECK(differ(&cat, "a star", &masked, "a star") > 0);
    for (int k = 0; k < 2; k++) {
        lac_image *mask = k ? &masked.mask : &cat.mask;
        memset(mask->pixels, 0, SIDE * SIDE);
        mask->pixels[12 * SIDE + 12] = 255;
    }
    LAC_CHECK(differ(&cat, "a star", &masked, "a star") == 0);
    fill(&masked, 3, "encoder.layers.0.mlp.fc2", 1);
    LAC_CHECK(differ(&cat, "a star", &masked, "a star") > 0);
    end(&cat);
    end(&masked);
}

/* ---- several results of a picture ---- */

typedef struct results { lac_image of[2][3]; } results;

static lac_status put(void *context, int64_t i, int64_t k, lac_image *result)
{
    results *r = context;
    r->of[i][k] = *result;
    *result = (lac_image){ 0 };
    return LAC_OK;
}

/* Seeds 3, 4 and 5 of one picture and 7, 8 and 9 of another, two at once, so that one call has results of both. */
LAC_TEST(results_of_several_seeds_are_those_that_each_makes_alone)
{
    bench b;
    results r = { 0 };
    begin(&b, &lac_inpainter_catdiff, two_steps);
    const lac_ask ask[2] = { { .prompt = "a star", .seed = 3 }, { .prompt = "a moon", .seed = 7 } };
    LAC_CHECK_STATUS(lac_inpaint_each(&b.ip, b.t, 2, (lac_image[]){ b.image, b.image }, (lac_image[]){ b.mask, b.mask }, ask, 3, 2, put, &r));
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            lac_image y;
            lac_ask one = ask[i];
            one.seed += (uint64_t)k;
            LAC_CHECK_STATUS(lac_inpaint(&b.ip, b.t, &b.image, &b.mask, &one, &y));
            LAC_CHECK(memcmp(y.pixels, r.of[i][k].pixels, SIDE * SIDE * 3) == 0);
            LAC_CHECK(k == 0 || memcmp(y.pixels, r.of[i][0].pixels, SIDE * SIDE * 3) != 0);
            lac_image_free(&y);
        }
    for (int i = 0; i < 6; i++)
        lac_image_free(&r.of[i / 3][i % 3]);
    end(&b);
}

typedef struct calls { int seen, encoded, denoised; } calls;

static void count(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    calls *c = context;
    (void)backward, (void)start, (void)seconds, (void)bytes, (void)flops;
    c->seen += strcmp(op, "embedding") == 0 || strstr(path, "fusion_model") != NULL || strstr(path, "vision_model") != NULL;
    c->encoded += strstr(path, "encoder.conv_in") != NULL;
    c->denoised += strcmp(op, "timestep_embedding") == 0;
}

static calls calls_of(const bench *b, int64_t n)
{
    calls c = { 0 };
    results r = { 0 };
    const lac_ask ask = { .prompt = "a star" };
    lac_tape_profile(b->t, count, &c);
    LAC_CHECK_STATUS(lac_inpaint_each(&b->ip, b->t, 1, &b->image, &b->mask, &ask, n, 1, put, &r));
    lac_tape_profile(b->t, NULL, NULL);
    for (int k = 0; k < n; k++)
        lac_image_free(&r.of[0][k]);
    return c;
}

LAC_TEST(text_picture_and_features_are_read_once_however_many_results)
{
    bench b;
    begin(&b, &lac_inpainter_catdiff, two_steps);
    const calls one = calls_of(&b, 1), three = calls_of(&b, 3);
    LAC_CHECK(one.seen > 3 && one.encoded == 1 && one.denoised == 2);
    LAC_CHECK(three.seen == one.seen && three.encoded == 1 && three.denoised == 6);
    end(&b);
}

/* ---- networks ---- */

/* Opens no more than it must: small networks, the UNet's config as given. */
static lac_status open_with(const lac_inpainter_def *def, const char *unet, const char *more)
{
    char text[4096];
    lac_inpainter ip;
    const lac_backend *cpu;
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    snprintf(text, sizeof text, "{ 'vae': { 'config': { " LAC_TEST_LATENT_VAE " } }, 'unet': { 'config': { 'in_channels': 9, %s" LAC_TEST_LATENT_UNET " } },"
             "'text_encoder': { 'config': { 'max_position_embeddings': 6, " LAC_TEST_LATENT_TEXT " } } %s }", unet, more);
    json_t *networks = lac_test_json(text);
    const lac_status s = lac_inpainter_open(&ip, def, networks, NULL, cpu, LAC_F32);
    json_decref(networks);
    return s;
}

LAC_TEST(networks_that_do_not_fit_are_refused)
{
    LAC_CHECK_FAILS(open_with(&lac_inpainter_catdiff, "", ", " LAC_TEST_LATENT_SEEING("12")), LAC_ERR_CONFIG, "'unet' has a 'fusion_dim' of 0, should have 12");
    LAC_CHECK_FAILS(open_with(&lac_inpainter_catdiff, "'fusion_dim': 12, ", ", " LAC_TEST_LATENT_SEEING("16")), LAC_ERR_CONFIG, "'clip_vision' has a 'hidden_size' of 16, should have 12");
    LAC_CHECK_FAILS(open_with(&lac_inpainter_catdiff_masked, "'fusion_dim': 8, ", ", " LAC_TEST_LATENT_SEEING("12")), LAC_ERR_CONFIG, "'unet' has a 'fusion_dim' of 8, should have 12");
}

LAC_TEST(other_systems_do_not_take_a_unet_that_wants_a_visual_prompt)
{
    LAC_CHECK_FAILS(open_with(&lac_inpainter_sd_inpaint, "'fusion_dim': 8, ", ""), LAC_ERR_CONFIG, "RefAdapters");
}

/* ---- what it imagines, and how that is measured ---- */

typedef struct imagining { bench b; lac_image grey; lac_imagined y; } imagining;

static void begin_imagining(imagining *x, const char *prompt)
{
    begin(&x->b, &lac_inpainter_catdiff, two_steps);
    LAC_CHECK_STATUS(lac_image_crop(&x->grey, &x->b.image, 0, 0, SIDE, SIDE));
    lac_hole_grey(x->grey.pixels, x->b.mask.pixels, SIDE * SIDE);
    LAC_CHECK_STATUS(lac_inpaint_imagine(&x->b.ip, x->b.t, 1, &x->grey, &x->b.mask, &(lac_ask){ .prompt = prompt }, &x->b.image, &x->y));
}

static void end_imagining(imagining *x)
{
    lac_imagined_free(&x->y);
    lac_image_free(&x->grey);
    end(&x->b);
}

/* The mean over the hole's tokens, in plain loops. */
static double cosine_of(const lac_tensor *a, const lac_imagined *y)
{
    const float *p = a->data, *q = y->truth->data, *m = y->cells->data;
    double sum = 0, n = 0;
    for (int64_t k = 0; k < a->dim[1]; k++) {
        double pq = 0, pp = 0, qq = 0;
        for (int64_t c = k * a->dim[2]; c < (k + 1) * a->dim[2]; c++) {
            pq += (double)p[c] * q[c];
            pp += (double)p[c] * p[c];
            qq += (double)q[c] * q[c];
        }
        sum += m[k] * pq / sqrt(pp * qq);
        n += m[k];
    }
    return sum / n;
}

/* Tokens outside of the hole are CLIP's alone; the truth is the picture without a hole, which a prompt does not change. */
LAC_TEST(what_is_imagined_lies_beside_what_was_seen_and_the_truth)
{
    imagining a, b;
    begin_imagining(&a, "a star");
    begin_imagining(&b, "a moon");
    LAC_CHECK(a.y.said->dim[0] == 1 && a.y.said->dim[1] == 9 && a.y.said->dim[2] == 12 && lac_same_shape(a.y.said, a.y.seen) && lac_same_shape(a.y.said, a.y.truth));
    LAC_CHECK(lac_numel(a.y.cells) == 9);
    LAC_CHECK(memcmp(a.y.truth->data, b.y.truth->data, lac_bytes(a.y.truth)) == 0 && memcmp(a.y.seen->data, b.y.seen->data, lac_bytes(a.y.seen)) == 0);
    LAC_CHECK(memcmp(a.y.said->data, b.y.said->data, lac_bytes(a.y.said)) != 0);
    LAC_CHECK(memcmp(a.y.truth->data, a.y.seen->data, lac_bytes(a.y.seen)) != 0);
    end_imagining(&a);
    end_imagining(&b);
}

static lac_status one_item(void *context, int64_t i, lac_eval_item *item)
{
    const bench *b = context;
    (void)i;
    *item = (lac_eval_item){ "one", "one", NULL, SIDE, SIDE, b->image.pixels, b->mask.pixels, 0, "a star", NULL };
    return LAC_OK;
}

LAC_TEST(sem_cosine_is_the_mean_over_the_holes_tokens)
{
    static const char *const metrics[] = { "sem-cosine", "sem-cosine-input" };
    imagining x;
    lac_score s;
    char *features;
    begin_imagining(&x, "a star");
    lac_eval_painter painter = { &x.b.ip, x.b.t, 0, 1, 0 };
    const lac_eval_method methods[] = { lac_eval_inpainter_method("cat", &painter), lac_eval_baseline("laplace") };
    LAC_CHECK_STATUS(lac_eval_imagined_features(&x.b.ip, &features));
    LAC_CHECK(strncmp(features, "clip_vision,weights=", 20) == 0 && strlen(features) == 84);
    LAC_CHECK_STATUS(lac_score_new(&s, metrics, 2, (const char *const[]){ "cat", methods[1].name }, 2, &(lac_eval_means){ .imagined = features }));
    LAC_CHECK(strstr(s.recipe[0], features) != NULL && strcmp(s.recipe[0], s.recipe[1]) != 0);
    LAC_CHECK_STATUS(lac_score_run(&s, one_item, &x.b, 1, methods, 1));
    LAC_CHECK(fabs(s.row[0].value[0].value - cosine_of(x.y.said, &x.y)) < 1e-12 && fabs(s.row[0].value[1].value - cosine_of(x.y.seen, &x.y)) < 1e-12);
    LAC_CHECK(isnan(s.row[0].value[2].value) && strstr(s.row[0].value[2].reason, "says nothing of features") != NULL);
    lac_score_free(&s);
    free(features);
    end_imagining(&x);
}

LAC_TEST(who_imagines_nothing_has_no_sem_cosine)
{
    bench b;
    lac_score s;
    lac_imagined y;
    begin(&b, &lac_inpainter_sd_inpaint, two_steps);
    LAC_CHECK_FAILS(lac_inpaint_imagine(&b.ip, b.t, 1, &b.image, &b.mask, &(lac_ask){ .seed = 1 }, &b.image, &y), LAC_ERR_ARG, "sd-inpaint imagines no features");
    LAC_CHECK_FAILS(lac_score_new(&s, (const char *const[]){ "sem-cosine" }, 1, (const char *const[]){ "a" }, 1, NULL), LAC_ERR_ARG,
                    "metric 'sem-cosine': no method here imagines features");
    end(&b);
}

static double rms(const lac_tensor *a, const lac_tensor *b)
{
    double sum = 0;
    for (int64_t i = 0; i < lac_numel(a); i++) {
        const double x = ((const float *)a->data)[i] - (b != NULL ? ((const float *)b->data)[i] : 0);
        sum += x * x;
    }
    return sqrt(sum / (double)lac_numel(a));
}

/* CLIP's tokens stay f32 there, SemInpainter's weights do not. 5 %: eight bits of each of a few layers. */
LAC_TEST(in_bf16_it_imagines_nearly_the_same_and_paints)
{
    imagining x;
    bench half;
    lac_imagined y;
    begin_imagining(&x, "a star");
    half = x.b;
    LAC_CHECK_STATUS(lac_inpainter_copy(&half.ip, &x.b.ip, NULL, lac_inpainter_backend(&x.b.ip), LAC_BF16));
    LAC_CHECK_STATUS(lac_tape_new(&half.t, lac_inpainter_backend(&half.ip)));
    LAC_CHECK_STATUS(lac_inpaint_imagine(&half.ip, half.t, 1, &x.grey, &half.mask, &(lac_ask){ .prompt = "a star" }, &half.image, &y));
    LAC_CHECK(rms(y.said, x.y.said) < 0.05 * rms(x.y.said, NULL) && rms(y.truth, x.y.truth) < 0.05 * rms(x.y.truth, NULL));
    lac_image painting = painted(&half, "a star");
    LAC_CHECK(painting.height == SIDE);
    lac_image_free(&painting);
    lac_imagined_free(&y);
    lac_tape_free(half.t);
    lac_inpainter_close(&half.ip);
    end_imagining(&x);
}
