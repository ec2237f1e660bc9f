/* Files of PyTorch (tests/golden/torch_files.py wrote them): archives, what was before them, pickles that lie or call, folders and shards. */
#include "core/file/atomic.h"
#include "core/file/folder.h"
#include "core/file/pickle.h"
#include "core/file/weights.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *at(const char *name)
{
    static char path[4][300];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", lac_test_golden("torch"), name);
    return path[turn];
}

static lac_weights *open_file(const char *path)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, path));
    return w;
}

/* Elements are k / 7 - 1, k as told, to within the dtype's last place. */
static void check(const lac_weights *w, const char *name, int n, const int *k, double gap)
{
    float x[64];
    const int64_t i = lac_weights_find(w, name);
    if (i < 0)
        fail_msg("'%s' is not there", name);
    const lac_shape s = lac_weights_shape(w, i);
    LAC_CHECK(lac_shape_numel(&s) == n && n <= 64);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, x));
    for (int e = 0; e < n; e++)
        if (!(fabs(x[e] - (k[e] / 7.0 - 1)) <= gap))
            fail_msg("'%s' [%d] is %g, expected %g", name, e, x[e], k[e] / 7.0 - 1);
}

static void check_ramp(const lac_weights *w, const char *name, int n, double gap)
{
    int k[64];
    for (int e = 0; e < n; e++)
        k[e] = e;
    check(w, name, n, k, gap);
}

static const double one = 2e-7, half = 1e-3, brain = 8e-3;        /* half a unit in the last place of numbers below 4 */

static void check_plain(const lac_weights *w)
{
    float x[24];
    uint8_t bytes[5];
    check_ramp(w, "f32", 24, one), check_ramp(w, "f64", 24, one), check_ramp(w, "f16", 24, half), check_ramp(w, "bf16", 24, brain);
    LAC_CHECK(lac_weights_dtype(w, lac_weights_find(w, "f16")) == LAC_F16 && lac_weights_dtype(w, lac_weights_find(w, "bf16")) == LAC_BF16);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, lac_weights_find(w, "i64"), x));
    LAC_CHECK(x[23] == 23 * 0x1p40f);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, lac_weights_find(w, "i32"), x));
    LAC_CHECK(x[0] == -12 && x[23] == 11);
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, "u8"), bytes, 5));
    LAC_CHECK(bytes[4] == 40);
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, "bool"), bytes, 3));
    LAC_CHECK(bytes[0] == 0 && bytes[2] == 1);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, lac_weights_find(w, "scalar"), x));
    LAC_CHECK(x[0] == 2.5f && lac_weights_shape(w, lac_weights_find(w, "scalar")).ndim == 0);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, lac_weights_find(w, "empty"), x));
}

static void check_views(const lac_weights *w)
{
    int transposed[24], permuted[24];
    for (int e = 0; e < 24; e++) {
        transposed[e] = e % 4 * 6 + e / 4;
        permuted[e] = e / 6 + e % 6 * 4;
    }
    check(w, "transposed", 24, transposed, one);
    check(w, "permuted", 24, permuted, half);
    check(w, "slice", 6, (int[]){ 8, 9, 10, 14, 15, 16 }, one);
    check(w, "stepped", 5, (int[]){ 3, 8, 13, 18, 23 }, one);
    check(w, "tail", 4, (int[]){ 20, 21, 22, 23 }, one);
    check_ramp(w, "parameter", 6, one);
    check_ramp(w, "net.conv.weight", 6, one), check_ramp(w, "net.list.0", 2, one), check_ramp(w, "net.list.2", 3, one);
    LAC_CHECK(strstr(lac_weights_why_absent(w, "repeated"), "repeats") != NULL && strstr(lac_weights_why_absent(w, "seven"), "7 dims") != NULL);
    LAC_CHECK(strstr(lac_weights_why_absent(w, "complex"), "ComplexFloatStorage") != NULL && lac_weights_why_absent(w, "f32") == NULL);
}

LAC_TEST(files_of_torch_save_are_read_whatever_their_age_and_packing)
{
    static const char *const name[] = { "archive.pt", "protocol4.pt", "deflated.pt", "old.pt" };
    for (size_t i = 0; i < LAC_COUNT(name); i++) {
        lac_weights *w = open_file(at(name[i]));
        LAC_CHECK(lac_weights_count(w) == 19 && lac_weights_find(w, "optimizer.state.0.exp_avg") < 0);
        check_plain(w);
        check_views(w);
        lac_weights_close(w);
    }
}

LAC_TEST(a_whole_module_and_torchscript_are_read_by_attribute)
{
    static const char *const file[] = { "module.pt", "script.pt" };
    for (int i = 0; i < 2; i++) {
        lac_weights *w = open_file(at(file[i]));
        check_ramp(w, "conv.weight", 6, one), check_ramp(w, "blocks.1.weight", 12, one), check_ramp(w, "blocks.0.bias", 3, one);
        LAC_CHECK(lac_weights_dtype(w, lac_weights_find(w, "blocks.0.num_batches_tracked")) == LAC_I64);
        lac_weights_close(w);
    }
    lac_weights *w = open_file(at("tensor.pt"));
    LAC_CHECK(lac_weights_count(w) == 1);
    check_ramp(w, "", 6, one);
    lac_weights_close(w);
}

