/* `lacuna probe` as a user calls it, on the committed corpus: tests/golden/probe, written by tests/golden/probe.py from a
 * PyTorch reference in double. The tolerances are probe's contract: relative L2 per tensor 1e-5 forward and 1e-4 for
 * gradients, where an absolute error below 1e-6 of the file's largest gradient norm passes; nearest resizing, bytes and
 * ids exact. A call that must fail: one line that has the word, a status, no file. */
#include "cli/probe/probe.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/module.h"
#include "tests/harness/device.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct { const char *kind, *folder, *weights, *fails; bool grad; } probe_case;
typedef struct { double share; char tensor[128]; } worst_gap;      /* share of what is allowed */
typedef struct { float *x; int64_t n; double norm; } values;

static char *at(const char *folder, const char *file)
{
    char *path = NULL;
    LAC_CHECK_STATUS(lac_format(&path, "%s/%s/%s", lac_test_golden("probe"), folder, file));
    return path;
}

/* Exit status of the program, -1 if it was killed; its stderr lies in the file. */
static int run(const char *const *argv, const char *messages)
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child;
    const int bad = posix_spawn(&child, argv[0], &files, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    LAC_CHECK(bad == 0);
    int status = 0;
    LAC_CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One tensor of tests/golden/reference/drawn.py: drawn by its seed, or as the list says. */
static void fill(float *x, int64_t n, const json_t *of)
{
    const json_t *given = json_object_get(of, "values");
    const uint32_t seed = (uint32_t)json_integer_value(json_object_get(of, "seed"));
    const int64_t low = json_integer_value(json_object_get(of, "from"));
    const double scale = json_number_value(json_object_get(of, "scale"));
    for (int64_t i = 0; i < n; i++) {
        uint32_t h = (uint32_t)i + seed * 0x9E3779B9u;
        h = (h ^ h >> 16) * 0x7FEB352Du;
        h = (h ^ h >> 15) * 0x846CA68Bu;
        h ^= h >> 16;
        const json_t *value = json_array_get(given, (size_t)i);
        x[i] = given == NULL ? (float)(scale * (double)(low + (int64_t)(h % (uint32_t)(128 - low)))) : json_is_null(value) ? NAN : (float)json_number_value(value);
    }
}

/* The file of drawn weights that PATH describes, for as long as the test runs. */
static void draw_weights(const char *path, const char *to)
{
    json_t *all = json_load_file(path, 0, NULL), *of;
    const char *key;
    float *x[1024];
    int n = 0;
    lac_weights_writer *w;
    LAC_CHECK(all != NULL && json_object_size(all) <= LAC_COUNT(x));
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    json_object_foreach(all, key, of) {
        lac_shape s = { .ndim = (int)json_array_size(json_object_get(of, "shape")) };
        for (int i = 0; i < s.ndim; i++)
            s.dim[i] = json_integer_value(json_array_get(json_object_get(of, "shape"), (size_t)i));
        LAC_CHECK_STATUS(lac_malloc((void **)&x[n], (size_t)lac_shape_numel(&s) * sizeof(float)));
        fill(x[n], lac_shape_numel(&s), of);
        LAC_CHECK_STATUS(lac_weights_writer_add(w, key, LAC_F32, s.ndim, s.dim, x[n++]));
    }
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, to));
    lac_weights_writer_free(w);
    while (n > 0)
        free(x[--n]);
    json_decref(all);
}

/* --weights: what is committed, or made of it. */
static char *weights_of(const probe_case *c)
{
    char *path = c->weights != NULL ? at(".", c->weights) : NULL, *drawn;
    if (path == NULL || strstr(path, ".json") == NULL)
        return path;
    LAC_CHECK_STATUS(lac_format(&drawn, "%s/drawn.safetensors", lac_test_folder()));
    draw_weights(path, drawn);
    free(path);
    return drawn;
}

