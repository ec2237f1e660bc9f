#include "core/cpu/dnn_library.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_status_t started;

/* A CPU stream of oneDNN keeps no state, so one serves all threads. */
static void start(void)
{
    started = dnnl_engine_create(&engine, dnnl_cpu, 0);
    if (started == dnnl_success)
        started = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
}

static lac_status status(dnnl_status_t s, const char *what)
{
    return s == dnnl_success ? LAC_OK : s == dnnl_out_of_memory ? LAC_FAIL(LAC_ERR_MEM, "oneDNN: out of memory in %s", what)
         : LAC_FAIL(LAC_ERR_LIBRARY, "oneDNN: %s fails with status %d", what, (int)s);
}

static lac_status ready(void)
{
    pthread_once(&once, start);
    return status(started, "starting the CPU engine");
}

const char *lac_dnn_version(void)
{
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

static dnnl_data_type_t type_of(lac_dtype d) { return d == LAC_BF16 ? dnnl_bf16 : dnnl_f32; }

lac_status lac_md_new(lac_md_own *md, int ndim, const int64_t *dim, const int64_t *stride, lac_dtype d)
{
    dnnl_dims_t dims, strides;
    for (int i = 0; i < ndim; i++) {
        dims[i] = dim[i];
        strides[i] = stride ? stride[i] : 0;
    }
#if DNNL_VERSION_MAJOR >= 3
    return status(stride ? dnnl_memory_desc_create_with_strides(&md->value, ndim, dims, type_of(d), strides)
                         : dnnl_memory_desc_create_with_tag(&md->value, ndim, dims, type_of(d), dnnl_format_tag_any), "a memory descriptor");
#else
    return status(stride ? dnnl_memory_desc_init_by_strides(&md->value, ndim, dims, type_of(d), strides)
                         : dnnl_memory_desc_init_by_tag(&md->value, ndim, dims, type_of(d), dnnl_format_tag_any), "a memory descriptor");
#endif
}

lac_status lac_md_copy(lac_md_own *to, lac_md from)
{
#if DNNL_VERSION_MAJOR >= 3
    return status(dnnl_memory_desc_clone(&to->value, from), "a memory descriptor");
#else
    to->value = *from;
    return LAC_OK;
#endif
}

void lac_md_drop(lac_md_own *md)
{
#if DNNL_VERSION_MAJOR >= 3
    if (md->value)
        dnnl_memory_desc_destroy(md->value);
#endif
    memset(md, 0, sizeof *md);
}

size_t lac_md_bytes(lac_md md) { return dnnl_memory_desc_get_size(md); }
bool lac_md_same(lac_md a, lac_md b) { return dnnl_memory_desc_equal(a, b); }

/* oneDNN takes the thread count when a primitive is made. */
static lac_status finish(lac_prim *p, const_dnnl_primitive_desc_t pd)
{
    memset(p, 0, sizeof *p);
    p->threads = omp_get_max_threads();
    LAC_TRY(status(dnnl_primitive_create(&p->handle, pd), "making a primitive"));
    const_dnnl_primitive_desc_t own;
    dnnl_primitive_get_primitive_desc(p->handle, &own);
    dnnl_primitive_desc_query(own, dnnl_query_impl_info_str, 0, &p->name);
    p->scratch = (dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(own, dnnl_query_scratchpad_md, 0)) + 63) / 64 * 64;
    return LAC_OK;
}

static bool is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

static dnnl_status_t conv_forward_desc(dnnl_primitive_desc_t *pd, const lac_prim_conv *c, dnnl_prop_kind_t kind, const_dnnl_primitive_attr_t attr)
{
    const dnnl_alg_kind_t alg = c->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    const dnnl_dims_t stride = { c->stride[0], c->stride[1] }, dilation = { c->dilation[0] - 1, c->dilation[1] - 1 };
    const dnnl_dims_t before = { c->pad[0], c->pad[2] }, after = { c->pad[1], c->pad[3] };
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_forward_primitive_desc_create(pd, engine, kind, alg, c->x, c->w, c->b, c->y, stride, dilation, before, after, attr);
#else
    dnnl_convolution_desc_t d;
    const dnnl_status_t s = dnnl_dilated_convolution_forward_desc_init(&d, kind, alg, c->x, c->w, c->b, c->y, stride, dilation, before, after);
    return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
#endif
}

