/* Models in pipeline folders of diffusers: written here, read by models/inpainter_source.c. */
#include "models/inpainter.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "models/network_folder.h"

#include <stdlib.h>
#include <string.h>

/* What the pipeline has beside what is written, and does without. */
static const char *const absent[] = { "feature_extractor", "image_encoder", "safety_checker" };

static lac_status check(const lac_inpainter *ip)
{
    if (ip->def->pipeline == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "%s is no pipeline of diffusers", ip->def->name);
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++)
        if (ip->network[i].def != NULL && ip->network[i].def->folder == NULL)
            return LAC_FAIL(LAC_ERR_ARG, "its '%s' is the network '%s', which diffusers does not have", ip->def->role[i].name, ip->network[i].def->name);
    return LAC_OK;
}

/* ---- what it is made of ---- */

/* The pipeline asks the index which version of diffusers wrote it: older ones than this meant other defaults. */
#define VERSION "0.9.0"

static bool name_part(json_t *index, const char *part, const char *library, const char *class)
{
    return json_object_set_new(index, part, library != NULL ? json_pack("[s, s]", library, class) : json_pack("[n, n]")) == 0;
}

static bool name_parts(json_t *index, const lac_inpainter *ip, const json_t *scheduler)
{
    bool ok = name_part(index, "scheduler", "diffusers", json_string_value(json_object_get(scheduler, "_class_name")))
              && name_part(index, "tokenizer", ip->prompts.tokenizer != NULL ? "transformers" : NULL, ip->prompts.tokenizer != NULL ? lac_prompts_class(&ip->prompts) : NULL);
    for (int i = 0; ok && i < lac_inpainter_roles(ip->def); i++) {
        const lac_network_folder *f = ip->network[i].def != NULL ? ip->network[i].def->folder : NULL;
        ok = name_part(index, ip->def->role[i].name, f != NULL ? f->layout : NULL, f != NULL ? f->classes[0] : NULL);
    }
    for (size_t i = 0; ok && i < LAC_COUNT(absent); i++)
        ok = name_part(index, absent[i], NULL, NULL);
    return ok;
}

static lac_status make_index(const lac_inpainter *ip, const json_t *scheduler, json_t **index)
{
    *index = json_pack("{s:s, s:s, s:b}", "_class_name", ip->def->pipeline, "_diffusers_version", VERSION, "requires_safety_checker", 0);
    return *index != NULL && name_parts(*index, ip, scheduler) ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: model_index.json");
}

/* ---- writing ---- */

static lac_status write_networks(const char *folder, const lac_inpainter *ip, lac_dtype d)
{
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++) {
        char *path;
        if (ip->network[i].def == NULL)
            continue;
        LAC_TRY(lac_format(&path, "%s/%s", folder, ip->def->role[i].name));
        const lac_status s = lac_network_save_folder(path, &ip->network[i], d);
        free(path);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status write_tokenizer(const char *folder, const lac_prompts *p)
{
    char *path;
    if (p->tokenizer == NULL)
        return LAC_OK;
    LAC_TRY(lac_format(&path, "%s/tokenizer", folder));
    const lac_status s = lac_prompts_save_folder(p, path);
    free(path);
    return s;
}

static lac_status write_scheduler(const char *folder, const json_t *scheduler)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s/scheduler", folder));
    const lac_status s = lac_make_folders(path);
    free(path);
    return s == LAC_OK ? lac_config_write(folder, "scheduler/scheduler_config.json", scheduler) : s;
}

static lac_status save(const char *folder, const lac_inpainter *ip, lac_dtype d, const json_t *scheduler)
{
    json_t *index;
    LAC_TRY(lac_make_folders(folder));
    LAC_TRY(write_networks(folder, ip, d));
    LAC_TRY(write_tokenizer(folder, &ip->prompts));
    LAC_TRY(write_scheduler(folder, scheduler));
    lac_status s = make_index(ip, scheduler, &index);
    if (s == LAC_OK)
        s = lac_config_write(folder, "model_index.json", index);
    json_decref(index);
    return s;
}

lac_status lac_inpainter_save_folder(const char *path, const lac_inpainter *ip, lac_dtype d)
{
    json_t *scheduler = NULL;
    lac_status s = check(ip);
    if (s == LAC_OK)
        s = ip->def->scheduler(ip->config, &scheduler);
    if (s == LAC_OK)
        s = save(path, ip, d, scheduler);
    json_decref(scheduler);
    return lac_context(s, "writing '%s'", path);
}
