#include "core/file/safetensors.h"

#include "core/file/bytes.h"
#include "core/memory.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_HEADER = 100 * 1000 * 1000 };
enum { MAX_VALUES = 8 * 1000 * 1000 };      /* of JSON in a header: a million tensors; bounds what parsing may allocate */

static const char *const dtype_word[LAC_N_DTYPES] = { "F32", "BF16", "F16", "F64", "I32", "I64", "U8" };

static lac_status find_dtype(const char *name, const json_t *word, lac_dtype *d)
{
    const char *w = json_string_value(word);
    if (w == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' has no dtype", name);
    for (int i = 0; i < LAC_N_DTYPES; i++)
        if (strcmp(w, dtype_word[i]) == 0) {
            *d = (lac_dtype)i;
            return LAC_OK;
        }
    *d = LAC_U8;
    return strcmp(w, "BOOL") == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' has the unknown dtype '%.32s'", name, w);
}

static lac_status find_shape(const char *name, const json_t *list, lac_shape *shape)
{
    if (!json_is_array(list) || json_array_size(list) > LAC_MAX_DIMS)
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' has no shape, or one of more than %d dims", name, LAC_MAX_DIMS);
    *shape = (lac_shape){ .ndim = (int)json_array_size(list) };
    for (int i = 0; i < shape->ndim; i++) {
        const json_t *d = json_array_get(list, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s': dim %d is not a count", name, i);
        shape->dim[i] = json_integer_value(d);
    }
    return LAC_OK;
}

/* The byte range [begin, end) within the data, which has data_size bytes. */
static lac_status find_range(const char *name, const json_t *list, uint64_t data_size, lac_stored *e)
{
    const json_t *begin = json_array_get(list, 0), *end = json_array_get(list, 1);
    if (json_array_size(list) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' has no pair of data_offsets", name);
    const int64_t b = json_integer_value(begin), n = json_integer_value(end);
    if (b < 0 || n < b || (uint64_t)n > data_size)
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' lies at %lld..%lld of %llu bytes of data", name, (long long)b, (long long)n,
                        (unsigned long long)data_size);
    e->at = (uint64_t)b;
    e->size = (uint64_t)(n - b);
    return LAC_OK;
}

static lac_status read_entry(const char *name, const json_t *told, uint64_t data_size, lac_contents *c)
{
    lac_stored *e;
    int64_t numel;
    if (!json_is_object(told))
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' is not described by a table", name);
    LAC_TRY(lac_contents_add(c, name, &e));
    LAC_TRY(find_dtype(name, json_object_get(told, "dtype"), &e->dtype));
    LAC_TRY(find_shape(name, json_object_get(told, "shape"), &e->shape));
    LAC_TRY(lac_context(lac_numel_checked(e->shape.ndim, e->shape.dim, &numel) ? LAC_ERR_FORMAT : LAC_OK, "tensor '%s'", name));
    LAC_TRY(find_range(name, json_object_get(told, "data_offsets"), data_size, e));
    if ((uint64_t)numel * lac_dtype_size(e->dtype) != e->size)
        return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s', %s %s, should have %llu bytes, has %llu", name, dtype_word[e->dtype],
                        lac_dims_str(e->shape.ndim, e->shape.dim), (unsigned long long)numel * lac_dtype_size(e->dtype),
                        (unsigned long long)e->size);
    return LAC_OK;
}

static lac_status check_metadata(const json_t *table)
{
    const char *key;
    json_t *value;
    if (!json_is_object(table))
        return LAC_FAIL(LAC_ERR_FORMAT, "'__metadata__' is not a table");
    json_object_foreach((json_t *)table, key, value)
        if (!json_is_string(value))
            return LAC_FAIL(LAC_ERR_FORMAT, "'__metadata__' has '%.64s', which is not a string", key);
    return LAC_OK;
}

static int by_place(const void *a, const void *b)
{
    const lac_stored *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* The ranges must cover the data without overlap and without a hole. */
static lac_status check_cover(lac_stored *e, int64_t n, uint64_t data_size)
{
    uint64_t at = 0;
    if (n > 1)
        qsort(e, (size_t)n, sizeof *e, by_place);
    for (int64_t i = 0; i < n; at += e[i++].size)
        if (e[i].at != at)
            return LAC_FAIL(LAC_ERR_FORMAT, "tensor '%s' begins at byte %llu of the data, expected %llu: %s", e[i].name,
                            (unsigned long long)e[i].at, (unsigned long long)at, e[i].at < at ? "tensors overlap" : "a hole");
    if (at != data_size)
        return LAC_FAIL(LAC_ERR_FORMAT, "the tensors end at byte %llu of %llu bytes of data", (unsigned long long)at,
                        (unsigned long long)data_size);
    return LAC_OK;
}

static lac_status read_entries(json_t *header, uint64_t data_at, uint64_t data_size, lac_contents *c)
{
    const char *name;
    json_t *told;
    json_object_foreach(header, name, told) {
        if (strcmp(name, "__metadata__") == 0)
            LAC_TRY(check_metadata(told));
        else
            LAC_TRY(read_entry(name, told, data_size, c));
    }
    LAC_TRY(check_cover(c->entry, c->n, data_size));
    for (int64_t i = 0; i < c->n; i++)
        c->entry[i].at += data_at;
    return LAC_OK;
}

static lac_status parse_header(const char *text, size_t size, json_t **header)
{
    int64_t values = 0;
    for (size_t i = 0; i < size; i++)
        values += text[i] == ',' || text[i] == '[' || text[i] == '{';
    if (values > MAX_VALUES)
        return LAC_FAIL(LAC_ERR_FORMAT, "the header holds more than %d values", MAX_VALUES);
    json_error_t why;
    *header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (*header == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the header is not JSON: %s at byte %d", why.text, 8 + why.position);
    if (json_is_object(*header))
        return LAC_OK;
    json_decref(*header);
    return LAC_FAIL(LAC_ERR_FORMAT, "the header is not a table");
}

static lac_status read_header(int fd, uint64_t file_size, char **text, uint64_t *size)
{
    uint64_t length;
    if (file_size < sizeof length || pread(fd, &length, sizeof length, 0) != (ssize_t)sizeof length)
        return LAC_FAIL(LAC_ERR_FORMAT, "%llu bytes are too few for a safetensors file", (unsigned long long)file_size);
    *size = le64toh(length);
    if (*size > MAX_HEADER || *size > file_size - sizeof length)
        return LAC_FAIL(LAC_ERR_FORMAT, "not a whole safetensors file: a header of %llu bytes in a file of %llu",
                        (unsigned long long)*size, (unsigned long long)file_size);
    LAC_TRY(lac_malloc((void **)text, *size));
    const lac_status s = lac_read_at(fd, sizeof length, *text, *size);
    if (s != LAC_OK)
        free(*text);
    return lac_context(s, "the header");
}

lac_status lac_safetensors_read(int fd, uint64_t file_size, lac_contents *c, json_t **metadata)
{
    char *text;
    uint64_t size = 0;
    json_t *header = NULL;
    LAC_TRY(read_header(fd, file_size, &text, &size));
    lac_status s = parse_header(text, size, &header);
    free(text);
    LAC_TRY(s);
    s = read_entries(header, 8 + size, file_size - 8 - size, c);
    if (s == LAC_OK)
        *metadata = json_incref(json_object_get(header, "__metadata__"));
    json_decref(header);
    return s;
}

/* Wider dtypes first, names in order within a width: every tensor lies at a multiple of its element. */
static void place(lac_stored *e, int64_t n)
{
    uint64_t at = 0;
    for (size_t width = 8; width > 0; width /= 2)
        for (int64_t i = 0; i < n; i++)
            if (lac_dtype_size(e[i].dtype) == width) {
                e[i].at = at;
                at += e[i].size;
            }
}

static json_t *describe(const lac_stored *e)
{
    json_t *shape = json_array();
    for (int i = 0; i < e->shape.ndim; i++)
        json_array_append_new(shape, json_integer(e->shape.dim[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype_word[e->dtype], "shape", shape, "data_offsets",
                     (json_int_t)e->at, (json_int_t)(e->at + e->size));
}

/* The length, the text and its padding in one piece. */
static lac_status frame(const char *text, char **bytes, size_t *size)
{
    const size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    const uint64_t told = htole64(padded);
    if (length > MAX_HEADER)
        return LAC_FAIL(LAC_ERR_ARG, "a header of %zu bytes: too many tensors for one safetensors file", length);
    LAC_TRY(lac_malloc((void **)bytes, 8 + padded));
    memcpy(*bytes, &told, 8);
    memset(*bytes + 8, ' ', padded);
    memcpy(*bytes + 8, text, length);
    *size = 8 + padded;
    return LAC_OK;
}

lac_status lac_safetensors_header(lac_stored *entry, int64_t n, json_t *metadata, char **bytes, size_t *size)
{
    json_t *header = json_object();
    bool whole = header != NULL;
    if (metadata != NULL && json_object_size(metadata) > 0)
        whole = json_object_set(header, "__metadata__", metadata) == 0;
    place(entry, n);
    for (int64_t i = 0; whole && i < n; i++)
        whole = json_object_set_new(header, entry[i].name, describe(&entry[i])) == 0;
    char *text = whole ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for the header of %lld tensors", (long long)n);
    const lac_status s = frame(text, bytes, size);
    free(text);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        entry[i].at += *size;
    return s;
}