static dnnl_status_t conv_backward_desc(dnnl_primitive_desc_t *pd, const lac_prim_conv *c, const_dnnl_primitive_desc_t hint,
                                        const_dnnl_primitive_attr_t attr)
{
    const dnnl_alg_kind_t alg = c->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    const dnnl_dims_t stride = { c->stride[0], c->stride[1] }, dilation = { c->dilation[0] - 1, c->dilation[1] - 1 };
    const dnnl_dims_t before = { c->pad[0], c->pad[2] }, after = { c->pad[1], c->pad[3] };
#if DNNL_VERSION_MAJOR >= 3
    return c->pass == LAC_CONV_GRAD_X
        ? dnnl_convolution_backward_data_primitive_desc_create(pd, engine, alg, c->x, c->w, c->y, stride, dilation, before, after, hint, attr)
        : dnnl_convolution_backward_weights_primitive_desc_create(pd, engine, alg, c->x, c->w, c->b, c->y, stride, dilation, before, after, hint, attr);
#else
    dnnl_convolution_desc_t d;
    const dnnl_status_t s = c->pass == LAC_CONV_GRAD_X
        ? dnnl_dilated_convolution_backward_data_desc_init(&d, alg, c->x, c->w, c->y, stride, dilation, before, after)
        : dnnl_dilated_convolution_backward_weights_desc_init(&d, alg, c->x, c->w, c->b, c->y, stride, dilation, before, after);
    return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, hint);
#endif
}

/* A backward descriptor is made after a forward one, whose tensors are all in the dtype of y. */
static dnnl_status_t conv_desc(dnnl_primitive_desc_t *pd, const lac_prim_conv *c, const_dnnl_primitive_attr_t attr)
{
    if (c->pass == LAC_CONV_FORWARD)
        return conv_forward_desc(pd, c, dnnl_forward_inference, attr);
    lac_prim_conv forward = *c;
    forward.x = c->x_forward;
    forward.w = c->w_forward;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t s = conv_forward_desc(&hint, &forward, dnnl_forward_training, attr);
    if (s != dnnl_success)
        return s;
    s = conv_backward_desc(pd, c, hint, attr);
    dnnl_primitive_desc_destroy(hint);
    return s;
}

static dnnl_status_t append(dnnl_post_ops_t ops, const lac_prim_after *after)
{
    dnnl_status_t s = dnnl_success;
#if DNNL_VERSION_MAJOR >= 3
    if (after->add)
        s = dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
    return after->leaky && s == dnnl_success ? dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, after->slope, 0) : s;
#else
    if (after->add)
        s = dnnl_post_ops_append_sum(ops, 1.0f);
    return after->leaky && s == dnnl_success ? dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, after->slope, 0) : s;
#endif
}

/* NULL: out of memory. */
static dnnl_primitive_attr_t new_attr(bool user_scratch, const lac_prim_after *after)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    if (dnnl_primitive_attr_create(&attr) != dnnl_success)
        return NULL;
    dnnl_primitive_attr_set_scratchpad_mode(attr, user_scratch ? dnnl_scratchpad_mode_user : dnnl_scratchpad_mode_library);
    if (!after->add && !after->leaky)
        return attr;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    if (s == dnnl_success)
        s = append(ops, after);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    if (s == dnnl_success)
        return attr;
    dnnl_primitive_attr_destroy(attr);
    return NULL;
}

lac_status lac_prim_new_conv(lac_prim *p, const lac_prim_conv *c, bool accept_reference)
{
    memset(p, 0, sizeof *p);
    LAC_TRY(ready());
    const int threads = omp_get_max_threads();
    omp_set_num_threads(c->threads);
    dnnl_primitive_attr_t attr = new_attr(true, &c->after);
    dnnl_primitive_desc_t pd = NULL;
    lac_status s = attr == NULL ? status(dnnl_out_of_memory, "a convolution") : conv_desc(&pd, c, attr) != dnnl_success || (!accept_reference && is_reference(pd)) ? LAC_ERR_NO_KERNEL : finish(p, pd);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    omp_set_num_threads(threads);
    return s;
}

#if DNNL_VERSION_MAJOR < 3
/* AMX kernels of 2.6 for rows of 63: the second half, 31, goes into tiles of a shape that the instruction refuses, and the process dies of SIGILL
 * (for some numbers of rows and columns: tests/test_core_dnn.c). */
