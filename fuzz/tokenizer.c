/* Any bytes at all as a tokenizer's file and as a text. The first letter chooses: t, w a text for the small files of either kind below; j, m, v a vocabulary
 * or merges; f, g a tokenizer.json of either kind; z, o OpenAI's merges for CLIP, as the packed file and as what is packed in it; p a text for small ones. What opens has its ids in order, and encodes any text. */
#include "core/text/tokenizer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char small_json[] = "{\"a\": 0, \"b\": 1, \"a</w>\": 2, \"ab\": 3, \"aba</w>\": 4, \"'s\": 5, \"<|startoftext|>\": 6, \"<|endoftext|>\": 7}";
static const char small_merges[] = "#\na b\nab a</w>\n";
static const char small_lines[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nab\n##b\n##a\n!\n";

static const char small_packed[] = "#version\na b\nab a</w>\n";

static char folder[64];

static void put(const char *name, const void *bytes, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void check_ids(const lac_tokenizer *t, const char *text, size_t size)
{
    int32_t narrow[16];
    int64_t ids[16], n = 0, counted = 0;
    const lac_tokenizer_ids special = lac_tokenizer_special(t);
    lac_error_clear();
    if (lac_tokenizer_encode(t, text, size, LAC_I64, 16, ids, &n) != LAC_OK) {
        if (strstr(lac_error_message(), "UTF-8") == NULL)
            abort();
        return;
    }
    if (lac_tokenizer_encode(t, text, size, LAC_I32, 16, narrow, NULL) != LAC_OK || lac_tokenizer_encode(t, text, size, LAC_I64, 0, NULL, &counted) != LAC_OK)
        abort();
    if (n != counted || n < 2 || ids[0] != special.start || ids[(n < 16 ? n : 16) - 1] != special.end || (n < 16 && ids[15] != special.pad))
        abort();
    for (int i = 0; i < 16; i++)
        if (ids[i] != narrow[i] || ids[i] < 0 || ids[i] >= special.size)
            abort();
}

static void check(const char *name, const char *text, size_t size)
{
    lac_tokenizer *t = NULL;
    lac_error_clear();
    const lac_status s = lac_tokenizer_open(&t, name, folder, NULL);
    if (s != LAC_OK && (t != NULL || lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
    if (s == LAC_OK) {
        check_ids(t, text, size);
        check_ids(t, "aba's ab!b <|EndOfText|>", 24);
    }
    lac_tokenizer_close(t);
}

static void remove_folder(void)
{
    static const char *const names[] = { "vocab.json", "merges.txt", "vocab.txt", "tokenizer.json", "bpe_simple_vocab_16e6.txt.gz" };
    char path[96];
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void put_packed(const char *text, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "%s/bpe_simple_vocab_16e6.txt.gz", folder);
    gzFile to = gzopen(path, "wb1");
    if (to == NULL || (size > 0 && gzwrite(to, text, (unsigned)size) != (int)size) || gzclose(to) != Z_OK)
        abort();
}

static void put_small(void)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/fuzz-tokenizer-XXXXXX");
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0)
            abort();
    }
    put("vocab.json", small_json, strlen(small_json));
    put("merges.txt", small_merges, strlen(small_merges));
    put("vocab.txt", small_lines, strlen(small_lines));
    put_packed(small_packed, strlen(small_packed));
}

/* It is read where the files that it stands for are not there. */
static void put_alone(const char *bytes, size_t size)
{
    remove_folder();
    if (mkdir(folder, 0700) != 0)
        abort();
    put("tokenizer.json", bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes + 1;
    if (size == 0)
        return 0;
    put_small();
    switch (bytes[0]) {
    case 'j': put("vocab.json", text, size - 1); break;
    case 'm': put("merges.txt", text, size - 1); break;
    case 'v': put("vocab.txt", text, size - 1); break;
    case 'z': put("bpe_simple_vocab_16e6.txt.gz", text, size - 1); break;
    case 'o': put_packed(text, size - 1); break;
    case 'f': case 'g': put_alone(text, size - 1); break;
    default: break;
    }
    check(strchr("zop", bytes[0]) != NULL && bytes[0] != '\0' ? "clip-openai" : bytes[0] == 'v' || bytes[0] == 'w' || bytes[0] == 'g' ? "wordpiece" : "clip-bpe", text, size - 1);
    return 0;
}
