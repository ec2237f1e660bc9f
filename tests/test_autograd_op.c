/* Definitions against tables: a kernel whose name is misspelt is missing, and no compiler says so. */
#include "autograd/op.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/kernels_cuda.h"
#include "autograd/ops/ops.h"
#include "core/backend.h"
#include "tests/harness/test.h"

static void check_table(const char *device, const lac_kernel *kernels)
{
    for (lac_op op = 0; op < LAC_N_OPS; op++) {
        const char *misfit = lac_op_misfit(lac_op_find(op), &kernels[op]);
        if (misfit != NULL)
            fail_msg("%s on %s: the %s function is there without its definition, or the other way round", lac_op_name(op), device, misfit);
    }
}

LAC_TEST(every_op_has_the_kernels_its_definition_says_on_both_devices)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK(b->n_kernels == LAC_N_OPS);
    check_table("the CPU", b->kernels);
    check_table("CUDA", lac_kernels_cuda);
}

LAC_TEST(every_port_says_what_it_takes)
{
    for (lac_op op = 0; op < LAC_N_OPS; op++) {
        const lac_op_def *d = lac_op_find(op);
        LAC_CHECK(lac_op_n_in(d) > 0 && lac_op_n_out(d) > 0);
        for (int i = 0; i < lac_op_n_in(d); i++)
            LAC_CHECK((d->in[i].flags & (LAC_FLOATS | LAC_INTEGERS)) != 0 && !(d->in[i].flags & LAC_SAVED));
        for (int k = 0; k < lac_op_n_out(d); k++)
            LAC_CHECK((d->out[k].flags & ~(unsigned)(LAC_SAVED | LAC_OPTIONAL)) == 0 && !(k == 0 && d->out[k].flags != 0));
        LAC_CHECK(d->no_gradient ? d->keeps == 0 : true);
        for (int k = 0; k < lac_op_n_out(d); k++)
            LAC_CHECK(!(d->out[k].flags & LAC_SAVED) || d->keeps & LAC_KEEP_OUT(k));
    }
}
