/* The two containers of PyTorch's files. */
#include "core/file/torch_internal.h"

#include "core/file/bytes.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PICKLE = 64 << 20, MAX_KEY = 200 };

bool lac_torch_is_pickle(const void *head, size_t size)
{
    const uint8_t *b = head;
    return size >= 2 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 && !(size > 8 && b[8] == '{');       /* '{': the header of safetensors */
}

/* ---- archives ---- */

/* The folder that all of an archive lies in: "NAME/", from the entry "NAME/data.pkl". */
typedef struct archive { const lac_zip *z; char *folder; int64_t pickle; } archive;

static lac_status open_archive(const lac_zip *z, archive *a)
{
    static const char name[] = "data.pkl";
    *a = (archive){ .z = z, .pickle = -1 };
    for (int64_t i = 0; i < z->n && a->pickle < 0; i++) {
        const char *slash = strchr(z->entry[i].name, '/');
        if (slash != NULL && strcmp(slash + 1, name) == 0)
            a->pickle = i;
    }
    if (a->pickle < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "a zip archive, but none of PyTorch's: it has no data.pkl");
    LAC_TRY(lac_strdup(&a->folder, z->entry[a->pickle].name));
    a->folder[strlen(a->folder) - strlen(name)] = '\0';
    return LAC_OK;
}

static lac_status find_entry(const archive *a, const char *name, int64_t n, int64_t *i)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s%.*s", a->folder, (int)n, name));
    *i = lac_zip_find(a->z, path);
    free(path);
    return LAC_OK;
}

static lac_status find_in_archive(const void *of, const char *key, int64_t n, uint64_t bytes, lac_torch_place *place)
{
    const archive *a = of;
    char name[MAX_KEY + 8];
    int64_t i;
    const int length = snprintf(name, sizeof name, "data/%.*s", (int)LAC_MIN(n, MAX_KEY), key);
    LAC_TRY(find_entry(a, name, length, &i));
    if (i < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the archive has no storage '%s'", name);
    if (a->z->entry[i].size < bytes)
        return LAC_FAIL(LAC_ERR_FORMAT, "storage '%s' has %llu bytes, expected %llu", name, (unsigned long long)a->z->entry[i].size, (unsigned long long)bytes);
    *place = (lac_torch_place){ .size = bytes, .packed = a->z->entry[i].deflated ? i : -1 };
    return place->packed >= 0 ? LAC_OK : lac_zip_place(a->z, i, &place->at);
}

/* Archives say how their machine orders bytes since 2.1; before that there was one order. */
static lac_status check_order(const archive *a)
{
    int64_t i;
    char *word;
    size_t size;
    LAC_TRY(find_entry(a, "byteorder", 9, &i));
    if (i < 0)
        return LAC_OK;
    LAC_TRY(lac_zip_read_whole(a->z, i, 100, &word, &size));
    const bool little = size == 6 && memcmp(word, "little", 6) == 0;
    free(word);
    return little ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "its storages are big-endian");
}

static lac_status read_archive(const archive *a, lac_contents *c)
{
    lac_pickle p = { .root = NULL };
    char *bytes;
    size_t size = 0, used;
    LAC_TRY(check_order(a));
    LAC_TRY(lac_zip_read_whole(a->z, a->pickle, MAX_PICKLE, &bytes, &size));
    lac_status s = lac_pickle_read(&p, bytes, size, &used);
    if (s == LAC_OK)
        s = lac_torch_collect(p.root, find_in_archive, a, c);
    lac_pickle_free(&p);
    free(bytes);
    return s;
}

lac_status lac_torch_read_archive(const lac_zip *z, lac_contents *c)
{
    archive a;
    LAC_TRY(open_archive(z, &a));
    const lac_status s = read_archive(&a, c);
    free(a.folder);
    return s;
}

/* ---- before archives ---- */

/* A storage among those behind the pickles. */
typedef struct behind { const char *key; int64_t n_key, numel; uint64_t bytes, at; bool placed; } behind;

typedef struct old_file {
    int fd;
    uint64_t file_size, at;             /* where the next pickle begins */
    char *bytes;                        /* the file's first ones, in which the pickles lie */
    size_t size;
    lac_pickle magic, protocol, facts, object, keys;
    behind *storage;                    /* by key, each once */
    int64_t n, capacity;
} old_file;

static int by_key(const void *a, const void *b)
{
    const behind *x = a, *y = b;
    const int order = memcmp(x->key, y->key, (size_t)LAC_MIN(x->n_key, y->n_key));
    return order != 0 ? order : (x->n_key > y->n_key) - (x->n_key < y->n_key);
}

static behind *find_behind(const old_file *f, const char *key, int64_t n)
{
    const behind wanted = { .key = key, .n_key = n };
    return f->n > 0 ? bsearch(&wanted, f->storage, (size_t)f->n, sizeof *f->storage, by_key) : NULL;
}

static lac_status find_in_file(const void *of, const char *key, int64_t n, uint64_t bytes, lac_torch_place *place)
{
    const behind *b = find_behind(of, key, n);
    if (b == NULL || !b->placed || b->bytes < bytes)
        return LAC_FAIL(LAC_ERR_FORMAT, "the file has no storage '%.*s' of %llu bytes", (int)LAC_MIN(n, MAX_KEY), key, (unsigned long long)bytes);
    *place = (lac_torch_place){ .at = b->at, .size = b->bytes, .packed = -1 };
    return LAC_OK;
}

static lac_status next_pickle(old_file *f, lac_pickle *p)
{
    size_t used = 0;
    LAC_TRY(lac_pickle_read(p, f->bytes + f->at, f->size - f->at, &used));
    f->at += used;
    return LAC_OK;
}

