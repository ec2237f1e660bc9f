/* lacuna export and import: names, layouts, bytes, and what is refused. */
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "tests/harness/cli.h"
#include "train/run.h"

#include <stdlib.h>

static bool holds(const char *path, const char *text)
{
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(lac_file_read(path, 64 << 20, &bytes, &n));
    const bool found = memmem(bytes, n, text, strlen(text)) != NULL;
    free(bytes);
    return found;
}

LAC_TEST(a_run_exports_the_same_bytes_again_and_nothing_about_itself)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *a = lac_cli_path(f, "a.safetensors"), *b = lac_cli_path(f, "b.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", a) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", b, "--checkpoint", lac_cli_path(run, "ckpt/step-000001.h5")) == 0);
    LAC_CHECK(lac_cli_same_file(a, b));
    LAC_CHECK(!holds(a, "tiny") && !holds(a, f) && !holds(a, "steps"));
    LAC_CLI_HAS(a, "conv1.weight", 4, 5, 5, 5);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, a, "-o", b) == 0 && lac_cli_same_file(a, b));     /* a model exports itself */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", b, "--network", "discriminator") == 0);
    LAC_CLI_HAS(b, "conv1.weight", 4, 4, 5, 5);
    LAC_CLI_HAS(b, "conv1.u", 4);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", b, "--dtype", "bf16") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", b, "--network", "generatr") == 2 && lac_cli_complains(&said, "did you mean 'generator'"));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", b, "--network", "generator", "--all") == 2);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, a, "-o", b, "--network", "discriminator") == 2 && lac_cli_complains(&said, "--network is not for it"));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, f, "-o", b) == 1 && lac_cli_complains(&said, "no checkpoint"));
}

/* Weights, averaged ones: after one step of decay 0.5 neither the first values nor the trained ones. */
LAC_TEST(a_run_with_an_ema_exports_the_average)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *a = lac_cli_path(f, "a.safetensors");
    lac_loaded r;
    float ema[500], now[500];
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", a) == 0);
    LAC_CHECK_STATUS(lac_run_load(&r, run, NULL));
    lac_param *p = lac_params_find(lac_recipe_find_network(&r.trainer.recipe, "generator"), "conv1.bias");
    LAC_CHECK_STATUS(lac_param_get(p, ema));
    LAC_CHECK_STATUS(lac_trainer_swap_ema(&r.trainer));
    LAC_CHECK_STATUS(lac_param_get(p, now));
    float *x = lac_cli_values(a, "conv1.bias");
    LAC_CHECK(memcmp(x, ema, 4 * sizeof *x) == 0 && memcmp(x, now, 4 * sizeof *x) != 0);
    free(x);
    lac_loaded_close(&r);
}

static void write_pair(const char *path)
{
    lac_weights_writer *w;
    float image[3 * 32 * 32], mask[32 * 32];
    for (int i = 0; i < 3 * 32 * 32; i++)
        image[i] = (float)(i % 17) / 8 - 1;
    for (int i = 0; i < 32 * 32; i++)
        mask[i] = i % 32 < 12;
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "image", LAC_F32, 4, (int64_t[]){ 1, 3, 32, 32 }, image));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "mask", LAC_F32, 4, (int64_t[]){ 1, 1, 32, 32 }, mask));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
}

LAC_TEST(all_networks_are_what_probe_reads)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *all = lac_cli_path(f, "all.safetensors"), *in = lac_cli_path(f, "in.safetensors");
    const char *out = lac_cli_path(f, "out.safetensors"), *config = lac_cli_path(f, "c.json");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", all, "--all") == 0);
    LAC_CLI_HAS(all, "generator.conv1.weight", 4, 5, 5, 5);
    LAC_CLI_HAS(all, "discriminator.conv6.u", 16);
    write_pair(in);
    LAC_CHECK_STATUS(lac_file_write(config, "{\"cnum\": 4, \"width\": 4}", 23));
    LAC_CHECK(LAC_CLI(lac_cmd_probe, &said, "deepfillv2-gan", "--in", in, "--out", out, "--weights", all, "--config", config) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, all, "-o", out) == 0);        /* the generator alone is what paints */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", in) == 0 && holds(in, "conv1.weight"));
    float *a = lac_cli_values(in, "allconv17.weight"), *b = lac_cli_values(out, "allconv17.weight");
    LAC_CHECK(memcmp(a, b, 3 * 1 * 9 * sizeof *a) == 0);
    free(a);
    free(b);
}

