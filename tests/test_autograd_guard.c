/* What a kernel may not do, done by kernels of this test under the names of real ops: the tape names who did it. */
#include "autograd/ops/activation/activation.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/ops.h"
#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "autograd/tape.h"
#include "tests/harness/test.h"

#include <math.h>

static int64_t beyond;              /* floats past the end of y that `writes_on` writes */
static const lac_tensor *seen[LAC_MAX_OUT];
static float first;                 /* of y, as the kernel found it */

static lac_status writes_on(const lac_op_ctx *c)
{
    float *y = c->out[0]->data;
    first = y != NULL ? y[0] : 0;
    if (y == NULL)
        return LAC_OK;
    memset(y, 0, (size_t)(lac_numel(c->out[0]) + beyond) * sizeof *y);
    return LAC_OK;
}

static lac_status looks(const lac_op_ctx *c)
{
    memcpy(seen, c->out, sizeof seen);
    return LAC_OK;
}

static lac_status asks_for_nothing(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

static lac_tape *new_tape(void)
{
    static lac_kernel kernels[LAC_N_OPS];
    static lac_backend b;
    const lac_backend *cpu;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    b = *cpu;
    b.kernels = kernels;
    kernels[LAC_OP_activation] = (lac_kernel){ .forward = writes_on, .backward = looks };
    kernels[LAC_OP_spectral_norm] = (lac_kernel){ .forward = looks, .backward = looks, .workspace = asks_for_nothing };
    LAC_CHECK_STATUS(lac_tape_new(&t, &b));
    return t;
}

static lac_status activate(lac_tape *t, void *context)
{
    const int64_t n = *(const int64_t *)context;
    lac_tape_enter(t, "net");
    lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ 64 });          /* so that there is memory to lie in */
    lac_tensor *x = lac_tape_tensor(t, LAC_F32, 1, &n);
    lac_tensor *y = lac_activation(t, lac_activation(t, x, LAC_ACT_ELU), LAC_ACT_ELU);
    LAC_CHECK(!lac_tape_planning(t) || (y != NULL && y->data == NULL));
    LAC_CHECK(n > 0 || x->data == NULL);
    LAC_CHECK(n > 0 || y == NULL || y->data == NULL);
    lac_tape_leave(t);
    return lac_tape_status(t);
}

LAC_TEST(who_writes_past_a_tensor_is_named)     /* by one float, however the tensor's size is rounded up */
{
    for (int64_t n = 63; n <= 64; n++) {
        lac_tape *t = new_tape();
        lac_tape_guard(t, true);
        beyond = 0;
        LAC_CHECK_STATUS(lac_tape_run(t, "within", activate, &n));
        LAC_CHECK(isnan(first));
        beyond = 1;
        LAC_CHECK_FAILS(lac_tape_run(t, "beyond", activate, &n), LAC_ERR_STATE, "/net: activation: its kernel wrote past the end of the 25");
        lac_tape_free(t);
    }
}

LAC_TEST(a_tensor_of_no_elements_has_no_data)
{
    lac_tape *t = new_tape();
    int64_t none = 0;
    beyond = 0;
    LAC_CHECK_STATUS(lac_tape_run(t, "empty", activate, &none));
    lac_tape_free(t);
}

static lac_status normalise(lac_tape *t, void *context)
{
    lac_tensor *w = lac_tape_tensor(t, LAC_F32, 2, (int64_t[]){ 4, 3 }), *u = lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ 4 }), *u_new = NULL;
    if (*(const bool *)context)
        lac_tape_watch(t, w);
    lac_spectral_norm(t, w, u, &(lac_spectral_norm_attr){ 0 }, NULL, &u_new);
    LAC_CHECK(u_new != NULL || lac_tape_status(t) != LAC_OK);
    return lac_tape_status(t);
}

LAC_TEST(what_is_saved_for_backward_is_made_for_it_alone)
{
    lac_tape *t = new_tape();
    bool watched = true;
    LAC_CHECK_STATUS(lac_tape_run(t, "recorded", normalise, &watched));
    LAC_CHECK(seen[0] != NULL && seen[2] != NULL && seen[3] != NULL && seen[4] != NULL);
    watched = false;
    LAC_CHECK_STATUS(lac_tape_run(t, "alone", normalise, &watched));
    LAC_CHECK(seen[0] != NULL && seen[2] != NULL && seen[3] == NULL && seen[4] == NULL);
    lac_tape_free(t);
}

LAC_TEST(a_kernel_that_is_missing_is_named)
{
    lac_tape *t = new_tape();
    const lac_backend *b = lac_tape_backend(t);
    bool watched = false;
    ((lac_kernel *)b->kernels)[LAC_OP_spectral_norm].workspace = NULL;      /* as where its name is misspelt */
    LAC_CHECK_FAILS(lac_tape_run(t, "no workspace", normalise, &watched), LAC_ERR_NO_KERNEL, "spectral_norm: no workspace kernel on device cpu");
    ((lac_kernel *)b->kernels)[LAC_OP_spectral_norm].forward = NULL;
    LAC_CHECK_FAILS(lac_tape_run(t, "no forward", normalise, &watched), LAC_ERR_NO_KERNEL, "spectral_norm: no forward kernel on device cpu");
    lac_tape_free(t);
}
