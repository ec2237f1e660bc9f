#include "data/pack_brushbench.h"

#include "data/mapping.h"

#include <string.h>

static lac_status pack_benchmark(lac_pack_job *j, const char *const *sources, int n)
{
    const lac_pack_brushbench_own *o = j->own;
    (void)sources, (void)n;
    if (o->root == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "pack brushbench wants --root, the folder of " LAC_MAPPING_FILE);
    const bool inside = o->task != NULL && strcmp(o->task, "inside") == 0;
    if (!inside && (o->task == NULL || strcmp(o->task, "outside") != 0))
        return LAC_FAIL(LAC_ERR_ARG, "pack brushbench wants --task inside or --task outside%s%.60s", o->task != NULL ? ", got " : "", o->task != NULL ? o->task : "");
    return lac_mapping_pack(j, o->root, (const char *const[]){ inside ? "inpainting_mask" : "outpainting_mask", NULL });
}

#define AT(member) offsetof(lac_pack_brushbench_own, member)
static const lac_pack_own_option options[] = {
    { "root", "FOLDER", "where " LAC_MAPPING_FILE " lies", LAC_FORMAT_TEXT, AT(root) },
    { "task", "TASK", "inside: the hole is the object; outside: it is the rest", LAC_FORMAT_TEXT, AT(task) },
    { NULL },
};

const lac_pack_format lac_format_brushbench = {
    .name = "brushbench", .about = "BrushBench: pictures with a hole and a caption each", .least = 0, .most = 0,
    .help = "Packs BrushBench: mapping_file.json, and the pictures that it names. Captions are the prompts, the split is test unless --split says otherwise.",
    .options = options, .own = sizeof(lac_pack_brushbench_own), .pack = pack_benchmark,
};
