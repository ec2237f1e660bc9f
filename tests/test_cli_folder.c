/* lacuna import and export of what PyTorch, diffusers and transformers keep: a small network in each of their containers. */
#include "autograd/ops/conv2d/conv2d.h"
#include "core/file/atomic.h"
#include "models/network_folder.h"
#include "tests/harness/cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct model { lac_param *weight, *bias; } model;

static const lac_key keys[] = {
    { "width", LAC_KEY_INT, "3", .min = 1, .max = 100, .help = "filters" },
    { NULL },
};

static lac_status init(void *model_, lac_params *ps, const json_t *config)
{
    model *m = model_;
    const int64_t width = lac_config_int(config, "width");
    LAC_TRY(lac_param_new(ps, &m->weight, LAC_ROLE_CONV, 4, (int64_t[]){ width, 1, 1, 2 }, LAC_INIT_XAVIER, 0, "conv.weight"));
    return lac_param_new(ps, &m->bias, LAC_ROLE_BIAS, 1, &width, LAC_INIT_ZERO, 0, "conv.bias");
}

static const lac_network_folder folder = {
    .layout = "diffusers", .weights = "diffusion_pytorch_model.safetensors", .classes = (const char *const[]){ "FoldedModel", "OldFoldedModel", NULL },
};

static const lac_network_def network = {
    .name = "folded", .about = "one convolution in a folder", .keys = keys, .size = sizeof(model), .init = init, .folder = &folder,
};

static const char *golden(const char *name)
{
    static char path[2][300];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", lac_test_golden("torch"), name);
    return path[turn];
}

static void write_text(const char *path, const char *text) { LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text))); }

LAC_TEST(a_checkpoint_becomes_a_model_and_a_folder_and_comes_back_to_the_bit)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_path(f, "m.safetensors"), *out = lac_cli_path(f, "net"), *back = lac_cli_path(f, "back.safetensors");
    LAC_CHECK_STATUS(lac_network_register(&network));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, golden("net.ckpt"), "-o", model, "--network", "folded") == 0);
    LAC_CLI_HAS(model, "conv.weight", 3, 2, 1, 1);
    float *x = lac_cli_values(model, "conv.weight");
    LAC_CHECK(x[0] == -1 && x[5] > -0.29f && x[5] < -0.28f);
    free(x);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", out, "--layout", "diffusers") == 0);
    LAC_CLI_HAS(lac_cli_path(out, "diffusion_pytorch_model.safetensors"), "conv.bias", 3);
    json_t *config = json_load_file(lac_cli_path(out, "config.json"), 0, NULL);
    LAC_CHECK(strcmp(lac_network_class_of(config), "FoldedModel") == 0 && json_integer_value(json_object_get(config, "width")) == 3);
    json_decref(config);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", back) == 0 && lac_cli_same_file(model, back));         /* by its class */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, out, "-o", back) == 0 && lac_cli_same_file(model, back));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", out, "--layout", "diffusers", "--dtype", "f16") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", back) == 0 && lac_cli_same_file(model, back));         /* the values were f16's */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", out, "--layout", "transformers") == 2 && lac_cli_complains(&said, "no layout 'transformers'"));
}

LAC_TEST(a_folder_of_another_class_is_refused)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_path(f, "m.safetensors"), *out = lac_cli_path(f, "net"), *config = lac_cli_path(f, "net/config.json");
    LAC_CHECK_STATUS(lac_network_register(&network));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, golden("net.ckpt"), "-o", model, "--network", "folded") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", out, "--layout", "diffusers") == 0);
    write_text(config, "{\"_class_name\": \"AutoencoderKL\", \"width\": 3}");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", model, "--network", "folded") == 1);
    LAC_CHECK(lac_cli_complains(&said, "of a AutoencoderKL, the network 'folded' is a FoldedModel"));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", model, "--network", "deepfill") == 1 && lac_cli_complains(&said, "of a AutoencoderKL, which the network 'deepfill' is not"));
    write_text(config, "{\"_class_name\": \"OldFoldedModel\", \"_diffusers_version\": \"0.1\", \"width\": 3}");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", model) == 0);
    write_text(config, "{\"architectures\": [\"FoldedModel\"], \"widht\": 3}");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", model) == 1 && lac_cli_complains(&said, "width"));
    write_text(config, "{\"_class_name\": \"FoldedModel\", \"width\": 4}");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", model) == 1 && lac_cli_complains(&said, "'conv.weight' is [3,2,1,1] in the file, [4,2,1,1] in the model"));
}

LAC_TEST(checkpoints_that_do_not_fit_are_told_in_one_line)
{
    static const struct { const char *file, *says; } bad[] = {
        { "net_opaque.ckpt", "1 key does not fit: 'conv.bias' is missing: in its place is what '__main__.Opaque' would return" },
        { "net_nan.ckpt", "'conv.weight' holds NaN" },
        { "net_misfit.ckpt", "2 keys do not fit: 'conv.bias' is [4] in the file, [3] in the model; 'more' is not in the model" },
        { "evil.pt", "calls 'posix.system'" }, { "shards", "config.json is of a UNet2DConditionModel" },
    };
    lac_cli_said said;
    const char *model = lac_cli_path(lac_test_folder(), "m.safetensors");
    LAC_CHECK_STATUS(lac_network_register(&network));
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        LAC_CHECK(LAC_CLI(lac_cmd_import, &said, golden(bad[i].file), "-o", model, "--network", "folded") == 1);
        if (!lac_cli_complains(&said, bad[i].says))
            fail_msg("%s: %s", bad[i].file, said.err);
    }
    char *bytes;
    size_t size;
    LAC_CHECK(lac_file_read(model, 1 << 20, &bytes, &size) == LAC_ERR_IO);         /* nothing was written */
}
