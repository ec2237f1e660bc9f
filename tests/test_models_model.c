/* Models of several networks: in one file under their roles' names, with the tokenizer's files and the inpainter's config. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "core/file/weights.h"
#include "tests/harness/cli.h"
#include "tests/harness/pictures.h"
#include "tests/harness/sampler.h"

#include <stdlib.h>

/* Two convolutions, one network each; the second may be another network, of which nothing is used. */
static lac_tensor *paint(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask)
{
    const lac_conv2d_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = 1, .act = lac_act_of(LAC_ACT_ELU) };
    lac_tensor *x = image;
    for (int i = 0; i < (lac_config_bool(ip->config, "twice") ? 2 : 1); i++)
        x = lac_conv2d(t, x, ip->network[i].params->param[0]->value, NULL, NULL, &a);
    return lac_composite(t, x, image, mask, &(lac_composite_attr){ .dtype = LAC_F32 });
}

static lac_status fits(const json_t *networks)
{
    return lac_config_int(json_object_get(networks, "hue"), "config.cnum") == 8 ? LAC_FAIL(LAC_ERR_CONFIG, "a hue of that kind") : LAC_OK;
}

static const lac_key keys[] = { { "twice", LAC_KEY_BOOL, "true", .help = "both" }, { NULL } };
static const lac_inpainter_def pair = {
    .name = "pair", .about = "two convolutions", .role = { { "body", "sampler" }, { "hue", "sampler|deepfill" }, { "extra", "deepfill", true } },
    .keys = keys, .fits = fits, .multiple = 2, .paint = paint,
};

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_test_sampler_register());
    LAC_CHECK_STATUS(lac_inpainter_register(&pair));
    return b;
}

static lac_status open_as(lac_inpainter *ip, const char *networks)
{
    json_t *told = json_loads(networks, 0, NULL);
    const lac_status s = lac_inpainter_open(ip, &pair, told, NULL, cpu(), LAC_F32);
    json_decref(told);
    return s;
}

static void fill(lac_inpainter *ip)
{
    json_t *clip = json_pack("{s:i}", "max_length", 9);
    for (int i = 0; i < LAC_INPAINTER_ROLES; i++)
        if (ip->network[i].params != NULL)
            LAC_CHECK_STATUS(lac_params_init(ip->network[i].params, (uint64_t)i + 1));
    LAC_CHECK_STATUS(lac_prompts_open(&ip->prompts, lac_test_golden("text/clip"), clip));
    json_decref(clip);
}

static lac_image painted(const lac_inpainter *ip)
{
    lac_image image, mask, y;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_test_picture(&image, 9, 11, 3, 5));
    LAC_CHECK_STATUS(lac_image_new(&mask, 9, 11, 1));
    memset(mask.pixels + 11, 255, 44);
    LAC_CHECK_STATUS(lac_tape_new(&t, lac_inpainter_backend(ip)));
    LAC_CHECK_STATUS(lac_inpaint(ip, t, &image, &mask, NULL, &y));
    lac_tape_free(t);
    lac_image_free(&image);
    lac_image_free(&mask);
    return y;
}

static void check_same(const lac_inpainter *a, const lac_inpainter *b)
{
    lac_image x = painted(a), y = painted(b);
    int32_t one[9], other[9];
    LAC_CHECK(memcmp(x.pixels, y.pixels, 9 * 11 * 3) == 0);
    LAC_CHECK_STATUS(lac_prompts_ids(&a->prompts, "a dog", one, NULL));
    LAC_CHECK_STATUS(lac_prompts_ids(&b->prompts, "a dog", other, NULL));
    LAC_CHECK(memcmp(one, other, sizeof one) == 0 && one[1] != one[8]);
    lac_image_free(&x);
    lac_image_free(&y);
}

LAC_TEST(a_model_of_several_networks_is_one_file_and_comes_back)
{
    const char *path = lac_cli_path(lac_test_folder(), "pair.safetensors");
    lac_inpainter made, loaded, copied;
    json_t *once = json_pack("{s:b}", "twice", false);
    LAC_CHECK_STATUS(open_as(&made, "{}"));
    fill(&made);
    LAC_CHECK_STATUS(lac_inpainter_save(path, &made, LAC_F32));
    LAC_CLI_HAS(path, "body.conv.weight", 3, 3, 3, 3);
    LAC_CLI_HAS(path, "hue.conv.weight", 3, 3, 3, 3);
    LAC_CHECK_STATUS(lac_inpainter_load(&loaded, path, NULL, cpu(), LAC_F32));
    LAC_CHECK(loaded.def == &pair && loaded.network[2].def == NULL);
    check_same(&made, &loaded);
    LAC_CHECK_STATUS(lac_inpainter_configure(&loaded, once));
    lac_image y = painted(&made), other = painted(&loaded);
    LAC_CHECK(memcmp(y.pixels, other.pixels, 9 * 11 * 3) != 0);
    LAC_CHECK_STATUS(lac_inpainter_copy(&copied, &loaded, NULL, cpu(), LAC_F32));
    check_same(&copied, &loaded);
    lac_image_free(&y);
    lac_image_free(&other);
    json_decref(once);
    lac_inpainter_close(&made);
    lac_inpainter_close(&loaded);
    lac_inpainter_close(&copied);
}

