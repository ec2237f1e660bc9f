/* Any bytes at all as a Python literal (first letter l), or a manifest of objects (anything else): values or an error of one line. */
#include "core/literal.h"
#include "data/object_manifest.h"
#include "fuzz/file.h"

static void check_manifest(const uint8_t *bytes, size_t size)
{
    lac_manifest m;
    fuzz_check(lac_manifest_read(&m, fuzz_file("manifest", bytes, size)));
    lac_manifest_free(&m);
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
    fuzz_check(s);
    if (s == LAC_OK)
        json_decref(value);
    return 0;
}
