/* lacuna verify: every record and part of packed sets read, decoded and compared. */
#include "cli/commands.h"

#include "data/set.h"

#include <inttypes.h>

static void complain(void *context, const char *name, const char *why)
{
    printf("%s: %s: %s\n", (const char *)context, name, why);
}

static lac_status verify_one(const char *path)
{
    lac_verified found;
    const lac_status s = lac_verify(path, complain, (void *)path, &found);
    if (s == LAC_OK && found.parts > 0)
        printf("%s: %" PRId64 " records and %" PRId64 " parts, all as packed\n", path, found.records, found.parts);
    else if (s == LAC_OK)
        printf("%s: %" PRId64 " records, all as packed\n", path, found.records);
    return s;
}

/* All are read even if one is bad; the message is the last bad one's. */
static lac_status verify_all(const lac_words *sets)
{
    lac_status s = LAC_OK;
    for (int i = 0; i < sets->n; i++) {
        const lac_status one = verify_one(sets->word[i]);
        if (one != LAC_OK && i + 1 < sets->n)
            fprintf(stderr, "lacuna: %s\n", lac_error_message());
        if (s == LAC_OK || one != LAC_OK)
            s = one;
    }
    return s;
}

int lac_cmd_verify(int argc, char **argv)
{
    const lac_command command = { "lacuna verify", "SET...", 1, -1,
        "Reads and decodes every record and part of each packed set, and compares its SHA-256 and the set's manifest hash: a line for\n"
        "each one that is not as it was packed.", NULL };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = verify_all(&words);
    lac_words_free(&words);
    return lac_finish(s);
}
