/* The UNets where probe's references do not look: recomputation, files of others, what a fresh one is. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/network_format.h"
#include "models/unet/config.h"
#include "models/unet/read.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

#define TINY "{\"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"], " \
             "\"block_out_channels\": [4, 8], \"layers_per_block\": 1, \"norm_num_groups\": 2, \"cross_attention_dim\": 3, \"attention_head_dim\": 2}"

static void open_net(lac_network *n, const lac_network_def *def, const char *text)
{
    const lac_backend *b;
    json_t *config = json_loads(text, 0, NULL);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_network_make(n, def, NULL, config, b, LAC_F32));
    json_decref(config);
}

/* Every value drawn, so that no part is silent. */
static void draw(lac_params *ps, uint64_t seed)
{
    for (int64_t i = 0; i < ps->n; i++)
        if (ps->param[i]->role != LAC_ROLE_NORM || strstr(ps->param[i]->name, "weight") == NULL)
            lac_param_normal(ps->param[i], 0, 0.3);
    LAC_CHECK_STATUS(lac_params_init(ps, seed));
}

typedef struct pass { lac_network net; lac_tensor *in[3], *gy, *y; bool recompute; } pass;

static lac_status body(lac_tape *t, void *context)
{
    pass *p = context;
    lac_tape_train(t, p->net.params);
    const lac_unet_in in = { lac_tape_input(t, p->in[0], LAC_F32), lac_tape_input(t, p->in[1], LAC_F32), lac_tape_input(t, p->in[2], LAC_F32), .recompute = p->recompute };
    lac_tensor *y = lac_unet_forward(t, p->net.model, &in);
    LAC_TRY(lac_keep(t, y, &p->y));
    return lac_backward(t, &(lac_root){ .y = y, .gy = lac_tape_input(t, p->gy, LAC_F32) }, 1);
}

static lac_tensor *numbers(int ndim, const int64_t *dim, int salt)
{
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, ndim, dim));
    for (int64_t i = 0; i < lac_numel(x); i++)
        ((float *)x->data)[i] = (float)((i * 37 + salt * 101) % 29) / 14.5f - 0.93f;
    return x;
}

/* The prediction and all gradients, one after another; the caller's. */
static float *run(bool recompute, int64_t *n)
{
    pass p = { .recompute = recompute };
    lac_tape *t;
    open_net(&p.net, &lac_network_unet2d_condition, TINY);
    draw(p.net.params, 1);
    p.in[0] = numbers(4, (int64_t[]){ 2, 5, 6, 4 }, 1), p.in[1] = numbers(1, (int64_t[]){ 2 }, 2), p.in[2] = numbers(3, (int64_t[]){ 2, 3, 3 }, 3);
    p.gy = numbers(4, (int64_t[]){ 2, 5, 6, 4 }, 4);
    const int64_t of_y = lac_numel(p.gy);
    float *all;
    *n = of_y + lac_params_numel(p.net.params);
    LAC_CHECK_STATUS(lac_calloc((void **)&all, (size_t)*n, sizeof *all));
    for (int64_t i = 0, at = of_y; i < p.net.params->n; at += lac_numel(p.net.params->param[i++]->value))
        p.net.params->param[i]->grad = all + at;
    LAC_CHECK_STATUS(lac_tape_new(&t, p.net.params->backend));
    LAC_CHECK_STATUS(lac_tape_run(t, "pass", body, &p));
    memcpy(all, p.y->data, (size_t)of_y * sizeof *all);
    lac_tape_free(t);
    for (int i = 0; i < 3; i++)
        lac_tensor_free(p.in[i]);
    lac_tensor_free(p.gy);
    lac_tensor_free(p.y);
    lac_network_close(&p.net);
    return all;
}

/* Not to the bit: what several layers read has its gradients summed by layer. */
LAC_TEST(layers_that_run_again_give_the_same)
{
    int64_t n, m;
    float *kept = run(false, &n), *again = run(true, &m);
    LAC_CHECK(n == m && lac_gap(again, kept, n) < 1e-6);
    free(kept), free(again);
}

/* ---- what is read once ---- */

typedef struct call { lac_network net; lac_unet_read *read; lac_tensor *in[4], *y; bool fills; } call;