LAC_TEST(a_pickle_that_calls_a_function_is_refused_and_runs_nothing)
{
    static const struct { const char *file, *says; } bad[] = {
        { "evil.pt", "calls 'posix.system'" }, { "evil_beside.pt", "calls 'posix.system'" }, { "evil_old.pt", "calls 'posix.system'" },
        { "evil.pkl", "calls 'posix.system'" }, { "evil_eval.pt", ".eval'" }, { "plain.pkl", "none of PyTorch's" },
    };
    lac_weights *w;
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        LAC_CHECK_FAILS(lac_weights_open(&w, at(bad[i].file)), LAC_ERR_FORMAT, bad[i].says);
        LAC_CHECK(strstr(lac_error_message(), bad[i].file) != NULL);
    }
    LAC_CHECK(access("evil-was-run", F_OK) != 0);
    w = open_file(at("opaque.pt"));
    check_ramp(w, "f32", 24, one);
    LAC_CHECK(lac_weights_count(w) == 1 && strstr(lac_weights_why_absent(w, "opaque"), "__main__.Opaque") != NULL);
    LAC_CHECK(strstr(lac_weights_why_absent(w, "call"), "divmod") != NULL);
    lac_weights_close(w);
}

/* Every file cut at every length, and with every byte changed, opens or says why in a line. */
LAC_TEST(damaged_files_say_why)
{
    static const char *const name[] = { "archive.pt", "old.pt", "deflated.pt", "script.pt" };
    char path[300], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/damaged", lac_test_folder());
    for (size_t f = 0; f < LAC_COUNT(name); f++) {
        LAC_CHECK_STATUS(lac_file_read(at(name[f]), 1 << 20, &bytes, &size));
        for (size_t i = 0; i < size; i += 13) {
            lac_weights *w = NULL;
            float *x;
            bytes[i] ^= 0x41;
            LAC_CHECK_STATUS(lac_file_write(path, bytes, i % 2 == 0 ? size : i));
            bytes[i] ^= 0x41;
            lac_error_clear();
            const lac_status s = lac_weights_open(&w, path);
            LAC_CHECK(s == LAC_OK || (w == NULL && strstr(lac_error_message(), path) != NULL && strchr(lac_error_message(), '\n') == NULL));
            LAC_CHECK(i % 2 == 0 || s != LAC_OK);
            for (int64_t k = 0; s == LAC_OK && k < lac_weights_count(w); k++) {
                const lac_shape shape = lac_weights_shape(w, k);
                LAC_CHECK((size_t)lac_shape_numel(&shape) <= 2000 * size);
                x = malloc((size_t)lac_shape_numel(&shape) * sizeof *x + 1);
                (void)lac_weights_read_f32(w, k, x);
                free(x);
            }
            lac_weights_close(w);
        }
        free(bytes);
    }
}

/* ---- pickles by hand ---- */

static lac_status read_pickle(const char *bytes, size_t size)
{
    lac_pickle p;
    size_t used;
    const lac_status s = lac_pickle_read(&p, bytes, size, &used);
    if (s == LAC_OK)
        lac_pickle_free(&p);
    return s;
}

#define BYTES(text) text, sizeof text - 1