LAC_TEST(official_names_and_kernels_are_hwio_and_come_back_to_the_bit)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 5);
    const char *tf = lac_cli_path(f, "tf.safetensors"), *back = lac_cli_path(f, "back.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", tf, "--layout", "tf") == 0);
    LAC_CLI_HAS(tf, "inpaint_net/conv1/kernel", 5, 5, 5, 4);
    LAC_CLI_HAS(tf, "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel", 3, 3, 8, 8);
    LAC_CLI_HAS(tf, "inpaint_net/allconv15_upsample/allconv15_upsample_conv/bias", 4);
    LAC_CLI_HAS(tf, "inpaint_net/xconv2_downsample/kernel", 3, 3, 2, 4);
    float *ours = lac_cli_values(model, "conv1.weight"), *theirs = lac_cli_values(tf, "inpaint_net/conv1/kernel");
    for (int o = 0; o < 4; o++)
        for (int i = 0; i < 5; i++)
            for (int y = 0; y < 5; y++)
                for (int x = 0; x < 5; x++)
                    LAC_CHECK(ours[((o * 5 + i) * 5 + y) * 5 + x] == theirs[((y * 5 + x) * 5 + i) * 4 + o]);
    free(ours);
    free(theirs);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, tf, "-o", back) == 0 && lac_cli_same_file(model, back));
    const char *run = lac_cli_run(f), *d = lac_cli_path(f, "d.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", d, "--all", "--layout", "tf") == 0);
    LAC_CLI_HAS(d, "discriminator/sn_patch_gan/conv1/kernel", 5, 5, 4, 4);
    LAC_CLI_HAS(d, "discriminator/sn_patch_gan/conv6/kernel_sn/u", 1, 16);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, d, "-o", back) == 0);         /* the discriminator is passed over */
}

LAC_TEST(what_a_file_does_not_say_is_read_off_its_shapes)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *tf = lac_cli_path(f, "tf.safetensors"), *out = lac_cli_path(f, "o.safetensors");
    const char *vanilla = lac_cli_model(f, "v.safetensors", "{\"cnum\": 6, \"conv\": \"vanilla\", \"stage2_aux\": true, \"input_aux\": false}", false, 5);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, vanilla, "-o", tf, "--layout", "tf") == 0);
    const char *bare = lac_cli_strip(tf, f, "bare.safetensors", NULL), *probe = lac_cli_strip(vanilla, f, "probe.safetensors", NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bare, "-o", out) == 0);
    LAC_CHECK(holds(out, "\"lacuna.channel_order\":\"bgr\"") && holds(out, "\\\"mode\\\":\\\"tf\\\""));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bare, "-o", out, "--channel-order", "rgb") == 0 && lac_cli_same_file(out, vanilla));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, probe, "-o", out) == 0 && lac_cli_same_file(out, vanilla));
    const char *config = lac_cli_path(f, "c.json");
    LAC_CHECK_STATUS(lac_file_write(config, "{\"mode\": \"torch\"}", 17));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, probe, "-o", out, "--config", config) == 0 && holds(out, "\\\"mode\\\":\\\"torch\\\""));
    LAC_CHECK_STATUS(lac_file_write(config, "{\"cnun\": 4}", 11));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, probe, "-o", out, "--config", config) == 1 && lac_cli_complains(&said, "cnum"));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, probe, "-o", out, "--channel-order", "gbr") == 2);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, probe, "-o", out, "--network", "deepfil") == 2 && lac_cli_complains(&said, "'deepfill'"));
}

LAC_TEST(keys_that_do_not_fit_are_listed_and_nothing_is_written)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 5);
    const char *tf = lac_cli_path(f, "tf.safetensors"), *out = lac_cli_path(f, "o.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", tf, "--layout", "tf") == 0);
    const char *bad = lac_cli_strip(tf, f, "bad.safetensors", (const char *const[]){ "drop inpaint_net/conv5/bias", "add inpaint_net/conv99/bias",
                            "flatten inpaint_net/conv1/kernel", "add inpaint_net/conv1/bias/Adam", "add global_step", "add discriminator/x", NULL });
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bad, "-o", out) == 1);
    LAC_CHECK(lac_cli_complains(&said, "3 keys do not fit") && lac_cli_complains(&said, "'inpaint_net/conv5/bias' is missing"));
    LAC_CHECK(lac_cli_complains(&said, "'inpaint_net/conv99/bias' is not in the model"));
    LAC_CHECK(lac_cli_complains(&said, "'inpaint_net/conv1/kernel' is [500] in the file, [5,5,5,4] in the model"));
    bad = lac_cli_strip(model, f, "bad.safetensors", (const char *const[]){ "drop conv5.bias", "add conv99.bias", "flatten conv3.weight", NULL });
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bad, "-o", out) == 1 && lac_cli_complains(&said, "3 keys do not fit"));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, lac_cli_path(f, "none"), "-o", out) == 1);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, tf) == 2 && lac_cli_complains(&said, "--out"));
    LAC_CHECK(access(out, F_OK) != 0);
    const char *probe = lac_cli_strip(model, f, "bare.safetensors", NULL);         /* without metadata it is no model yet */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, probe, "-o", out) == 1 && lac_cli_complains(&said, "see lacuna import"));
}

/* ---- any network ---- */

