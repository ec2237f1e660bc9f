/* Backends come and go by name: one of another build is refused, and a device that is not there says why in one line. */
#include "autograd/ops/abi.h"
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/test.h"

LAC_TEST(before_any_is_registered_it_says_what_to_call)        /* the first of this file, in a process of its own */
{
    const lac_backend *b;
    if (lac_backend_get(&b, "cpu") != LAC_OK)
        LAC_CHECK_FAILS(lac_backend_get(&b, "cpu"), LAC_ERR_STATE, "call lac_backend_cpu_register");
}

LAC_TEST(backend_of_another_build_is_refused)
{
    static lac_backend other = { .name = "cuda" };
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    other.abi = lac_backend_abi() + 1;
    LAC_CHECK_FAILS(lac_backend_register(&other), LAC_ERR_STATE, "the cuda backend is of another build (interface ");
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK(b->abi == lac_backend_abi());
}

LAC_TEST(backend_nobody_knows_is_named)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_FAILS(lac_backend_get(&b, "tpu"), LAC_ERR_ARG, "unknown device 'tpu': cpu, cuda or auto");
    LAC_CHECK(b == NULL);
}

/* With a GPU it is there; without one the reason is told, twice the same; a build without the module says that. */
LAC_TEST(backend_cuda_is_there_or_says_why)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    for (int i = 0; i < 2; i++) {
        if (lac_backend_get(&b, "cuda") == LAC_OK) {
            LAC_CHECK(strcmp(b->name, "cuda") == 0 && b->abi == lac_backend_abi());
            continue;
        }
        LAC_CHECK(b == NULL && strncmp(lac_error_message(), "device 'cuda'", 13) == 0 && strchr(lac_error_message(), '\n') == NULL);
    }
    const bool there = lac_backend_get(&b, "cuda") == LAC_OK;
    LAC_CHECK_STATUS(lac_backend_get(&b, "auto"));
    LAC_CHECK(strcmp(b->name, there ? "cuda" : "cpu") == 0);
}

/* A loaded table describes itself before it is started. */
LAC_TEST(backend_cuda_describes_itself_without_a_gpu)
{
    char text[2048] = "";
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    const lac_backend *b = lac_backend_load();
    if (b == NULL) {
        LAC_CHECK(strstr(lac_error_message(), "liblacuna-cuda.so") != NULL);
        return;
    }
    b->describe(text, sizeof text);
    LAC_CHECK(strstr(text, "built with CUDA ") == text && strstr(text, "\ncuBLASLt ") != NULL && strstr(text, "\ncuDNN ") != NULL);
}

/* More than any machine has, twice: addresses are all that it takes. */
LAC_TEST(a_blank_backend_gives_addresses_and_moves_nothing)
{
    const size_t terabytes = (size_t)4 << 40;
    const lac_backend *cpu;
    void *p[2];
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    const lac_backend b = lac_backend_blank(cpu);
    LAC_CHECK(b.blank && !cpu->blank && b.host && b.abi == cpu->abi && b.kernels == cpu->kernels);
    for (int i = 0; i < 2; i++)
        LAC_CHECK_STATUS(b.alloc(&p[i], terabytes));
    for (int i = 0; i < 2; i++) {
        char *at = p[i];
        LAC_CHECK((uintptr_t)at % (2 << 20) == 0);
        at[0] = at[terabytes - 1] = 7;
        LAC_CHECK(b.copy(at, p[1 - i], 1) == LAC_OK && b.fill_zero(at, terabytes) == LAC_OK && at[0] == 7);
        b.free(p[i], terabytes);
    }
    LAC_CHECK_STATUS(b.alloc(&p[0], 0));
    b.free(p[0], 0);
}
