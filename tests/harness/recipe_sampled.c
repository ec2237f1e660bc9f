/* A recipe of tests: DeepFill's in all but what its grids, validation and files show, which is the sampler of harness/sampler.h. */
#include "tests/harness/program.h"
#include "tests/harness/sampler.h"

static lac_inpainter sampler;       /* of the process; its weights are never trained */

static void lend(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    (void)config;
    if (sampler.def == NULL && lac_inpainter_open(&sampler, &lac_test_sampler, NULL, NULL, r->backend, LAC_F32) != LAC_OK)
        sampler.def = NULL;
    *ip = sampler;
}

lac_status lac_test_sampled_register(void)
{
    static lac_recipe_def def;
    def = lac_recipe_deepfill;
    def.name = "sampled";
    def.inpainter = lend;
    return lac_recipe_register(&def);
}