LAC_TEST(pickles_that_no_machine_of_pythons_would_write_are_refused)
{
    static const struct { const char *bytes; size_t size; const char *says; } bad[] = {
        { BYTES(""), "no pickle of protocol 2" }, { BYTES("(dp0\n."), "no pickle of protocol 2" }, { BYTES("\x80\x07N."), "protocol" },
        { BYTES("\x80\x02"), "cut off" }, { BYTES("\x80\x02X\xff\xff\xff\xff"), "cut off" }, { BYTES("\x80\x02."), "stack is empty" },
        { BYTES("\x80\x02NN."), "left over" }, { BYTES("\x80\x02N(."), "stack is empty" }, { BYTES("\x80\x02t."), "no mark" },
        { BYTES("\x80\x02}(Nu."), "without a value" }, { BYTES("\x80\x02NNNs."), "no container" }, { BYTES("\x80\x02]N}s."), "no container" },
        { BYTES("\x80\x02h\x01."), "memo" }, { BYTES("\x80\x02Nr\xff\xff\xff\x7f."), "impossible number" }, { BYTES("\x80\x02""cos\n"), "cut off" },
        { BYTES("\x80\x02NNR."), "no tuple" }, { BYTES("\x80\x02N)R."), "no function" }, { BYTES("\x80\x02I1\n."), "0x49 is no opcode" },
        { BYTES("\x80\x02""cos\nsystem\n)R."), "calls 'os.system'" }, { BYTES("\x80\x04NN\x93."), "no text" },
        { BYTES("\x80\x02""csubprocess\nPopen\n)\x81."), "calls 'subprocess.Popen'" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK_FAILS(read_pickle(bad[i].bytes, bad[i].size), LAC_ERR_FORMAT, bad[i].says);
    LAC_CHECK_STATUS(read_pickle(BYTES("\x80\x02]q\x01h\x01""a.")));           /* a list within itself */
    LAC_CHECK_STATUS(read_pickle(BYTES("\x80\x02""cos\nsystem\n.")));           /* a name alone does nothing */
}

/* ---- folders ---- */

LAC_TEST(folders_and_their_shards_are_one_set_of_weights)
{
    static const char *const folder[] = { "shards", "bins" };
    for (int i = 0; i < 2; i++) {
        LAC_CHECK(lac_folder_has_weights(at(folder[i])));
        lac_weights *w = open_file(at(folder[i]));
        LAC_CHECK(lac_weights_count(w) == 10);
        check_plain(w);
        LAC_CHECK(strstr(lac_weights_metadata(w, "config.json"), "UNet2DConditionModel") != NULL);
        lac_weights_close(w);
    }
    LAC_CHECK(!lac_folder_has_weights(at(".")) && !lac_folder_has_weights(at("archive.pt")));
}

static void shell(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* A copy of the shards, and what a command makes of it. */
static lac_status spoilt(const char *command)
{
    char line[1200], copy[300];
    lac_weights *w = NULL;
    snprintf(copy, sizeof copy, "%s/spoilt", lac_test_folder());
    snprintf(line, sizeof line, "rm -rf '%s' && cp -r '%s' '%s' && cd '%s' && chmod -R u+w . && %s", copy, at("shards"), copy, copy, command);
    shell(line);
    const lac_status s = lac_weights_open(&w, copy);
    lac_weights_close(w);
    return s;
}

#define SECOND "diffusion_pytorch_model-00002-of-00002.safetensors"
#define INDEX "diffusion_pytorch_model.safetensors.index.json"

LAC_TEST(half_a_shard_or_none_is_named)
{
    LAC_CHECK_STATUS(spoilt("true"));
    LAC_CHECK_FAILS(spoilt("rm " SECOND), LAC_ERR_IO, SECOND "': No such file");
    LAC_CHECK_FAILS(spoilt("truncate -s 300 " SECOND), LAC_ERR_FORMAT, SECOND);
    LAC_CHECK_FAILS(spoilt("truncate -s 0 " SECOND), LAC_ERR_FORMAT, SECOND);
    LAC_CHECK_FAILS(spoilt("cp diffusion_pytorch_model-00001-of-00002.safetensors " SECOND), LAC_ERR_FORMAT, "two tensors named 'bf16'");
    LAC_CHECK_FAILS(spoilt("sed -i s/bool/boole/ " INDEX), LAC_ERR_FORMAT, "'boole' is not in");
    LAC_CHECK_FAILS(spoilt("echo '{' > " INDEX), LAC_ERR_FORMAT, "not JSON");
    LAC_CHECK_FAILS(spoilt("echo '{}' > " INDEX), LAC_ERR_FORMAT, "weight_map");
    LAC_CHECK_FAILS(spoilt("echo '{\"weight_map\":{\"a\":\"../x\"}}' > " INDEX), LAC_ERR_FORMAT, "'a' lies in no file of this folder");
    LAC_CHECK_FAILS(spoilt("echo [1] > config.json"), LAC_ERR_FORMAT, "config.json' is not a JSON object");
    LAC_CHECK_FAILS(spoilt("rm *; echo '{}' > model_index.json"), LAC_ERR_FORMAT, "a whole pipeline");
    LAC_CHECK_FAILS(spoilt("rm *"), LAC_ERR_FORMAT, "a folder without weights");
}

LAC_TEST(a_component_of_a_pipeline_is_found_with_its_config)
{
    char line[1200], folder[300], *path;
    json_t *config;
    snprintf(folder, sizeof folder, "%s/pipeline", lac_test_folder());
    snprintf(line, sizeof line, "mkdir -p '%s/scheduler' && cp -r '%s' '%s/unet' && echo '{\"steps_offset\": 1}' > '%s/scheduler/scheduler_config.json'",
             folder, at("shards"), folder, folder);
    shell(line);
    LAC_CHECK_STATUS(lac_pipeline_component(folder, "unet", &path, &config));
    LAC_CHECK(json_integer_value(json_object_get(config, "in_channels")) == 9 && strstr(path, "/pipeline/unet") != NULL);
    free(path), json_decref(config);
    LAC_CHECK_STATUS(lac_pipeline_component(folder, "scheduler", &path, &config));
    LAC_CHECK(json_integer_value(json_object_get(config, "steps_offset")) == 1);
    free(path), json_decref(config);
    LAC_CHECK_FAILS(lac_pipeline_component(folder, "vae", &path, &config), LAC_ERR_IO, "has no folder 'vae', it has scheduler, unet");
}