LAC_TEST(a_discriminator_is_a_model_too_and_its_config_is_what_probe_takes)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *d = lac_cli_path(f, "d.safetensors"), *out = lac_cli_path(f, "o.safetensors");
    const char *in = lac_cli_path(f, "in.safetensors"), *config = lac_cli_path(f, "c.json");
    lac_weights *w;
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", d, "--network", "discriminator") == 0);
    LAC_CHECK_STATUS(lac_weights_open(&w, d));
    LAC_CHECK(strcmp(lac_weights_metadata(w, "lacuna.network"), "sn-patchgan") == 0);
    const char *text = lac_weights_metadata(w, "lacuna.config");
    LAC_CHECK_STATUS(lac_file_write(config, text, strlen(text)));
    lac_weights_close(w);
    write_pair(in);
    LAC_CHECK(LAC_CLI(lac_cmd_probe, &said, "sn-patchgan", "--in", in, "--out", out, "--weights", d, "--config", config) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, d, "-o", out) == 0 && lac_cli_same_file(d, out));
    const char *bare = lac_cli_strip(d, f, "bare.safetensors", NULL), *tf = lac_cli_path(f, "tf.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bare, "-o", out) == 0 && lac_cli_same_file(d, out));       /* known by its names */
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", tf, "--all", "--layout", "tf") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, tf, "-o", out, "--network", "sn-patchgan", "--channel-order", "rgb") == 0 && lac_cli_same_file(d, out));
    const char *picture = lac_cli_picture(f, "p.png", 21, 18, 3), *mask = lac_cli_mask(f, "k.png", 21, 18, 4, 5, 7, 6);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, d, "-i", picture, "-m", mask, "-o", out) == 1 && lac_cli_complains(&said, "no inpainter uses the network 'sn-patchgan'"));
}

LAC_TEST(a_global_discriminator_has_no_official_name_for_its_last_layer)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "o.safetensors");
    const char *d = lac_cli_network("sn-patchgan", f, "d.safetensors", "{\"kind\": \"global\", \"size\": 64, \"width\": 4}", false, 3);
    LAC_CLI_HAS(d, "linear.weight", 1, 16);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, d, "-o", out) == 0 && lac_cli_same_file(d, out));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, d, "-o", out, "--layout", "tf") == 1 && lac_cli_complains(&said, "'linear.bias' of the sn-patchgan"));
}

LAC_TEST(a_network_without_formats_comes_in_by_name_and_has_no_foreign_layout)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_sampler(f, "m.safetensors", 4), *out = lac_cli_path(f, "o.safetensors");
    const char *bare = lac_cli_strip(model, f, "bare.safetensors", NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bare, "-o", out) == 1 && lac_cli_complains(&said, "say which it is (deepfill, sn-patchgan, ") && lac_cli_complains(&said, ", sampler)"));
    LAC_CHECK(access(out, F_OK) != 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, bare, "-o", out, "--network", "sampler") == 0 && lac_cli_same_file(model, out));
    lac_cli_same_tensors(bare, out);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, model, "-o", out) == 0 && lac_cli_same_file(model, out));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "-o", out, "--layout", "tf") == 2 && lac_cli_complains(&said, "no layout 'tf' of the network 'sampler'"));
}

/* A file of the time when only inpainters had one: "lacuna.inpainter" in place of "lacuna.network". */
static void age(const char *from, const char *to)
{
    lac_weights *w;
    lac_weights_writer *old;
    float *data[128];
    int64_t n;
    LAC_CHECK_STATUS(lac_weights_open(&w, from));
    LAC_CHECK_STATUS(lac_weights_writer_new(&old));
    LAC_CHECK((n = lac_weights_count(w)) <= (int64_t)LAC_COUNT(data));
    for (int64_t i = 0; i < n; i++) {
        const lac_shape s = lac_weights_shape(w, i);
        data[i] = lac_cli_values(from, lac_weights_name(w, i));
        LAC_CHECK_STATUS(lac_weights_writer_add(old, lac_weights_name(w, i), LAC_F32, s.ndim, s.dim, data[i]));
    }
    LAC_CHECK_STATUS(lac_weights_writer_metadata(old, "lacuna.inpainter", lac_weights_metadata(w, "lacuna.network")));
    for (int i = 0; i < 2; i++) {
        static const char *const key[] = { "lacuna.config", "lacuna.channel_order" };
        LAC_CHECK_STATUS(lac_weights_writer_metadata(old, key[i], lac_weights_metadata(w, key[i])));
    }
    LAC_CHECK_STATUS(lac_weights_writer_finish(old, to));
    lac_weights_writer_free(old);
    lac_weights_close(w);
    for (int64_t i = 0; i < n; i++)
        free(data[i]);
}

LAC_TEST(files_that_name_their_inpainter_load)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", true, 5), *out = lac_cli_path(f, "o.safetensors");
    const char *old = lac_cli_path(f, "old.safetensors");
    age(model, old);
    LAC_CHECK(!lac_cli_same_file(model, old));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, old, "-o", out) == 0 && lac_cli_same_file(model, out));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, old, "-o", out) == 0 && lac_cli_same_file(model, out));
}
