#include "tests/harness/device.h"

#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/kernels_cuda.h"
#include "core/cuda/vector.h"
#include "core/memory.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/test.h"

#include <stdlib.h>

lac_status lac_cuda_alloc(void **p, size_t size);
lac_status lac_cuda_copy(void *to, const void *from, size_t size);
lac_status lac_cuda_fill_zero(void *to, size_t size);
bool lac_cuda_capturing(void);

/* Whole pages of its own, so that a test can take access away (tests/test_train_device.c). */
lac_status lac_cuda_alloc(void **p, size_t size)
{
    const size_t whole = (size + 4095) / 4096 * 4096;
    if (lac_cuda_capturing())
        return LAC_FAIL(LAC_ERR_STATE, "captured work asks for %zu bytes of memory", size);
    LAC_TRY(lac_aligned_pages(p, whole, 4096));
    memset(*p, 0xff, size);
    lac_cuda_host_own(*p, whole);
    return LAC_OK;
}

static void release(void *p, size_t size)
{
    (void)size;
    lac_cuda_host_disown(p);
    free(p);
}

static void forget(uint64_t uid) { (void)uid; }

const lac_backend *lac_cuda_host(void)
{
    static const lac_backend host = {
        .name = "cuda host", .kernels = lac_kernels_cuda, .n_kernels = LAC_N_OPS, .alloc = lac_cuda_alloc, .free = release, .copy = lac_cuda_copy,
        .fill_zero = lac_cuda_fill_zero, .add = lac_cuda_add, .convert = lac_cuda_convert, .update = lac_cuda_update,
        .all_finite = lac_cuda_all_finite, .copy_unless = lac_cuda_copy_unless, .forget = forget, .queue = &lac_cuda_host_queue,
    };
    return &host;
}

const char *lac_test_device_name(void)
{
    const char *name = getenv("LAC_TEST_DEVICE");
    return name != NULL && name[0] != '\0' ? name : NULL;
}

bool lac_test_on_gpu(void) { return lac_test_device_name() != NULL; }

/* harness/main.c asks before the first test. The CPU's table is the first that is registered: others are held against it. */
lac_status lac_test_device_ready(void)
{
    const lac_backend *b;
    if (lac_test_device_name() == NULL)
        return LAC_OK;
    LAC_TRY(lac_backend_cpu_register());
    return lac_backend_get(&b, lac_test_device_name());
}

const lac_backend *lac_test_device(void)
{
    const lac_backend *b = lac_cuda_host();
    if (lac_test_device_name() != NULL)
        LAC_CHECK_STATUS(lac_backend_get(&b, lac_test_device_name()));
    return b;
}

void *lac_test_move_in(const lac_backend *b, const void *from, size_t size)
{
    void *p;
    LAC_CHECK_STATUS(b->alloc(&p, size));
    LAC_CHECK_STATUS(b->copy(p, from, size));
    return p;
}

void lac_test_move_out(const lac_backend *b, void *to, void *p, size_t size)
{
    LAC_CHECK_STATUS(b->copy(to, p, size));
    b->free(p, size);
}
