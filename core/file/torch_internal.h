/* core/file/torch_internal.h -- between the containers of PyTorch's files and the tensors in their pickles. */
#pragma once

#include "core/file/pickle.h"
#include "core/file/torch.h"

/* Where a storage's bytes lie. */
typedef struct lac_torch_place { uint64_t at, size; int64_t packed; } lac_torch_place;

/* Finds the storage of a key (n bytes), which the pickle says to be of `bytes` bytes. */
typedef lac_status lac_torch_find(const void *of, const char *key, int64_t n, uint64_t bytes, lac_torch_place *place);

/* What a persistent value says of a storage. width, of an element: 0 where its dtype is not known. */
typedef struct lac_torch_storage {
    const char *key;
    int64_t n_key, numel;               /* elements; bytes where untyped */
    int64_t from;                       /* elements of the storage before it, where it is a view of one (before 0.4) */
    bool untyped;
    size_t width;
} lac_torch_storage;

lac_status lac_torch_storage_of(const lac_pickled *persistent, lac_torch_storage *s);

/* All tensors of a pickle's object. */
lac_status lac_torch_collect(const lac_pickled *root, lac_torch_find *find, const void *of, lac_contents *c);