static bool traps(const_dnnl_primitive_desc_t pd, lac_md a)
{
    const char *name = "";
    if (pd == NULL)
        return false;
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return a->data_type == dnnl_bf16 && a->dims[a->ndims - 1] == 63 && strstr(name, "amx") != NULL;
}
#endif

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, lac_md a, lac_md b, lac_md bias, lac_md c, const_dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(pd, engine, a, b, bias, c, attr);
#else
    dnnl_matmul_desc_t d;
    dnnl_primitive_desc_iterator_t i = NULL;
    dnnl_status_t s = dnnl_matmul_desc_init(&d, a, b, bias, c);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_iterator_create(&i, &d, attr, engine, NULL);
    if (s == dnnl_success)
        *pd = dnnl_primitive_desc_iterator_fetch(i);
    while (s == dnnl_success && traps(*pd, a)) {
        dnnl_primitive_desc_destroy(*pd);
        *pd = NULL;
        s = dnnl_primitive_desc_iterator_next(i);
        if (s == dnnl_success)
            *pd = dnnl_primitive_desc_iterator_fetch(i);
    }
    dnnl_primitive_desc_iterator_destroy(i);
    return s == dnnl_success && *pd == NULL ? dnnl_out_of_memory : s;
#endif
}

lac_status lac_prim_new_matmul(lac_prim *p, lac_md a, lac_md b, lac_md bias, lac_md c, bool add, int with_threads)
{
    memset(p, 0, sizeof *p);
    LAC_TRY(ready());
    const int threads = omp_get_max_threads();
    omp_set_num_threads(with_threads);
    dnnl_primitive_attr_t attr = new_attr(true, &(lac_prim_after){ .add = add });
    dnnl_primitive_desc_t pd = NULL;
    lac_status s = status(matmul_desc(&pd, a, b, bias, c, attr), "a matrix product");
    if (s == LAC_OK)
        s = finish(p, pd);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    omp_set_num_threads(threads);
    return s;
}

lac_status lac_prim_new_reorder(lac_prim *p, lac_md from, lac_md to)
{
    memset(p, 0, sizeof *p);
    LAC_TRY(ready());
    dnnl_primitive_attr_t attr = new_attr(false, &(lac_prim_after){ 0 });
    dnnl_primitive_desc_t pd = NULL;
    lac_status s = status(dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr), "a reorder");
    if (s == LAC_OK)
        s = finish(p, pd);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return s;
}

void lac_prim_drop(lac_prim *p)
{
    if (p->handle)
        dnnl_primitive_destroy(p->handle);
    memset(p, 0, sizeof *p);
}

static const_dnnl_primitive_desc_t desc_of(const lac_prim *p)
{
    const_dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_get_primitive_desc(p->handle, &pd);
    return pd;
}

lac_md lac_prim_md(const lac_prim *p, int arg) { return dnnl_primitive_desc_query_md(desc_of(p), dnnl_query_exec_arg_md, arg); }

static dnnl_status_t execute(const lac_prim *p, int n, dnnl_exec_arg_t *a)
{
    if (omp_in_parallel())
        return dnnl_primitive_execute(p->handle, stream, n, a);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(p->threads);
    const dnnl_status_t s = dnnl_primitive_execute(p->handle, stream, n, a);
    omp_set_num_threads(threads);
    return s;
}

lac_status lac_prim_run(const lac_prim *p, int n, const int *arg, void *const *data, void *scratch)
{
    const_dnnl_primitive_desc_t pd = desc_of(p);
    dnnl_exec_arg_t a[LAC_PRIM_ARGS + 1];
    dnnl_status_t s = dnnl_success;
    int made = 0;
    for (; made < n && s == dnnl_success; made++) {
        a[made].arg = arg[made];
        a[made].memory = NULL;
        s = dnnl_memory_create(&a[made].memory, dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg[made]), engine, data[made]);
    }
    if (p->scratch && s == dnnl_success) {
        a[made].arg = DNNL_ARG_SCRATCHPAD;
        a[made].memory = NULL;
        s = dnnl_memory_create(&a[made++].memory, dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0), engine, scratch);
    }
    if (s == dnnl_success)
        s = execute(p, made, a);
    for (int i = 0; i < made; i++)
        if (a[i].memory)
            dnnl_memory_destroy(a[i].memory);
    return status(s, p->name);
}

size_t lac_prim_reordered(const lac_prim *p) { return (lac_md_bytes(lac_prim_md(p, DNNL_ARG_TO)) + 63) / 64 * 64; }

lac_status lac_prim_reorder(const lac_prim *p, int64_t parts, size_t step, const void *from, void *to)
{
    const size_t bytes = lac_prim_reordered(p);
    for (int64_t i = 0; i < parts; i++)
        LAC_TRY(lac_prim_run(p, 2, (int[]){ DNNL_ARG_FROM, DNNL_ARG_TO }, (void *[]){ (char *)from + (size_t)i * step, (char *)to + (size_t)i * bytes }, NULL));
    return LAC_OK;
}
