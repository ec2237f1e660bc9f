#include "train/tensorboard.h"

#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct lac_tensorboard { FILE *stream; char *path; };

/* ---- protocol buffers: a message is a row of (field << 3 | wire type, value) ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
typedef struct message { uint8_t *bytes; size_t n, capacity; bool failed; } message;

static void put(message *m, const void *bytes, size_t n)
{
    if (m->n + n > m->capacity) {
        const size_t room = 2 * (m->n + n) + 64;
        if (m->failed || lac_realloc((void **)&m->bytes, room) != LAC_OK) {
            m->failed = true;
            return;
        }
        m->capacity = room;
    }
    if (n > 0)
        memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
}

static void put_varint(message *m, uint64_t x)
{
    for (; x >= 128; x >>= 7)
        put(m, &(uint8_t){ (uint8_t)(x | 128) }, 1);
    put(m, &(uint8_t){ (uint8_t)x }, 1);
}

static void put_key(message *m, int field, int wire) { put_varint(m, (uint64_t)(field << 3 | wire)); }

static void put_int(message *m, int field, int64_t x)
{
    put_key(m, field, VARINT);
    put_varint(m, (uint64_t)x);
}

static void put_bytes(message *m, int field, const void *bytes, size_t n)
{
    put_key(m, field, BYTES);
    put_varint(m, n);
    put(m, bytes, n);
}

/* Takes `inner` over. */
static void put_message(message *m, int field, message *inner)
{
    m->failed |= inner->failed;
    put_bytes(m, field, inner->bytes, inner->n);
    free(inner->bytes);
    *inner = (message){ 0 };
}

/* ---- TFRecord ---- */

static uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

static lac_status cannot_write(const lac_tensorboard *t) { return LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", t->path, strerror(errno)); }

static lac_status write_record(lac_tensorboard *t, const message *m)
{
    uint8_t head[12], tail[4];
    const uint64_t n = m->n;
    memcpy(head, &n, 8);
    memcpy(head + 8, &(uint32_t){ masked(lac_crc32c(0, head, 8)) }, 4);
    memcpy(tail, &(uint32_t){ masked(lac_crc32c(0, m->bytes, m->n)) }, 4);
    const bool bad = fwrite(head, 1, 12, t->stream) != 12 || fwrite(m->bytes, 1, m->n, t->stream) != m->n ||
                     fwrite(tail, 1, 4, t->stream) != 4 || fflush(t->stream) != 0;
    return bad ? cannot_write(t) : LAC_OK;
}

/* Event: wall_time = 1, step = 2, and one of file_version = 3, summary = 5, session_log = 7. Takes `content` over. */
static lac_status write_event(lac_tensorboard *t, int64_t step, int field, message *content)
{
    struct timespec now;
    message m = { 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    const double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    put_key(&m, 1, FIXED64);
    put(&m, &seconds, 8);
    put_int(&m, 2, step);
    put_message(&m, field, content);
    const lac_status s = m.failed ? LAC_FAIL(LAC_ERR_MEM, "no memory for an event of '%s'", t->path) : write_record(t, &m);
    free(m.bytes);
    return s;
}

/* Summary: value = 1. Takes `value` over. */
static lac_status write_value(lac_tensorboard *t, int64_t step, message *value)
{
    message summary = { 0 };
    put_message(&summary, 1, value);
    return write_event(t, step, 5, &summary);
}

static message tagged(const char *tag)          /* Summary.Value: tag = 1 */
{
    message m = { 0 };
    put_bytes(&m, 1, tag, strlen(tag));
    return m;
}

/* ---- the file ---- */

static lac_status write_start(lac_tensorboard *t, int64_t step)
{
    message version = { 0 }, session = { 0 };
    put(&version, "brain.Event:2", 13);
    LAC_TRY(write_event(t, 0, 3, &version));
    if (step == 0)
        return LAC_OK;
    put_int(&session, 1, 1);                    /* SessionLog: status = START */
    return write_event(t, step + 1, 7, &session);
}

lac_status lac_tensorboard_open(lac_tensorboard **out, const char *folder, int64_t step)
{
    char host[64] = "host";
    lac_tensorboard *t = NULL;
    *out = NULL;
    gethostname(host, sizeof host - 1);
    LAC_TRY(lac_make_folders(folder));
    LAC_TRY(lac_calloc((void **)&t, 1, sizeof *t));
    lac_status s = lac_format(&t->path, "%s/events.out.tfevents.%010lld.%s.%ld", folder, (long long)time(NULL), host, (long)getpid());
    if (s == LAC_OK && (t->stream = fopen(t->path, "ab")) == NULL)
        s = cannot_write(t);
    if (s == LAC_OK)
        s = write_start(t, step);
    if (s == LAC_OK)
        *out = t;
    else
        lac_tensorboard_close(t);
    return s;
}

lac_status lac_tensorboard_scalar(lac_tensorboard *t, int64_t step, const char *tag, float x)
{
    message value = tagged(tag);
    put_key(&value, 2, FIXED32);                /* simple_value = 2 */
    put(&value, &x, 4);
    return write_value(t, step, &value);
}

lac_status lac_tensorboard_image(lac_tensorboard *t, int64_t step, const char *tag, const lac_image *image)
{
    uint8_t *png;
    size_t size;
    LAC_TRY(lac_image_encode_png(image, &png, &size));
    message picture = { 0 }, value = tagged(tag);
    put_int(&picture, 1, image->height);        /* Image: height, width, colorspace, encoded_image_string */
    put_int(&picture, 2, image->width);
    put_int(&picture, 3, image->channels);
    put_bytes(&picture, 4, png, size);
    free(png);
    put_message(&value, 4, &picture);           /* image = 4 */
    return write_value(t, step, &value);
}

lac_status lac_tensorboard_close(lac_tensorboard *t)
{
    if (t == NULL)
        return LAC_OK;
    const lac_status s = t->stream != NULL && fclose(t->stream) != 0 ? cannot_write(t) : LAC_OK;
    free(t->path);
    free(t);
    return s;
}