/* PyTorch's number, 0x1950a86a20f9469cfc6c, is beyond 64 bits: the whole first pickle is compared. */
static bool has_magic(const old_file *f)
{
    static const uint8_t magic[] = { 0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };
    return f->size >= sizeof magic && memcmp(f->bytes, magic, sizeof magic) == 0;
}

static lac_status read_pickles(old_file *f)
{
    if (!has_magic(f)) {
        LAC_TRY(next_pickle(f, &f->object));            /* for what it may call */
        return LAC_FAIL(LAC_ERR_FORMAT, "a pickle, but none of PyTorch's");
    }
    LAC_TRY(next_pickle(f, &f->magic));
    LAC_TRY(next_pickle(f, &f->protocol));
    LAC_TRY(next_pickle(f, &f->facts));
    LAC_TRY(next_pickle(f, &f->object));
    LAC_TRY(next_pickle(f, &f->keys));
    const lac_pickled *little = lac_pickled_find(f->facts.root, "little_endian");
    if (little != NULL && little->kind == LAC_PICKLED_BOOL && !little->number)
        return LAC_FAIL(LAC_ERR_FORMAT, "its storages are big-endian");
    return f->keys.root->kind == LAC_PICKLED_LIST ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "the keys of the storages are no list");
}

static lac_status add_storage(old_file *f, const lac_pickled *persistent)
{
    lac_torch_storage s;
    LAC_TRY(lac_torch_storage_of(persistent, &s));
    if (s.width == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "storage '%.*s' is of a dtype that is not known", (int)LAC_MIN(s.n_key, MAX_KEY), s.key);
    LAC_TRY(lac_grow((void **)&f->storage, f->n, &f->capacity, sizeof *f->storage));
    f->storage[f->n++] = (behind){ .key = s.key, .n_key = s.n_key, .numel = s.numel, .bytes = (uint64_t)s.numel * s.width };
    return s.numel <= INT64_MAX / 8 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "a storage of an impossible size");
}

/* What the object refers to, each storage once, though several tensors may lie in it. */
static lac_status list_storages(old_file *f)
{
    for (int64_t i = 0; i < f->object.n; i++)
        if (lac_pickle_value(&f->object, i)->kind == LAC_PICKLED_PERSISTENT)
            LAC_TRY(add_storage(f, lac_pickle_value(&f->object, i)));
    if (f->n > 1)
        qsort(f->storage, (size_t)f->n, sizeof *f->storage, by_key);
    int64_t n = 0;
    for (int64_t i = 0; i < f->n; i++)
        if (n == 0 || by_key(&f->storage[n - 1], &f->storage[i]) != 0)
            f->storage[n++] = f->storage[i];
        else if (f->storage[n - 1].bytes != f->storage[i].bytes)
            return LAC_FAIL(LAC_ERR_FORMAT, "storage '%.*s' has two sizes", (int)LAC_MIN(f->storage[i].n_key, MAX_KEY), f->storage[i].key);
    f->n = n;
    return LAC_OK;
}

/* Storages follow in the order of the keys: the number of elements, then their bytes. */
static lac_status place_storages(old_file *f)
{
    const lac_pickled *keys = f->keys.root;
    uint64_t at = f->at;
    for (int64_t i = 0; i < keys->n; i++) {
        const lac_pickled *key = keys->item[i];
        behind *b = key->kind == LAC_PICKLED_TEXT ? find_behind(f, key->text, key->n) : NULL;
        int64_t numel = 0;
        if (b == NULL || b->placed)
            return LAC_FAIL(LAC_ERR_FORMAT, "the %lldth storage of the file is none of the pickle's", (long long)i);
        if (f->file_size - at < sizeof numel || f->file_size - at - sizeof numel < b->bytes)
            return LAC_FAIL(LAC_ERR_FORMAT, "the file is cut off: storage '%.*s' of %llu bytes lies behind its end", (int)LAC_MIN(key->n, MAX_KEY), key->text,
                            (unsigned long long)b->bytes);
        LAC_TRY(lac_read_at(f->fd, at, &numel, sizeof numel));
        if (numel != b->numel)
            return LAC_FAIL(LAC_ERR_FORMAT, "storage '%.*s' has %lld elements, the pickle says %lld", (int)LAC_MIN(key->n, MAX_KEY), key->text,
                            (long long)numel, (long long)b->numel);
        b->at = at + sizeof numel;
        b->placed = true;
        at = b->at + b->bytes;
    }
    return LAC_OK;
}

static lac_status read_old(old_file *f, lac_contents *c)
{
    f->size = (size_t)LAC_MIN(f->file_size, (uint64_t)MAX_PICKLE);
    LAC_TRY(lac_malloc((void **)&f->bytes, f->size));
    LAC_TRY(lac_read_at(f->fd, 0, f->bytes, f->size));
    LAC_TRY(read_pickles(f));
    LAC_TRY(list_storages(f));
    LAC_TRY(place_storages(f));
    return lac_torch_collect(f->object.root, find_in_file, f, c);
}

lac_status lac_torch_read_pickles(int fd, uint64_t file_size, lac_contents *c)
{
    old_file f = { .fd = fd, .file_size = file_size };
    const lac_status s = read_old(&f, c);
    lac_pickle_free(&f.magic);
    lac_pickle_free(&f.protocol);
    lac_pickle_free(&f.facts);
    lac_pickle_free(&f.object);
    lac_pickle_free(&f.keys);
    free(f.storage);
    free(f.bytes);
    return s;
}
