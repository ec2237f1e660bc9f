/* lacuna doctor: what this machine has, and what `auto` means here. */
#include "cli/commands.h"

#include "core/backend.h"
#include "core/cpu/dnn.h"
#include "core/cpu/features.h"
#include "core/memory.h"
#include "core/resource.h"
#include "core/threads.h"
#include "data/set.h"
#include "train/run.h"

#include <glob.h>
#include <hdf5.h>
#include <inttypes.h>
#include <jansson.h>
#include <jpeglib.h>
#include <lua.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const char *yes(bool b) { return b ? "yes" : "no"; }

static void print_cpu(void)
{
    static const char *const levels[] = { "base", "v3 (AVX2)", "v4 (AVX-512)" };
    const double gib = 1.0 / (1 << 30);
    printf("cpu         %s\n", lac_cpu_model());
    printf("  kernels   %s\n", levels[lac_cpu_level_here()]);
    printf("  bf16      AMX %s, avx512_bf16 %s\n", yes(lac_cpu_has_amx_bf16()), yes(lac_cpu_has_avx512_bf16()));
    printf("  cores     %d physical, %ld online, %d threads in use\n", lac_cpu_physical_cores(), sysconf(_SC_NPROCESSORS_ONLN), lac_threads());
    printf("memory      %.1f GiB, %.1f GiB free\n", (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) * gib,
           (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) * gib);
}

/* Whether a GPU can be used, and with what; or why not. */
static void print_cuda(void)
{
    char text[2048];
    const lac_backend *b = lac_backend_load(), *started;
    if (b == NULL) {
        printf("cuda        no: %s\n", lac_error_message());
        return;
    }
    if (lac_backend_get(&started, "cuda") != LAC_OK)
        printf("cuda        no: %s\n", lac_error_message());
    b->describe(text, sizeof text);
    for (const char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        printf("%-11s %s\n", started != NULL && line == text ? "cuda" : "", line);
}

static lac_status print_auto(void)
{
    const lac_backend *b;
    lac_dtype d;
    json_t *config = json_pack("{ssss}", "device", "auto", "precision", "auto");
    const lac_status s = lac_run_device(config, &b, &d);
    json_decref(config);
    LAC_TRY(s);
    printf("auto        device %s, precision %s\n", b->name, lac_dtype_name(d));
    return LAC_OK;
}

static void print_libraries(void)
{
    unsigned major = 0, minor = 0, patch = 0;
    H5get_libversion(&major, &minor, &patch);
    printf("libraries   oneDNN %s, HDF5 %u.%u.%u, libpng %s, libjpeg-turbo %s, %s, Jansson %s\n", lac_dnn_version(), major, minor, patch,
           png_get_libpng_ver(NULL), TEXT(LIBJPEG_TURBO_VERSION), LUA_RELEASE, jansson_version_str());
}

static void print_resource(const char *label, const char *name)
{
    char *path;
    if (lac_resource(&path, name) == LAC_OK)
        printf("%-11s %s\n", label, path);
    else
        printf("%-11s missing: %s\n", label, lac_error_message());
    free(path);
}

static void print_set(const char *path)
{
    lac_set *set = NULL;
    if (lac_set_open(&set, path) == LAC_OK)
        printf("set         %s: %s, %" PRId64 " records, manifest %.12s\n", path, lac_set_name(set), lac_set_count(set), lac_set_hash(set));
    else
        printf("set         %s\n", lac_error_message());
    lac_set_close(set);
}

static lac_status print_sets(const char *folder)
{
    char *pattern;
    glob_t found = { 0 };
    LAC_TRY(lac_format(&pattern, "%s/*.h5", folder));
    if (glob(pattern, 0, NULL, &found) != 0)
        printf("set         none in '%s' (scripts/fetch-stamps and `lacuna pack stamps` make one)\n", folder);
    for (size_t i = 0; i < found.gl_pathc; i++)
        print_set(found.gl_pathv[i]);
    globfree(&found);
    free(pattern);
    return LAC_OK;
}

static lac_status examine(const char *sets)
{
    printf("lacuna      %s (%s)\n", lac_code_version(), lac_code_revision());
    print_cpu();
    print_cuda();
    LAC_TRY(print_auto());
    print_libraries();
    print_resource("configs", "configs-lua");
    print_resource("stamps", "data/stamps/manifest.tsv");
    print_resource("masks", "data/masks");
    return print_sets(sets);
}

int lac_cmd_doctor(int argc, char **argv)
{
    const char *sets = getenv("LACUNA_SETS");           /* as cli/locate.h looks for them */
    const lac_command command = { "lacuna doctor", NULL, 0, 0,
        "Prints CPU, memory, GPU, libraries, the program's own files, packed sets, and what `auto` means on this machine.\n"
        "Sets are looked for in $LACUNA_SETS, or in sets/.", NULL };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = examine(sets != NULL && sets[0] != '\0' ? sets : "sets");
    lac_words_free(&words);
    return lac_finish(s);
}