/* Its networks go along, and what was changed of its settings; where it has its default the other has its own. */
LAC_TEST(a_copy_may_be_another_inpainter)
{
    static const lac_key own_keys[] = { { "twice", LAC_KEY_BOOL, "false", .help = "never" }, { NULL } };
    static const lac_inpainter_def alone = { .name = "alone", .about = "one convolution", .role = { { "body", "sampler" } }, .keys = own_keys, .multiple = 2, .paint = paint };
    static const lac_inpainter_def richer = { .name = "richer", .about = "more than there is", .role = { { "body", "sampler" }, { "tail", "sampler" } }, .multiple = 2, .paint = paint };
    json_t *once = json_pack("{s:b}", "twice", false);
    lac_inpainter made, copied;
    LAC_CHECK_STATUS(open_as(&made, "{}"));
    fill(&made);
    LAC_CHECK_STATUS(lac_inpainter_copy(&copied, &made, &alone, cpu(), LAC_F32));
    LAC_CHECK(copied.def == &alone && copied.network[1].def == NULL && !lac_config_bool(copied.config, "twice"));
    LAC_CHECK_STATUS(lac_inpainter_configure(&made, once));
    lac_image y = painted(&made), other = painted(&copied);
    LAC_CHECK(memcmp(y.pixels, other.pixels, 9 * 11 * 3) == 0);
    lac_inpainter_close(&copied);
    LAC_CHECK_FAILS(lac_inpainter_copy(&copied, &made, &richer, cpu(), LAC_F32), LAC_ERR_CONFIG, "'richer' wants the network 'tail', which 'pair' has not");
    lac_image_free(&y);
    lac_image_free(&other);
    json_decref(once);
    lac_inpainter_close(&made);
}

LAC_TEST(an_optional_network_goes_with_its_model)
{
    const char *path = lac_cli_path(lac_test_folder(), "three.safetensors");
    lac_inpainter made, loaded;
    LAC_CHECK_STATUS(open_as(&made, "{\"extra\": {\"config\": {\"cnum\": 4}}, \"hue\": {\"network\": \"deepfill\", \"config\": {\"cnum\": 4}}}"));
    fill(&made);
    LAC_CHECK_STATUS(lac_inpainter_save(path, &made, LAC_BF16));
    LAC_CHECK_STATUS(lac_inpainter_load(&loaded, path, NULL, cpu(), LAC_F32));
    LAC_CHECK(loaded.network[2].def == &lac_network_deepfill && loaded.network[1].def == &lac_network_deepfill);
    lac_inpainter_close(&made);
    lac_inpainter_close(&loaded);
}

LAC_TEST(what_does_not_fit_an_inpainter_is_said)
{
    const char *folder = lac_test_folder(), *path = lac_cli_path(folder, "pair.safetensors");
    lac_inpainter ip;
    json_t *wrong = json_pack("{s:i}", "steps", 3), *type = json_pack("{s:i}", "twice", 3);
    LAC_CHECK_FAILS(open_as(&ip, "{\"hue\": {\"network\": \"sn-patchgan\"}}"), LAC_ERR_CONFIG, "'hue' is the network 'sn-patchgan', should be sampler|deepfill");
    LAC_CHECK_FAILS(open_as(&ip, "{\"extra\": {\"config\": {\"cnumm\": 2}}}"), LAC_ERR_CONFIG, "cnum");
    LAC_CHECK_FAILS(open_as(&ip, "{\"hue\": {\"network\": \"deepfill\", \"config\": {\"cnum\": 8}}}"), LAC_ERR_CONFIG, "a hue of that kind");
    LAC_CHECK_STATUS(open_as(&ip, "{}"));
    fill(&ip);
    LAC_CHECK_FAILS(lac_inpainter_configure(&ip, wrong), LAC_ERR_ARG, "pair has no 'steps'");
    LAC_CHECK_FAILS(lac_inpainter_configure(&ip, type), LAC_ERR_CONFIG, "twice");
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    lac_inpainter_close(&ip);
    LAC_CHECK_FAILS(lac_inpainter_load(&ip, path, &lac_inpainter_deepfill, cpu(), LAC_F32), LAC_ERR_FORMAT, "it has no 'generator'");
    const char *alone = lac_cli_sampler(folder, "alone.safetensors", 1);
    LAC_CHECK_FAILS(lac_inpainter_load(&ip, alone, &pair, cpu(), LAC_F32), LAC_ERR_FORMAT, "holds the network 'sampler' alone, pair wants several");
    json_decref(wrong);
    json_decref(type);
}

LAC_TEST(export_takes_a_model_of_several_networks_and_each_of_them)
{
    const char *folder = lac_test_folder(), *path = lac_cli_path(folder, "pair.safetensors"), *again = lac_cli_path(folder, "again.safetensors");
    const char *one = lac_cli_path(folder, "hue.safetensors");
    lac_cli_said said;
    lac_inpainter ip;
    LAC_CHECK_STATUS(open_as(&ip, "{}"));
    fill(&ip);
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, path, "-o", again) == 0 && lac_cli_same_file(path, again));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, path, "--network", "hue", "-o", one) == 0);
    LAC_CLI_HAS(one, "conv.weight", 3, 3, 3, 3);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, path, "--network", "extra", "-o", one) == 2 && lac_cli_complains(&said, "this pair has no 'extra'"));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, path, "--network", "hew", "-o", one) == 2 && lac_cli_complains(&said, "hue"));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, path, "--layout", "tf", "-o", one) == 2 && lac_cli_complains(&said, "pair has several"));
    const char *picture = lac_cli_picture(folder, "a.png", 9, 11, 5), *mask = lac_cli_mask(folder, "m.png", 9, 11, 1, 0, 4, 11), *out = lac_cli_path(folder, "o.png");
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", picture, "-m", mask, "-o", out, "--precision", "f32") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", picture, "-m", mask, "-o", out, "--system", "deepfill") == 1 && lac_cli_complains(&said, "it has no 'generator'"));
    lac_inpainter_close(&ip);
}