static int probe(const probe_case *c, const char *out, const char *messages)
{
    char *in = at(c->folder, "in.safetensors"), *config = at(c->folder, "config.json"), *folder, *program;
    char *weights = weights_of(c);
    LAC_CHECK_STATUS(lac_program_folder(&folder));           /* the program lies beside its tests */
    LAC_CHECK_STATUS(lac_format(&program, "%s/lacuna", folder));
    const char *argv[16] = { program, "probe", c->kind, "--in", in, "--out", out };
    int n = 7;
    if (access(config, R_OK) == 0)
        argv[n++] = "--config", argv[n++] = config;
    if (weights != NULL)
        argv[n++] = "--weights", argv[n++] = weights;
    if (c->grad)
        argv[n++] = "--grad";
    if (lac_test_on_gpu())
        argv[n++] = "--device", argv[n++] = lac_test_device_name();
    const int status = run(argv, messages);
    free(in), free(config), free(weights), free(folder), free(program);
    return status;
}

static void message_of(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "r");
    const size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = '\0';
    if (f != NULL)
        fclose(f);
}

static values read_values(const lac_weights *w, int64_t i)
{
    const lac_shape s = lac_weights_shape(w, i);
    values v = { .n = lac_shape_numel(&s) };
    LAC_CHECK_STATUS(lac_malloc((void **)&v.x, (size_t)v.n * sizeof(float)));
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, v.x));
    for (int64_t k = 0; k < v.n; k++)
        v.norm += isnan(v.x[k]) ? 0 : (double)v.x[k] * v.x[k];
    v.norm = sqrt(v.norm);
    return v;
}

static bool is_gradient(const char *name) { return strncmp(name, "grad.", 5) == 0; }

static double largest_gradient(const lac_weights *want)
{
    double largest = 0;
    for (int64_t i = 0; i < lac_weights_count(want); i++) {
        if (!is_gradient(lac_weights_name(want, i)))
            continue;
        values v = read_values(want, i);
        largest = fmax(largest, v.norm);
        free(v.x);
    }
    return largest;
}

/* The L2 norm of the difference; NaN counts as equal to NaN, and as infinitely far from a number. */
static double distance(const values *a, const values *b)
{
    double sum = 0;
    for (int64_t i = 0; i < a->n; i++) {
        if (isnan(a->x[i]) != isnan(b->x[i]))
            return INFINITY;
        if (!isnan(a->x[i]))
            sum += ((double)a->x[i] - b->x[i]) * ((double)a->x[i] - b->x[i]);
    }
    return sqrt(sum);
}

static double share_of_allowed(const char *name, double error, double norm, double largest, bool exact)
{
    if (error == 0)
        return 0;
    if (exact)
        return INFINITY;
    const double allowed = is_gradient(name) ? fmax(1e-4 * norm, 1e-6 * largest) : 1e-5 * norm;
    return allowed > 0 ? error / allowed : INFINITY;
}

/* Everything that want holds is in got, in that dtype and shape, within tolerance. */
static void compare(const lac_weights *got, const lac_weights *want, bool nearest, worst_gap *worst)
{
    const double largest = largest_gradient(want);
    for (int64_t i = 0; i < lac_weights_count(want); i++) {
        const char *name = lac_weights_name(want, i);
        const int64_t j = lac_weights_find(got, name);
        if (j < 0)
            fail_msg("OUT lacks '%s'", name);
        const lac_shape a = lac_weights_shape(got, j), b = lac_weights_shape(want, i);
        if (lac_weights_dtype(got, j) != lac_weights_dtype(want, i) || a.ndim != b.ndim
            || memcmp(a.dim, b.dim, (size_t)a.ndim * sizeof a.dim[0]) != 0)
            fail_msg("'%s' is %s %s, not %s %s", name, lac_dtype_name(lac_weights_dtype(got, j)), lac_dims_str(a.ndim, a.dim),
                     lac_dtype_name(lac_weights_dtype(want, i)), lac_dims_str(b.ndim, b.dim));
        values x = read_values(got, j), y = read_values(want, i);
        const bool exact = lac_weights_dtype(want, i) == LAC_U8 || lac_weights_dtype(want, i) == LAC_I64 || (nearest && !is_gradient(name));
        const double share = share_of_allowed(name, distance(&x, &y), y.norm, largest, exact);
        if (share >= worst->share) {
            worst->share = share;
            snprintf(worst->tensor, sizeof worst->tensor, "%s", name);
        }
        free(x.x), free(y.x);
    }
}

