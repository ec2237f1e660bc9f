/* train/tensorboard.h -- scalars and pictures as TensorBoard reads them: FOLDER/events.out.tfevents.TIME.HOST.PID.
 *
 * The file is a row of TFRecords (length u64, its masked CRC-32C, bytes, theirs), each an Event message of
 * tensorflow/core/util/event.proto, encoded by hand. Every event is flushed. */
#pragma once

#include "core/image/image.h"

typedef struct lac_tensorboard lac_tensorboard;

/* A file of its own for every start of a run. step > 0: the run goes on from there, and TensorBoard forgets what earlier files say of
 * later steps. */
lac_status lac_tensorboard_open(lac_tensorboard **t, const char *folder, int64_t step);
lac_status lac_tensorboard_scalar(lac_tensorboard *t, int64_t step, const char *tag, float value);
lac_status lac_tensorboard_image(lac_tensorboard *t, int64_t step, const char *tag, const lac_image *image);
lac_status lac_tensorboard_close(lac_tensorboard *t);           /* NULL is fine */
