#include "cli/bench_inpaint.h"

#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/philox.h"

#include <stdlib.h>
#include <string.h>

/* ---- models ---- */

/* What a fresh network begins with at zero is drawn too: products of zeros may be faster. */
static lac_status fill_zeros(lac_params *ps)
{
    for (int64_t i = 0; i < ps->n; i++) {
        lac_param *p = ps->param[i];
        float *x;
        if (p->init != LAC_INIT_ZERO || p->value->ndim < 2)
            continue;
        const lac_philox from = lac_philox_at(1, lac_purpose(p->name), 0, 0);
        LAC_TRY(lac_malloc((void **)&x, (size_t)lac_numel(p->value) * sizeof *x));
        lac_philox_normals(&from, x, lac_numel(p->value));
        for (int64_t k = 0; k < lac_numel(p->value); k++)
            x[k] *= 0.02f;
        const lac_status s = lac_param_set(p, x);
        free(x);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status draw(lac_inpainter *ip, const json_t *told, const lac_backend *b, lac_dtype d)
{
    const char *name = json_string_value(json_object_get(told, "inpainter")), *tokenizer = json_string_value(json_object_get(told, "tokenizer"));
    const lac_inpainter_def *def;
    if (name == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "'inpainter' is missing");
    LAC_TRY(lac_inpainter_find(&def, name));
    LAC_TRY(lac_inpainter_open(ip, def, json_object_get(told, "networks"), json_object_get(told, "config"), b, d));
    for (int i = 0; i < lac_inpainter_roles(def); i++)
        LAC_TRY(ip->network[i].params != NULL ? fill_zeros(ip->network[i].params) : LAC_OK);
    return tokenizer != NULL ? lac_inpainter_take_tokenizer(ip, tokenizer) : LAC_OK;
}

static lac_status open_drawn(lac_model *m, const char *path, const lac_model_how *how)
{
    const lac_backend *b;
    lac_dtype d;
    json_error_t why;
    *m = (lac_model){ .name = NULL };
    LAC_TRY(lac_model_device(how, &b, &d));
    LAC_TRY(lac_strdup(&m->name, path));
    json_t *told = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    lac_status s = told != NULL ? draw(&m->ip, told, b, d) : LAC_FAIL(LAC_ERR_FORMAT, "line %d: %s", why.line, why.text);
    json_decref(told);
    if (s == LAC_OK)
        s = lac_model_configure(m, how);
    if (s != LAC_OK)
        lac_model_close(m);
    return lac_context(s, "'%s'", path);
}

static bool is_description(const char *word)
{
    const size_t n = strlen(word);
    return n > 5 && strcmp(word + n - 5, ".json") == 0;
}

/* ---- turns ---- */

enum { PARTS = 16 };

/* Seconds in the kernels of one network. */
typedef struct part { char name[64]; double seconds; } part;

typedef struct runner {
    lac_model model;
    lac_tape *tape;
    double seconds[LAC_BENCH_ROUNDS];
    part part[PARTS];
    int n_parts;
} runner;

typedef struct race {
    const lac_bench_inpaint_options *o;
    runner at[LAC_BENCH_MODELS];
    int n;
    lac_image *image, *mask, *result;       /* [batch] */
    lac_ask *ask;
} race;

/* A kernel's path begins with its network's name, "/unet2d-condition/..."; outside of them are the sampler's steps. */
static void add_part(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    runner *r = context;
    const char *name = path[0] == '/' && path[1] != '\0' ? path + 1 : "/";
    const size_t n = strcspn(name, "/");
    int i = 0;
    (void)op, (void)backward, (void)start, (void)bytes, (void)flops;
    while (i < r->n_parts && (strlen(r->part[i].name) != n || strncmp(r->part[i].name, name, n) != 0))
        i++;
    if (i == PARTS)
        return;
    if (i == r->n_parts)
        snprintf(r->part[r->n_parts++].name, sizeof r->part[i].name, "%.*s", (int)n, name);
    r->part[i].seconds += seconds;
}

static lac_status paint(race *x, runner *r, double *seconds)
{
    const int64_t n = x->o->batch;
    const double start = lac_seconds();
    LAC_TRY(lac_context(lac_inpaint_n(&r->model.ip, r->tape, n, x->image, x->mask, x->ask, x->result), "'%s'", r->model.name));
    *seconds = lac_seconds() - start;
    for (int64_t i = 0; i < n; i++)
        lac_image_free(&x->result[i]);
    return LAC_OK;
}

/* Nobody else's turn: the line says that the machine is ready. */
static lac_status wait_for_line(const race *x, const char *what)
{
    char line[16];
    return !x->o->paced || fgets(line, sizeof line, stdin) != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "stdin ended before %s", what);
}

/* The first picture makes plans and packs weights; of the second every kernel is timed. */
static lac_status warm_up(race *x)
{
    double seconds;
    for (int i = 0; i < x->n; i++)
        LAC_TRY(paint(x, &x->at[i], &seconds));
    LAC_TRY(wait_for_line(x, "the kernels were timed"));
    for (int i = 0; i < x->n; i++) {
        lac_tape_profile(x->at[i].tape, add_part, &x->at[i]);
        const lac_status s = paint(x, &x->at[i], &seconds);
        lac_tape_profile(x->at[i].tape, NULL, NULL);
        LAC_TRY(s);
    }
    fprintf(stderr, "kernels timed\n");
    return LAC_OK;
}

static lac_status run_rounds(race *x)
{
    LAC_TRY(warm_up(x));
    for (int64_t k = 0; k < x->o->rounds; k++) {
        LAC_TRY(wait_for_line(x, "the last round"));
        for (int i = 0; i < x->n; i++)
            LAC_TRY(paint(x, &x->at[i], &x->at[i].seconds[k]));
        fprintf(stderr, "round %lld of %lld\n", (long long)k + 1, (long long)x->o->rounds);
    }
    return LAC_OK;
}

/* ---- the result ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* n numbers in order, and { "median", "min", "max" } of them. */
static json_t *spread(const double *x, int64_t n)
{
    double sorted[LAC_BENCH_ROUNDS];
    memcpy(sorted, x, (size_t)n * sizeof *x);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return json_pack("{s:f, s:f, s:f}", "median", (sorted[n / 2] + sorted[(n - 1) / 2]) / 2, "min", sorted[0], "max", sorted[n - 1]);
}

static json_t *about(const race *x, const runner *r)
{
    const int64_t n = x->o->rounds;
    double each[LAC_BENCH_ROUNDS], ratio[LAC_BENCH_ROUNDS];
    json_t *all = json_array(), *parts = json_object();
    for (int64_t k = 0; k < n; k++) {
        each[k] = r->seconds[k] / (double)x->o->batch;
        ratio[k] = r->seconds[k] / x->at[0].seconds[k];
        json_array_append_new(all, json_real(each[k]));
    }
    for (int i = 0; i < r->n_parts; i++)
        json_object_set_new(parts, r->part[i].name, json_real(r->part[i].seconds / (double)x->o->batch));
    const lac_network *first = &r->model.ip.network[0];
    return json_pack("{s:s, s:s, s:s, s:s, s:O?, s:o, s:o, s:o, s:o}", "name", r->model.name, "inpainter", r->model.ip.def->name, "precision", lac_dtype_name(first->params->dtype),
                     "device", lac_inpainter_backend(&r->model.ip)->name, "config", r->model.ip.config, "seconds", spread(each, n), "rounds", all, "ratio", spread(ratio, n), "parts", parts);
}

static void print(const lac_bench_inpaint_options *o, const json_t *models, FILE *to)
{
    const char *name;
    json_t *m, *part;
    size_t i;
    fprintf(to, "%-32s %10s %10s %10s %8s  of the first (min to max); s per picture of %lldx%lld, %lld at once\n", "", "median", "min", "max", "ratio", (long long)o->size,
            (long long)o->size, (long long)o->batch);
    json_array_foreach(models, i, m) {
        const json_t *s = json_object_get(m, "seconds"), *r = json_object_get(m, "ratio");
        const double of[] = { lac_config_num(s, "median"), lac_config_num(s, "min"), lac_config_num(s, "max"), lac_config_num(r, "median"), lac_config_num(r, "min"), lac_config_num(r, "max") };
        fprintf(to, "%-32s %10.3f %10.3f %10.3f %8.3f  (%.3f to %.3f)\n", lac_config_str(m, "name"), of[0], of[1], of[2], of[3], of[4], of[5]);
        json_object_foreach(json_object_get(m, "parts"), name, part)
            fprintf(to, "    %-28s %10.3f\n", strcmp(name, "") == 0 ? "steps of the sampler" : name, json_number_value(part));
    }
}

static lac_status report(const race *x, json_t **found)
{
    json_t *models = json_array();
    for (int i = 0; i < x->n; i++)
        json_array_append_new(models, about(x, &x->at[i]));
    *found = json_pack("{s:I, s:I, s:I, s:o}", "size", (json_int_t)x->o->size, "batch", (json_int_t)x->o->batch, "rounds", (json_int_t)x->o->rounds, "models", models);
    return *found != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: times");
}

/* ---- all of it ---- */

/* Noise, with a hole of half its sides in the middle. */
static lac_status make_pictures(race *x)
{
    const int64_t side = x->o->size, n = x->o->batch;
    LAC_TRY(lac_calloc((void **)&x->image, (size_t)(3 * n), sizeof *x->image));
    LAC_TRY(lac_calloc((void **)&x->ask, (size_t)n, sizeof *x->ask));
    x->mask = x->image + n;
    x->result = x->mask + n;
    for (int64_t i = 0; i < n; i++) {
        lac_stream from = lac_stream_at((uint64_t)i, lac_purpose("bench/inpaint"), 0, 0);
        LAC_TRY(lac_image_new(&x->image[i], side, side, 3));
        LAC_TRY(lac_image_new(&x->mask[i], side, side, 1));
        for (int64_t k = 0; k < 3 * side * side; k++)
            x->image[i].pixels[k] = (uint8_t)lac_stream_word(&from);
        for (int64_t y = side / 4; y < side - side / 4; y++)
            memset(x->mask[i].pixels + y * side + side / 4, 1, (size_t)(side - 2 * (side / 4)));
        x->ask[i] = (lac_ask){ .prompt = x->o->prompt, .seed = (uint64_t)i };
    }
    return LAC_OK;
}

static lac_status open_all(race *x, const lac_bench_model *models, int n)
{
    for (; x->n < n; x->n++) {
        runner *r = &x->at[x->n];
        const lac_bench_model *m = &models[x->n];
        LAC_TRY(is_description(m->word) ? open_drawn(&r->model, m->word, m->how) : lac_model_open(&r->model, m->word, m->how));
        const lac_status s = lac_tape_new(&r->tape, lac_inpainter_backend(&r->model.ip));
        if (s != LAC_OK) {
            lac_model_close(&r->model);
            return s;
        }
    }
    return LAC_OK;
}

static void end(race *x)
{
    for (int i = 0; i < x->n; i++) {
        lac_tape_free(x->at[i].tape);
        lac_model_close(&x->at[i].model);
    }
    for (int64_t i = 0; x->image != NULL && i < 2 * x->o->batch; i++)
        lac_image_free(&x->image[i]);
    free(x->image);
    free(x->ask);
}

lac_status lac_bench_inpaint_race(const lac_bench_model *models, int n, const lac_bench_inpaint_options *o, json_t **found)
{
    static race x;
    x = (race){ .o = o };
    *found = NULL;
    if (n < 1 || n > LAC_BENCH_MODELS)
        return LAC_FAIL(LAC_ERR_ARG, "lacuna bench inpaint wants 1 to %d models, found %d", LAC_BENCH_MODELS, n);
    if (o->size < 8 || o->size > 8192 || o->batch < 1 || o->batch > 4096 || o->rounds < 1 || o->rounds > LAC_BENCH_ROUNDS)
        return LAC_FAIL(LAC_ERR_ARG, "--size must be 8 to 8192, --batch 1 to 4096 and --rounds 1 to %d, found %lld, %lld and %lld", LAC_BENCH_ROUNDS, (long long)o->size, (long long)o->batch,
                        (long long)o->rounds);
    lac_status s = make_pictures(&x);
    if (s == LAC_OK)
        s = open_all(&x, models, n);
    if (s == LAC_OK)
        s = run_rounds(&x);
    if (s == LAC_OK)
        s = report(&x, found);
    end(&x);
    return s;
}

lac_status lac_bench_inpaint(const lac_words *models, const lac_bench_inpaint_options *o, FILE *to)
{
    lac_bench_model each[LAC_BENCH_MODELS];
    json_t *found;
    for (int i = 0; i < models->n && i < LAC_BENCH_MODELS; i++)
        each[i] = (lac_bench_model){ models->word[i], &o->how };
    LAC_TRY(lac_bench_inpaint_race(each, models->n, o, &found));
    print(o, json_object_get(found, "models"), to);
    char *text = o->out != NULL ? json_dumps(found, JSON_INDENT(1)) : NULL;
    lac_status s = text != NULL || o->out == NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: times");
    if (text != NULL)
        s = lac_file_write(o->out, text, strlen(text));
    free(text);
    json_decref(found);
    return s;
}
