#include "core/cpu/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool leaf7(unsigned subleaf, unsigned *eax, unsigned *edx)
{
    unsigned b, c;
    return __get_cpuid_count(7, subleaf, eax, &b, &c, edx) != 0;
}

static lac_cpu_level level_of_cpu(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        return LAC_LEVEL_V4;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") ? LAC_LEVEL_V3 : LAC_LEVEL_BASE;
}

bool lac_cpu_has_avx512_bf16(void)
{
    unsigned eax, edx;
    return lac_cpu_level_here() == LAC_LEVEL_V4 && leaf7(1, &eax, &edx) && (eax >> 5 & 1) != 0;
}

bool lac_cpu_has_amx_bf16(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };      /* ARCH_REQ_XCOMP_PERM */
    unsigned eax, edx;
    return leaf7(0, &eax, &edx) && (edx >> 22 & 3) == 3 && (edx >> 24 & 1) != 0 && lac_cpu_has_avx512_bf16() &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#else
static lac_cpu_level level_of_cpu(void) { return LAC_LEVEL_BASE; }
bool lac_cpu_has_avx512_bf16(void) { return false; }
bool lac_cpu_has_amx_bf16(void) { return false; }
#endif

lac_cpu_level lac_cpu_level_here(void)
{
    static const char *const names[] = { "base", "v3", "v4" };
    const lac_cpu_level here = level_of_cpu();
    const char *asked = getenv("LAC_CPU_LEVEL");
    for (int i = 0; asked != NULL && i < (int)here; i++)
        if (strcmp(asked, names[i]) == 0)
            return (lac_cpu_level)i;
    return here;
}

const char *lac_cpu_model(void)
{
    static char model[128];
    char line[256];
    FILE *f = model[0] ? NULL : fopen("/proc/cpuinfo", "r");
    while (f != NULL && model[0] == '\0' && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL)
            snprintf(model, sizeof model, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"), strchr(line, ':') + 2);
    if (f != NULL)
        fclose(f);
    return model[0] ? model : "unknown CPU";
}

int lac_cpu_physical_cores(void)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    int cores = 0, siblings = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        sscanf(line, "cpu cores : %d", &cores);
        sscanf(line, "siblings : %d", &siblings);
    }
    if (f != NULL)
        fclose(f);
    const int online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 && siblings > cores ? (online + siblings / cores - 1) / (siblings / cores) : online;
}