static lac_status call_body(lac_tape *t, void *context)
{
    call *c = context;
    const lac_dtype d = c->net.params->dtype;
    lac_tensor *text = c->read == NULL || c->fills ? lac_tape_input(t, c->in[2], d) : NULL, *visual = text != NULL ? lac_tape_input(t, c->in[3], d) : NULL;
    if (c->fills)
        return lac_unet_read_fill(t, c->read, text, visual);
    const lac_unet_in in = { lac_tape_input(t, c->in[0], d), lac_tape_input(t, c->in[1], LAC_F32), text, visual, .read = c->read };
    lac_tensor *y = lac_unet_forward(t, c->net.model, &in);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &c->y);
}

static void begin_call(call *c, lac_tape **t, lac_dtype d)
{
    static const char adapted[] = "{\"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"], \"fusion_dim\": 5,"
                                  "\"block_out_channels\": [4, 8], \"layers_per_block\": 1, \"norm_num_groups\": 2, \"cross_attention_dim\": 3, \"attention_head_dim\": 2}";
    json_t *config = json_loads(adapted, 0, NULL);
    const lac_backend *b;
    *c = (call){ .y = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_network_make(&c->net, &lac_network_unet2d_condition, NULL, config, b, d));
    json_decref(config);
    draw(c->net.params, 1);
    c->in[0] = numbers(4, (int64_t[]){ 2, 5, 6, 4 }, 1), c->in[1] = numbers(1, (int64_t[]){ 2 }, 2);
    c->in[2] = numbers(3, (int64_t[]){ 2, 3, 3 }, 3), c->in[3] = numbers(3, (int64_t[]){ 2, 4, 5 }, 4);
    LAC_CHECK_STATUS(lac_tape_new(t, b));
}

static void end_call(call *c, lac_tape *t)
{
    lac_unet_read_free(c->read);
    for (int i = 0; i < 4; i++)
        lac_tensor_free(c->in[i]);
    lac_tape_free(t);
    lac_network_close(&c->net);
}

/* Of which text: once made in the walk, once before it, in a place that had others' before. */
static void check_read(lac_dtype d)
{
    call c;
    lac_tape *t;
    begin_call(&c, &t, d);
    for (int text = 3; text < 5; text++) {
        lac_tensor_free(c.in[2]);
        c.in[2] = numbers(3, (int64_t[]){ 2, 3, 3 }, text);
        lac_unet_read *read = c.read;
        c.read = NULL;
        LAC_CHECK_STATUS(lac_tape_run(t, "walk", call_body, &c));
        lac_tensor *wanted = c.y;
        c.read = read;
        if (read == NULL)
            LAC_CHECK_STATUS(lac_unet_read_new(&c.read, c.net.model, 2, 3, 4));
        c.fills = true;
        LAC_CHECK_STATUS(lac_tape_run(t, "fill", call_body, &c));
        c.fills = false;
        LAC_CHECK_STATUS(lac_tape_run(t, "walk of what was read", call_body, &c));
        LAC_CHECK(memcmp(c.y->data, wanted->data, lac_bytes(wanted)) == 0);
        lac_tensor_free(c.y);
        lac_tensor_free(wanted);
    }
    end_call(&c, t);
}

LAC_TEST(keys_and_values_made_before_the_walk_give_the_same_bits) { check_read(LAC_F32), check_read(LAC_BF16); }

LAC_TEST(keys_and_values_of_another_network_or_size_are_refused)
{
    call c, other;
    lac_tape *t, *u;
    begin_call(&c, &t, LAC_F32), begin_call(&other, &u, LAC_F32);
    LAC_CHECK_STATUS(lac_unet_read_new(&c.read, c.net.model, 2, 2, 4));
    c.fills = true;
    LAC_CHECK_FAILS(lac_tape_run(t, "fill", call_body, &c), LAC_ERR_SHAPE, "[2,3,4] on cpu is to be stored as [2,2,4]");
    lac_unet_read_free(c.read);
    LAC_CHECK_STATUS(lac_unet_read_new(&c.read, other.net.model, 2, 3, 4));
    c.fills = false;
    LAC_CHECK_FAILS(lac_tape_run(t, "walk", call_body, &c), LAC_ERR_ARG, "another network's");
    end_call(&c, t), end_call(&other, u);
}