/* deepfillv2-gan may also write the discriminator's vectors that training would commit. */
static void nothing_surplus(const lac_weights *got, const lac_weights *want)
{
    for (int64_t i = 0; i < lac_weights_count(got); i++) {
        const char *name = lac_weights_name(got, i);
        if (lac_weights_find(want, name) < 0 && strncmp(name, "discriminator.", 14) != 0)
            fail_msg("OUT has '%s', which nobody asked for", name);
    }
}

static bool asks_for_nearest(const probe_case *c)
{
    char *path = at(c->folder, "config.json");
    json_t *config = json_load_file(path, 0, NULL);
    const char *mode = json_string_value(json_object_get(config, "mode"));
    const bool nearest = strcmp(c->kind, "resize") == 0 && mode != NULL && strcmp(mode, "nearest") == 0;
    json_decref(config);
    free(path);
    return nearest;
}

static bool agrees(const probe_case *c, const char *out)
{
    char *expect = at(c->folder, "expect.safetensors");
    lac_weights *got = NULL, *want = NULL;
    LAC_CHECK_STATUS(lac_weights_open(&want, expect));
    LAC_CHECK_STATUS(lac_weights_open(&got, out));
    worst_gap worst = { 0 };
    nothing_surplus(got, want);
    compare(got, want, asks_for_nearest(c), &worst);
    print_message("%s: worst gap %.3f of what is allowed (%s)\n", c->folder, worst.share, worst.tensor);
    lac_weights_close(got), lac_weights_close(want);
    free(expect);
    return worst.share <= 1;
}

/* A status that is not a crash, one line with the word, no file. */
static bool refused(const probe_case *c, int status, const char *message, const char *out)
{
    const char *end = strchr(message, '\n');
    const bool one_line = end != NULL && end[1] == '\0';
    return status > 0 && one_line && strstr(message, c->fails) != NULL && access(out, F_OK) != 0;
}

static bool check(const probe_case *c)
{
    char out[512], messages[512], message[4096];
    const char *folder = lac_test_folder();
    snprintf(out, sizeof out, "%s/out.safetensors", folder);
    snprintf(messages, sizeof messages, "%s/messages", folder);
    const int status = probe(c, out, messages);
    message_of(messages, message, sizeof message);
    const bool good = c->fails ? refused(c, status, message, out) : status == 0 && agrees(c, out);
    if (!good)
        print_error("%s: %s status %d, says: %s\n", c->folder, c->fails ? "should be refused;" : "differs;", status, message);
    unlink(out), unlink(messages);
    return good;
}

static probe_case case_of(const json_t *line)
{
    return (probe_case){ .kind = json_string_value(json_object_get(line, "kind")),
                         .folder = json_string_value(json_object_get(line, "folder")),
                         .weights = json_string_value(json_object_get(line, "weights")),
                         .fails = json_string_value(json_object_get(line, "fails")),
                         .grad = json_is_true(json_object_get(line, "grad")) };
}

/* The cases of a kind, bad calls left out; kind NULL: bad calls alone. Counts those that came out as they must. */
static void check_all(const json_t *list, const char *kind)
{
    const json_t *line;
    size_t i;
    int n = 0, good = 0;
    json_array_foreach(list, i, line) {
        const probe_case c = case_of(line);
        if (kind == NULL ? c.fails == NULL : c.fails != NULL || strcmp(kind, c.kind) != 0)
            continue;
        n++, good += check(&c);
    }
    print_message("%s: %d of %d\n", kind != NULL ? kind : "bad calls", good, n);
    LAC_CHECK(n > 0 && good == n);
}

static json_t *all_cases(void)
{
    json_t *list = json_load_file(lac_test_golden("probe/cases.json"), 0, NULL);
    LAC_CHECK(list != NULL);
    return list;
}

/* Every KIND of the program has cases, and so is run. */
LAC_TEST(every_kind_agrees_with_its_reference)
{
    static const lac_kind *const kinds[] = {
#define LAC_KIND(identifier) &lac_kind_##identifier,
#include "cli/probe/kinds.def"
#undef LAC_KIND
    };
    json_t *list = all_cases();
    for (size_t i = 0; i < LAC_COUNT(kinds); i++)
        check_all(list, kinds[i]->name);
    json_decref(list);
}

LAC_TEST(probe_refuses_bad_calls_in_one_line)
{
    json_t *list = all_cases();
    check_all(list, NULL);
    json_decref(list);
}
