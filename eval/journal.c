#include "eval/journal.h"

#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lac_journal { FILE *stream; char *path, *aside; };

typedef struct record { uint32_t n, crc; } record;

/* ---- reading ---- */

typedef struct reading { const char *question; lac_journal_take *take; void *context; } reading;

static lac_status take_records(const reading *to, const char *bytes, size_t size)
{
    const size_t head = LAC_SHA256_HEX;         /* its last one a line's end */
    if (size < head || strncmp(bytes, to->question, head - 1) != 0)
        return LAC_OK;
    for (size_t at = head; size - at >= sizeof(record);) {
        record r;
        memcpy(&r, bytes + at, sizeof r);
        at += sizeof r;
        if (r.n > size - at || lac_crc32c(0, bytes + at, r.n) != r.crc)
            return LAC_OK;
        lac_blob_reader from = { bytes + at, bytes + at + r.n };
        LAC_TRY(to->take(to->context, &from));
        at += r.n;
    }
    return LAC_OK;
}

static lac_status read_one(void *to, const char *path)
{
    char *bytes;
    size_t size;
    LAC_TRY(lac_file_read(path, SIZE_MAX / 2, &bytes, &size));
    const lac_status s = take_records(to, bytes, size);
    free(bytes);
    return lac_context(s, "journal '%s'", path);
}

typedef lac_status with_journal(void *context, const char *path);

/* Every file STEM-NUMBER. */
static lac_status each_journal(const char *stem, with_journal *call, void *context)
{
    const char *slash = strrchr(stem, '/'), *name = slash != NULL ? slash + 1 : stem;
    char *folder;
    LAC_TRY(lac_format(&folder, "%.*s", slash != NULL ? (int)(slash + 1 - stem) : 1, slash != NULL ? stem : "."));
    DIR *d = opendir(folder);
    lac_status s = LAC_OK;
    const size_t n = strlen(name);
    for (struct dirent *e; d != NULL && s == LAC_OK && (e = readdir(d)) != NULL;) {
        char *path;
        if (strncmp(e->d_name, name, n) != 0 || e->d_name[n] != '-' || e->d_name[n + 1] == '\0' || e->d_name[n + 1 + strspn(e->d_name + n + 1, "0123456789")] != '\0')
            continue;
        s = lac_format(&path, "%s/%s", folder, e->d_name);
        if (s == LAC_OK) {
            s = call(context, path);
            free(path);
        }
    }
    if (d != NULL)
        closedir(d);
    free(folder);
    return s;
}

lac_status lac_journal_read(const char *stem, const char question[LAC_SHA256_HEX], lac_journal_take *take, void *context)
{
    reading to = { question, take, context };
    return each_journal(stem, read_one, &to);
}

static lac_status forget(void *context, const char *path)
{
    (void)context;
    return unlink(path) == 0 || errno == ENOENT ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot remove '%s': %s", path, strerror(errno));
}

lac_status lac_journal_forget(const char *stem) { return each_journal(stem, forget, NULL); }

/* ---- writing ---- */

static lac_status write_all(lac_journal *j, const void *bytes, size_t n)
{
    return fwrite(bytes, 1, n, j->stream) == n ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", j->path, strerror(errno));
}

lac_status lac_journal_note(lac_journal *j, const lac_blob *b)
{
    const record r = { (uint32_t)b->n, lac_crc32c(0, b->data, b->n) };
    LAC_TRY(write_all(j, &r, sizeof r));
    LAC_TRY(write_all(j, b->data, b->n));
    return fflush(j->stream) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", j->path, strerror(errno));
}

static lac_status begin(lac_journal *j, const char *stem, int rank, const char *question)
{
    LAC_TRY(lac_format(&j->path, "%s-%d", stem, rank));
    LAC_TRY(lac_format(&j->aside, "%s.tmp", j->path));
    j->stream = fopen(j->aside, "wb");
    if (j->stream == NULL)
        return LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", j->aside, strerror(errno));
    LAC_TRY(write_all(j, question, LAC_SHA256_HEX - 1));
    return write_all(j, "\n", 1);
}

lac_status lac_journal_open(lac_journal **j, const char *stem, int rank, const char question[LAC_SHA256_HEX])
{
    lac_journal *fresh;
    *j = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    const lac_status s = begin(fresh, stem, rank, question);
    if (s == LAC_OK)
        *j = fresh;
    else
        lac_journal_close(fresh);
    return s;
}

lac_status lac_journal_settle(lac_journal *j)
{
    if (fflush(j->stream) != 0 || rename(j->aside, j->path) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot write '%s': %s", j->path, strerror(errno));
    return LAC_OK;
}

void lac_journal_close(lac_journal *j)
{
    if (j == NULL)
        return;
    if (j->stream != NULL)
        fclose(j->stream);
    if (j->aside != NULL)
        unlink(j->aside);           /* gone where it was settled */
    free(j->aside);
    free(j->path);
    free(j);
}
