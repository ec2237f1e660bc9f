#include "eval/picture_files.h"

#include "core/file/pictures.h"
#include "core/file/relative.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- kept ones ---- */

/* A part of a path that stays below: no "..", nothing hidden, no separator of a method's name. */
static void tame(char *path, bool one_part)
{
    for (char *c = path; *c; c++) {
        const bool begins = c == path || c[-1] == '/';
        if ((one_part && *c == '/') || (begins && (*c == '.' || *c == '/')))
            *c = '_';
    }
}

lac_status lac_kept_path(char **path, const char *folder, const char *name, const char *id)
{
    char *part = NULL, *file = NULL;
    lac_status s = lac_strdup(&part, name);
    if (s == LAC_OK)
        s = lac_strdup(&file, id);
    if (s == LAC_OK) {
        tame(part, true);
        tame(file, false);
        s = lac_format(path, "%s/%s/%s.png", folder, part, file);
    }
    free(part);
    free(file);
    return s;
}

/* ---- finished ones ---- */

static lac_status enter(json_t *paths, const char *root, const char *path)
{
    char *id, *full = NULL;
    LAC_TRY(lac_strdup(&id, path));
    *strrchr(id, '.') = '\0';
    const lac_status s = lac_format(&full, "%s/%s", root, path);
    if (s == LAC_OK)
        json_object_set_new(paths, id, json_string(full));          /* names that are no text are not entered */
    free(full);
    free(id);
    return s;
}

static lac_status list(json_t **paths, const json_t *folders, const char *key, const char *here)
{
    const char *name = json_string_value(json_object_get(folders, key));
    lac_paths found = { 0 };
    char *root;
    if (name == NULL)
        return LAC_OK;
    LAC_TRY(lac_path_join(&root, here, name));
    lac_status s = lac_pictures_below(&found, root);
    *paths = json_object();
    for (int64_t i = 0; s == LAC_OK && i < found.n; i++)
        s = enter(*paths, root, found.item[i]);
    lac_paths_free(&found);
    free(root);
    return s == LAC_ERR_MEM ? s : LAC_OK;
}

static lac_status find(lac_picture_files *p, const json_t *summary, const char *here)
{
    const json_t *folders = json_object_get(summary, "folders");
    const char *kept = json_string_value(json_object_get(summary, "pictures"));
    if (kept != NULL)
        return lac_path_join(&p->kept, here, kept);
    LAC_TRY(list(&p->images, folders, "images", here));
    LAC_TRY(list(&p->reference, folders, "reference", here));
    return list(&p->masks, folders, "masks", here);
}

lac_status lac_picture_files_open(lac_picture_files *p, const json_t *summary, const char *stem)
{
    char *here;
    *p = (lac_picture_files){ NULL };
    LAC_TRY(lac_path_folder(&here, stem));
    const lac_status s = find(p, summary, here);
    free(here);
    if (s != LAC_OK)
        lac_picture_files_close(p);
    return s;
}

void lac_picture_files_close(lac_picture_files *p)
{
    free(p->kept);
    json_decref(p->images);
    json_decref(p->reference);
    json_decref(p->masks);
    *p = (lac_picture_files){ NULL };
}

/* ---- both ---- */

lac_status lac_picture_file(const lac_picture_files *p, lac_picture_part part, const char *method, const char *id, json_t **path)
{
    const char *const name[] = { method, "reference", "masks" };
    const json_t *const paths[] = { p->images, p->reference, p->masks };
    char *kept;
    if (p->kept == NULL) {
        json_t *found = json_object_get(paths[part], id);
        *path = found != NULL ? json_incref(found) : json_null();
        return LAC_OK;
    }
    LAC_TRY(lac_kept_path(&kept, p->kept, name[part], id));
    *path = json_string(kept);
    free(kept);
    return *path != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for the path of a picture");
}
