/* fuzz/file.h -- a fuzzer's bytes as a file, in a folder of this process, and what every error must be. */
#pragma once

#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FOLDER/NAME of this process; lives until eight more were made. */
static inline const char *fuzz_path(const char *name)
{
    static char folder[64], path[8][256];
    static int turn;
    char *p = path[turn++ % 8];
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/fuzz-%d", (int)getpid());
        mkdir(folder, 0700);
    }
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static inline const char *fuzz_file(const char *name, const void *bytes, size_t size)
{
    const char *path = fuzz_path(name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
    return path;
}

/* One line. */
static inline void fuzz_check(lac_status s)
{
    if (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
}
