#include "core/text/files.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

lac_status lac_text_files_new(lac_text_files *f, const char *where)
{
    *f = (lac_text_files){ 0 };
    return lac_strdup(&f->where, where);
}

static lac_status copy(char **to, const char *from, size_t size)
{
    LAC_TRY(lac_malloc((void **)to, size + 1));
    memcpy(*to, from, size);
    (*to)[size] = '\0';
    return LAC_OK;
}

lac_status lac_text_files_add(lac_text_files *f, const char *name, const void *bytes, size_t size)
{
    if (f->n == LAC_TEXT_FILES)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': a tokenizer has at most %d files", name, LAC_TEXT_FILES);
    lac_text_file *file = &f->file[f->n++];
    *file = (lac_text_file){ .size = size };
    LAC_TRY(lac_strdup(&file->name, name));
    return copy(&file->bytes, bytes, size);
}

static lac_status read_one(lac_text_files *f, const char *folder, const char *name)
{
    char *path, *text = NULL;
    size_t size = 0;
    LAC_TRY(lac_format(&path, "%s/%s", folder, name));
    lac_status s = lac_file_read(path, LAC_TEXT_FILE_LIMIT, &text, &size);
    free(path);
    if (s == LAC_OK)
        s = lac_text_files_add(f, name, text, size);
    free(text);
    return s;
}

lac_status lac_text_files_read(lac_text_files *f, const char *folder, const char *const *names)
{
    LAC_TRY(lac_text_files_new(f, folder));
    for (; *names != NULL; names++)
        LAC_TRY(read_one(f, folder, *names));
    return LAC_OK;
}

void lac_text_files_free(lac_text_files *f)
{
    for (int i = 0; i < f->n; i++) {
        free(f->file[i].name);
        free(f->file[i].bytes);
    }
    free(f->where);
    *f = (lac_text_files){ 0 };
}

lac_status lac_text_files_copy(const lac_text_files *f, const char *name, char **text, size_t *size)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->file[i].name, name) == 0) {
            *size = f->file[i].size;
            return copy(text, f->file[i].bytes, *size);
        }
    return LAC_FAIL(LAC_ERR_IO, "there is no '%s/%s'", f->where, name);
}
