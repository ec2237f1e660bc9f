/* Any bytes at all as a Python literal (first letter l), or a manifest of objects (anything else): values or an error of one line. */
#include "core/literal.h"
#include "data/object_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void check_error(lac_status s)
{
    if (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
}

static void check_manifest(const uint8_t *bytes, size_t size)
{
    lac_manifest m;
    if (path[0] == '\0')
        snprintf(path, sizeof path, "/tmp/fuzz-literal-%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
    check_error(lac_manifest_read(&m, path));
    lac_manifest_free(&m);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    json_t *value = NULL;
    lac_error_clear();
    if (size == 0 || bytes[0] != 'l') {
        check_manifest(bytes, size);
        return 0;
    }
    const lac_status s = lac_literal_parse(&value, (const char *)bytes + 1, size - 1);
    check_error(s);
    if (s == LAC_OK)
        json_decref(value);
    return 0;
}
