/* One region of a network, and what a definition promises. */
#include "autograd/ops/backend_cpu.h"
#include "core/memory.h"
#include "models/deepfill/generator.h"
#include "tests/harness/sampler.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static lac_status complete(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const lac_deepfill_out y = lac_deepfill_forward(t, model, in[0], in[1]);
    out[0] = y.complete;
    out[1] = y.x1;
    return LAC_OK;
}

static void open_small(lac_network *n, uint64_t seed)
{
    json_t *config = json_pack("{s:i}", "cnum", 4);
    LAC_CHECK_STATUS(lac_network_open(n, &lac_network_deepfill, config, cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(n->params, seed));
    json_decref(config);
}

/* Two networks of one definition and one shape on one tape: neither runs as the other. */
LAC_TEST(a_region_runs_the_network_it_is_given)
{
    lac_network a, b;
    lac_tape *t;
    lac_tensor *in[2], *first[2], *other[2], *again[2];
    LAC_CHECK_STATUS(lac_tensor_new(&in[0], LAC_F32, 4, (int64_t[]){ 1, 16, 16, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&in[1], LAC_F32, 4, (int64_t[]){ 1, 16, 16, 1 }));
    for (int i = 0; i < 64; i++)
        ((float *)in[1]->data)[i] = 1;
    open_small(&a, 1);
    open_small(&b, 2);
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu()));
    LAC_CHECK_STATUS(lac_network_run(&a, t, "complete", complete, in, 2, first, 2));
    LAC_CHECK_STATUS(lac_network_run(&b, t, "complete", complete, in, 2, other, 2));
    LAC_CHECK_STATUS(lac_network_run(&a, t, "complete", complete, in, 2, again, 2));
    LAC_CHECK(first[0]->ndim == 4 && first[0]->dim[3] == 3 && lac_same_shape(first[1], again[1]));
    LAC_CHECK(memcmp(first[0]->data, again[0]->data, lac_bytes(first[0])) == 0);
    LAC_CHECK(memcmp(first[0]->data, other[0]->data, lac_bytes(first[0])) != 0);
    in[1]->dim[2] = 8;
    lac_tensor *none[2];
    LAC_CHECK_FAILS(lac_network_run(&a, t, "complete", complete, in, 2, none, 2), LAC_ERR_SHAPE, "mask must be");
    LAC_CHECK(none[0] == NULL && none[1] == NULL);
    for (int i = 0; i < 2; i++) {
        lac_tensor_free(in[i]), lac_tensor_free(first[i]);
        lac_tensor_free(other[i]), lac_tensor_free(again[i]);
    }
    lac_tape_free(t);
    lac_network_close(&a);
    lac_network_close(&b);
}

LAC_TEST(a_network_is_known_by_name_and_its_config_is_checked)
{
    const lac_network_def *def;
    lac_network n;
    json_t *wrong = json_pack("{s:i}", "cnun", 4);
    LAC_CHECK_FAILS(lac_network_find(&def, "deepfil"), LAC_ERR_ARG, "did you mean 'deepfill'");
    LAC_CHECK_FAILS(lac_network_open(&n, &lac_network_deepfill, wrong, cpu(), LAC_F32), LAC_ERR_CONFIG, "cnum");
    LAC_CHECK(n.params == NULL && n.model == NULL);
    LAC_CHECK_FAILS(lac_network_open(&n, &lac_network_deepfill, NULL, cpu(), LAC_U8), LAC_ERR_DTYPE, "cannot work in u8");
    LAC_CHECK_STATUS(lac_test_sampler_register());
    LAC_CHECK_STATUS(lac_test_sampler_register());
    LAC_CHECK_STATUS(lac_network_find(&def, "sampler"));
    int n_networks = 0;
    while (lac_network_at(n_networks) != NULL)
        n_networks++;
    LAC_CHECK(lac_network_at(0) == &lac_network_deepfill && lac_network_at(n_networks - 1) == def);      /* once, and after the list */
    LAC_CHECK(n_networks < 2 || lac_network_at(n_networks - 2) != def);
    json_decref(wrong);
}
