/* core/file/torch.h -- what torch.save writes, and TorchScript archives, as tensors by name. Used by weights_part.c alone.
 *
 *     archive (1.6 and later)    zip: NAME/data.pkl, a storage's bytes in NAME/data/KEY
 *     before that                pickles one after the other: a magic number, a protocol, facts of the machine, the object, the keys of the
 *                                storages; then for each key its number of elements (i64) and its bytes
 *
 * Formats: torch/serialization.py and torch/_utils.py of PyTorch 2. Names are the ways to a tensor through tables, lists and objects, joined
 * by dots ("netG.conv1.weight"); of a module its `_parameters`, `_buffers` and `_modules` are no part of the way. Where the outermost table
 * has one of the keys by which trainings set the weights apart, these are the file's tensors and the rest is not looked at; in this
 * order:
 *
 *     state_dict  model_state_dict  params_ema  params  model  module
 *
 * A view of a storage has strides. What stands where a tensor could be and is none (a call that is not known, a dtype that is not read)
 * is told as absent, with why. */
#pragma once

#include "core/file/stored.h"
#include "core/file/zip.h"

/* True of the first bytes (16 of them, or the whole file where that is shorter) of a pickle, whoever wrote it. */
bool lac_torch_is_pickle(const void *head, size_t size);

/* Their tensors into *c, empty until now, which the caller frees also after an error. z is open and stays so as long as they are read. */
lac_status lac_torch_read_archive(const lac_zip *z, lac_contents *c);
lac_status lac_torch_read_pickles(int fd, uint64_t file_size, lac_contents *c);