/* Under CompVis' names and back. */
static void check_round_trip(const char *layout)
{
    lac_network from, to;
    lac_weights_writer *w;
    lac_weights *read;
    const lac_network_format *format, *found;
    const lac_network_def *def;
    const char *prefix;
    lac_borrowed keep = { 0 };
    char path[300];
    json_t *told = json_object();
    open_net(&from, &lac_network_unet2d_condition, TINY), open_net(&to, &lac_network_unet2d_condition, TINY);
    draw(from.params, 1), draw(to.params, 2);
    snprintf(path, sizeof path, "%s/x.safetensors", lac_test_folder());
    LAC_CHECK_STATUS(lac_network_format_find(&lac_network_unet2d_condition, layout, &format));
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_STATUS(lac_network_write(w, from.params, format, "", LAC_F32, &keep));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    LAC_CHECK_STATUS(lac_weights_open(&read, path));
    LAC_CHECK_STATUS(lac_network_recognise(read, &def));
    LAC_CHECK(def == &lac_network_unet2d_condition);
    lac_network_format_of(def, read, &found, &prefix);
    LAC_CHECK(found == format);
    LAC_CHECK_STATUS(found->infer(read, prefix, told));
    LAC_CHECK(json_equal(json_object_get(told, "down_block_types"), lac_config_at(from.config, "down_block_types")));
    LAC_CHECK(json_equal(json_object_get(told, "up_block_types"), lac_config_at(from.config, "up_block_types")));
    LAC_CHECK(json_equal(json_object_get(told, "block_out_channels"), lac_config_at(from.config, "block_out_channels")));
    LAC_CHECK(lac_config_int(told, "layers_per_block") == 1 && lac_config_int(told, "cross_attention_dim") == 3 && lac_config_int(told, "in_channels") == 4);
    LAC_CHECK_STATUS(lac_network_read(to.params, read, found, prefix));
    for (int64_t i = 0; i < from.params->n; i++)
        LAC_CHECK(memcmp(from.params->param[i]->value->data, to.params->param[i]->value->data, lac_bytes(from.params->param[i]->value)) == 0);
    lac_weights_close(read);
    json_decref(told);
    lac_network_close(&from);
    lac_network_close(&to);
}

LAC_TEST(files_under_compvis_names_come_back) { check_round_trip("compvis"); }
LAC_TEST(files_under_own_names_come_back) { check_round_trip("probe"); }

/* Names of openaimodel: where attention stands between a res-block and what ends a level, and where it does not. */
LAC_TEST(compvis_names_count_the_parts_of_a_block)
{
    lac_network n;
    open_net(&n, &lac_network_unet_ldm, "{\"in_channels\": 3, \"out_channels\": 3, \"model_channels\": 32, \"num_res_blocks\": 2, \"attention_resolutions\": [2], "
                                        "\"channel_mult\": [1, 2, 2], \"num_heads\": 2}");
    static const char *const there[] = {
        "time_embed.2.bias", "input_blocks.0.0.weight", "input_blocks.2.0.in_layers.2.weight", "input_blocks.3.0.op.weight", "input_blocks.4.0.skip_connection.weight",
        "input_blocks.4.1.qkv.weight", "input_blocks.8.0.emb_layers.1.weight", "middle_block.1.norm.weight", "middle_block.2.out_layers.3.weight",
        "output_blocks.2.1.conv.weight", "output_blocks.3.1.proj_out.weight", "output_blocks.5.2.conv.weight", "output_blocks.8.0.out_layers.0.weight", "out.2.weight",
    };
    LAC_CHECK_STATUS(lac_params_init(n.params, 1));
    for (size_t i = 0; i < LAC_COUNT(there); i++)
        if (lac_params_find(n.params, there[i]) == NULL)
            print_error("%s is missing\n", there[i]), fail();
    LAC_CHECK(lac_params_find(n.params, "output_blocks.8.1.conv.weight") == NULL && lac_params_find(n.params, "input_blocks.9.0.in_layers.0.weight") == NULL);
    lac_network_close(&n);
}
