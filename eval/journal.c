#include "eval/journal.h"

#include "core/crc32c.h"
#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lac_journal { FILE *stream; char *path, *aside; };

typedef struct record { uint32_t n, crc; } record;

/* ---- reading ---- */

typedef struct reading { const char *question; lac_journal_take *take; void *context; } reading;

/* One record after another: a journal may be larger than memory. left: bytes that the file still has. */
static lac_status take_records(const reading *to, FILE *f, size_t left)
{
    char *bytes = NULL;
    size_t room = 0;
    record r;
    lac_status s = LAC_OK;
    while (s == LAC_OK && left >= sizeof r && fread(&r, sizeof r, 1, f) == 1 && r.n <= left - sizeof r) {
        if (r.n > room) {
            free(bytes);
            bytes = NULL;
            room = r.n;
            s = lac_malloc((void **)&bytes, room);
        }
        if (s != LAC_OK || fread(bytes, 1, r.n, f) != r.n || lac_crc32c(0, bytes, r.n) != r.crc)
            break;
        lac_blob_reader from = { bytes, bytes + r.n };
        s = to->take(to->context, &from);
        left -= sizeof r + r.n;
    }
    free(bytes);
    return s;
}

static lac_status read_one(void *context, const char *path)
{
    const reading *to = context;
    char head[LAC_SHA256_HEX];                  /* its last one a line's end */
    struct stat about;
    FILE *f = fopen(path, "rb");
    if (f == NULL || fstat(fileno(f), &about) != 0) {
        const int error = errno;
        if (f != NULL)
            fclose(f);
        return LAC_FAIL(LAC_ERR_IO, "cannot read journal '%s': %s", path, strerror(error));
    }
    lac_status s = LAC_OK;
    if (fread(head, sizeof head, 1, f) == 1 && strncmp(head, to->question, sizeof head - 1) == 0)
        s = take_records(to, f, (size_t)about.st_size - sizeof head);
    fclose(f);
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

lac_status lac_journal_take_up(lac_journal **j, const char *stem, const char question[LAC_SHA256_HEX], lac_journal_take *take, lac_journal_again *again, void *context,
                               lac_comm *comm)
{
    *j = NULL;
    LAC_TRY(lac_comm_agree(comm, lac_journal_read(stem, question, take, context)));
    LAC_TRY(lac_comm_agree(comm, lac_journal_open(j, stem, comm->rank, question)));
    lac_status s = again(context);
    if (s == LAC_OK)
        s = lac_journal_settle(*j);
    return lac_comm_agree(comm, s);
}
