#include "cli/weights_arg.h"

#include "cli/model_arg.h"
#include "core/file/folder.h"
#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An empty file of its own. */
static lac_status new_file(lac_weights_arg *a, const char **path)
{
    const char *folder = getenv("TMPDIR");
    char *name;
    LAC_TRY(lac_format(&name, "%s/lacuna-weights-XXXXXX", folder != NULL && folder[0] != '\0' ? folder : "/tmp"));
    const int fd = mkstemp(name);
    lac_status s = fd >= 0 ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot make '%s': %s", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (s == LAC_OK)
        s = lac_paths_add(&a->made, "", name);
    if (s != LAC_OK && fd >= 0)
        unlink(name);
    free(name);
    *path = s == LAC_OK ? a->made.item[a->made.n - 1] : NULL;
    return s;
}

static lac_status export_to(const char *path, const char *run)
{
    lac_loaded loaded;
    LAC_TRY(lac_run_load(&loaded, run, NULL));
    const lac_recipe *r = &loaded.trainer.recipe;
    const lac_status s = r->def->inpainter == NULL && r->prompts != NULL ? lac_network_save_with(path, &r->network[0], r->prompts, LAC_F32)
                         : LAC_FAIL(LAC_ERR_ARG, "run '%s' of recipe '%s' is no network for metrics", run, r->def->name);
    lac_loaded_close(&loaded);
    return s;
}

static lac_status add(lac_weights_arg *a, const char *word)
{
    const char *sign = strchr(word, '=');
    const char *path = NULL;
    char *given;
    if (sign == NULL || !lac_model_is_run(sign + 1) || lac_folder_has_weights(sign + 1))
        return lac_eval_weights_add(&a->weights, word);
    LAC_TRY(new_file(a, &path));
    LAC_TRY(lac_context(export_to(path, sign + 1), "--weights %.*s", (int)(sign - word), word));
    LAC_TRY(lac_format(&given, "%.*s=%s", (int)(sign - word), word, path));
    const lac_status s = lac_eval_weights_add(&a->weights, given);
    free(given);
    return s;
}

lac_status lac_weights_arg_open(lac_weights_arg *a, const lac_words *words)
{
    *a = (lac_weights_arg){ .weights = { NULL, 0, 0 } };
    for (int i = 0; i < words->n; i++)
        LAC_TRY(add(a, words->word[i]));
    return LAC_OK;
}

void lac_weights_arg_close(lac_weights_arg *a)
{
    for (int64_t i = 0; i < a->made.n; i++)
        unlink(a->made.item[i]);
    lac_paths_free(&a->made);
    lac_eval_weights_free(&a->weights);
}
