/* Tokenizers, and what they stand on. Ids themselves are held against transformers' in tests/golden/probe (test_probe_golden.c); here: the
 * sets of code points and normal forms beside utf8proc's own, files that lie, long texts, memory that runs out, threads. */
#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/text/category.h"
#include "core/text/codes.h"
#include "core/text/tokenizer.h"
#include "tests/harness/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

static char category(uint32_t code) { return utf8proc_category_string((int32_t)code)[0]; }
static bool is_mark(uint32_t code) { return utf8proc_category((int32_t)code) == UTF8PROC_CATEGORY_MN; }
static bool is_surrogate(uint32_t code) { return code >= 0xD800 && code < 0xE000; }

/* utf8proc may know fewer characters than a table (then they are unassigned there) or more than one of an older Unicode. */
LAC_TEST(sets_of_code_points_are_those_of_some_unicode)
{
    for (uint32_t c = 0; c < 0x110000; c++) {
        const bool other = category(c) == 'C', sign = c < 128 && strchr("$+<=>^`|~", (int)c) != NULL && c != 0;
        if (is_surrogate(c))
            continue;
        LAC_CHECK(!lac_code_is(LAC_CODE_LETTER, c) || category(c) == 'L' || other);
        LAC_CHECK(!lac_code_is(LAC_CODE_NUMBER, c) || category(c) == 'N' || other);
        LAC_CHECK(!lac_code_is(LAC_CODE_DROPPED, c) || other || c == 0xFFFD);
        LAC_CHECK(!lac_code_is(LAC_CODE_ACCENT, c) || is_mark(c) || c == 0x1734);           /* Mn before Unicode 14 */
        LAC_CHECK(!lac_code_is(LAC_CODE_PUNCTUATION, c) || category(c) == 'P' || sign || c == 0x166D || c == 0x111C9);      /* P before 12, 11 */
        LAC_CHECK(!lac_code_is(LAC_CODE_MOVES, c) || utf8proc_get_property((int32_t)c)->combining_class != 0);
        if (c < 0x860) {                    /* old enough for all */
            LAC_CHECK(lac_code_is(LAC_CODE_LETTER, c) == (category(c) == 'L') && lac_code_is(LAC_CODE_NUMBER, c) == (category(c) == 'N'));
            LAC_CHECK(lac_code_is_space(c) == (category(c) == 'Z' || (c >= 9 && c <= 13) || c == 0x85));
        }
    }
}

/* Letters, Hangul and marks, among them rows of marks; what Unicode 9 does not have is left out. */
static uint32_t old_code(lac_stream *draw)
{
    static const uint32_t marks[] = { 0x300, 0x301, 0x302, 0x307, 0x308, 0x30A, 0x315, 0x316, 0x31B, 0x323, 0x327, 0x328, 0x331, 0x334, 0x338, 0x345, 0x5B0, 0x5C1,
                                      0x64B, 0x651, 0x93C, 0x94D, 0x3099, 0x309A };
    const uint32_t sort = lac_stream_below(draw, 8), r = lac_stream_below(draw, 1u << 30);
    if (sort < 4)
        return marks[r % LAC_COUNT(marks)];
    return sort == 4 ? 0xC0 + r % 0x1C0 : sort == 5 ? 0xAC00 + r % 11172 : sort == 6 ? 0x1100 + r % 0xC3 : 0x1E00 + r % 0x100;
}

static void check_form(const lac_codes *ours, const char *text, utf8proc_option_t option)
{
    lac_codes theirs = { 0 };
    uint8_t *form;
    const utf8proc_ssize_t n = utf8proc_map((const uint8_t *)text, 0, &form, option | UTF8PROC_STABLE | UTF8PROC_NULLTERM);
    LAC_CHECK(n >= 0);
    LAC_CHECK_STATUS(lac_codes_read(&theirs, (const char *)form, (size_t)n));
    LAC_CHECK(ours->n == theirs.n && memcmp(ours->at, theirs.at, (size_t)ours->n * sizeof *ours->at) == 0);
    lac_codes_free(&theirs);
    free(form);
}

LAC_TEST(normal_forms_are_utf8procs)
{
    lac_stream draw = lac_stream_at(7, 0, 0, 0);
    for (uint32_t k = 0; k < 2000; k++) {
        char text[256];
        size_t size = 0;
        lac_codes c = { 0 };
        for (uint32_t i = 0; i < 40; i++)
            size += (size_t)lac_code_write(old_code(&draw), text + size);
        text[size] = '\0';
        LAC_CHECK_STATUS(lac_codes_read(&c, text, size));
        LAC_CHECK_STATUS(lac_codes_decompose(&c));
        check_form(&c, text, UTF8PROC_DECOMPOSE);
        LAC_CHECK_STATUS(lac_codes_read(&c, text, size));
        LAC_CHECK_STATUS(lac_codes_compose(&c));
        check_form(&c, text, UTF8PROC_COMPOSE);
        lac_codes_free(&c);
    }
}

LAC_TEST(lower_case_looks_at_no_neighbour)
{
    lac_codes c = { 0 };
    static const uint32_t want[] = { 'i', 0x307, 0x3C3, 0x3C3, 0xDF, 0x10D85, 0x264 };
    LAC_CHECK_STATUS(lac_codes_read(&c, "\u0130\u03A3\u03A3\u1E9E\U00010D65\uA7CB", 2 + 2 + 2 + 3 + 4 + 3));
    LAC_CHECK_STATUS(lac_codes_lower(&c));
    LAC_CHECK(c.n == LAC_COUNT(want) && memcmp(c.at, want, sizeof want) == 0);
    lac_codes_free(&c);
}

static lac_tokenizer *open_golden(const char *name, const char *folder)
{
    lac_tokenizer *t = NULL;
    char *path;
    LAC_CHECK_STATUS(lac_format(&path, "%s/%s", lac_test_golden("text"), folder));
    LAC_CHECK_STATUS(lac_tokenizer_open(&t, name, path, NULL));
    free(path);
    return t;
}

static lac_tokenizer *open_clip(void) { return open_golden("clip-bpe", "clip"); }
static lac_tokenizer *open_bert(void) { return open_golden("wordpiece", "bert"); }

LAC_TEST(ids_are_cut_and_filled_in_both_widths)
{
    lac_tokenizer *t = open_clip();
    const lac_tokenizer_ids s = lac_tokenizer_special(t);
    int64_t all[12], cut[4], two[2], n = 0, counted = 0;
    int32_t narrow[12];
    LAC_CHECK(strcmp(lac_tokenizer_name(t), "clip-bpe") == 0 && s.end == s.start + 1 && s.pad == s.end && s.unknown == s.end && s.size == s.end + 1);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "a cat, a", 8, LAC_I64, 12, all, &n));
    LAC_CHECK(n == 6 && all[0] == s.start && all[1] == all[4] && all[5] == s.end && all[6] == s.pad && all[11] == s.pad);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "a cat, a", 8, LAC_I32, 12, narrow, NULL));
    for (int i = 0; i < 12; i++)
        LAC_CHECK(narrow[i] == all[i]);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "a cat, a", 8, LAC_I64, 4, cut, &n));
    LAC_CHECK(n == 6 && memcmp(cut, all, 3 * sizeof *cut) == 0 && cut[3] == s.end);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "a cat, a", 8, LAC_I64, 2, two, NULL));
    LAC_CHECK(two[0] == s.start && two[1] == s.end);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "a cat, a", 8, LAC_I64, 0, NULL, &counted));
    LAC_CHECK(counted == 6);
    LAC_CHECK_FAILS(lac_tokenizer_encode(t, "a", 1, LAC_I64, 1, two, NULL), LAC_ERR_ARG, "length of 2");
    LAC_CHECK_FAILS(lac_tokenizer_encode(t, "a", 1, LAC_F32, 2, two, NULL), LAC_ERR_ARG, "i32 or i64");
    LAC_CHECK_FAILS(lac_tokenizer_encode(t, "ab\xff", 3, LAC_I64, 2, two, NULL), LAC_ERR_FORMAT, "not UTF-8 at byte 2");
    lac_tokenizer_close(t);
}

static void *encode_often(void *context)
{
    const lac_tokenizer *t = context;
    static const char text[] = "A photo of the caf\u00e9, it's 1920";
    int64_t ids[77], first[77];
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, text, strlen(text), LAC_I64, 77, first, NULL));
    for (int i = 0; i < 300; i++) {
        LAC_CHECK_STATUS(lac_tokenizer_encode(t, text, strlen(text), LAC_I64, 77, ids, NULL));
        if (memcmp(ids, first, sizeof ids) != 0)
            return context;
    }
    return NULL;
}

LAC_TEST(threads_share_a_tokenizer)
{
    lac_tokenizer *t[2] = { open_clip(), open_bert() };
    for (int k = 0; k < 2; k++) {
        pthread_t thread[4];
        void *bad;
        for (int i = 0; i < 4; i++)
            LAC_CHECK(pthread_create(&thread[i], NULL, encode_often, t[k]) == 0);
        for (int i = 0; i < 4; i++)
            LAC_CHECK(pthread_join(thread[i], &bad) == 0 && bad == NULL);
        lac_tokenizer_close(t[k]);
    }
}

/* `part` again and again: `times` of it, and how many ids that makes. */
static int64_t count_of(const lac_tokenizer *t, const char *part, size_t times)
{
    char *text;
    int64_t n;
    const size_t size = strlen(part);
    LAC_CHECK_STATUS(lac_malloc((void **)&text, size * times));
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * size, part, size);
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, text, size * times, LAC_I64, 0, NULL, &n));
    free(text);
    return n;
}

/* Whoever is quadratic in one of these takes hours. */
LAC_TEST(texts_of_megabytes_take_as_long_as_they_are)
{
    lac_tokenizer *clip = open_clip(), *bert = open_bert();
    LAC_CHECK(count_of(clip, "a", 1 << 20) > (1 << 16));                        /* one word */
    LAC_CHECK(count_of(clip, "the cat ", 1 << 17) == 2 + 2 * (1 << 17));
    LAC_CHECK(count_of(clip, "<|endoftext|>", 1 << 16) == 2 + (1 << 16));
    LAC_CHECK(count_of(clip, "<|EndOfText|>", 1 << 14) > (1 << 14));
    LAC_CHECK(count_of(clip, "\u0301\u0323", 1 << 18) > (1 << 18));             /* marks in the worst order */
    LAC_CHECK(count_of(clip, "\u1100\u1161", 1 << 16) > (1 << 16));
    LAC_CHECK(count_of(bert, "a", 1 << 20) == 3);
    LAC_CHECK(count_of(bert, "a\u0301\u0323", 1 << 17) == 3);
    LAC_CHECK(count_of(bert, "the cat, ", 1 << 17) == 2 + 3 * (1 << 17));
    LAC_CHECK(count_of(bert, "\u4e00", 1 << 16) == 2 + (1 << 16));
    lac_tokenizer_close(clip), lac_tokenizer_close(bert);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path;
    LAC_CHECK_STATUS(lac_format(&path, "%s/%s", folder, name));
    LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text)));
    free(path);
}

#define SPECIAL "\"<|startoftext|>\": 10, \"<|endoftext|>\": 11"

static void refuse_clip(const char *vocab, const char *merges, lac_status status, const char *word)
{
    lac_tokenizer *t = NULL;
    const char *folder = lac_test_folder();
    write_file(folder, "vocab.json", vocab);
    write_file(folder, "merges.txt", merges);
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, "clip-bpe", folder, NULL), status, word);
    LAC_CHECK(t == NULL && strchr(lac_error_message(), '\n') == NULL);
}

LAC_TEST(clip_files_that_lie_are_refused)
{
    refuse_clip("{\"a\": 1, ", "#\n", LAC_ERR_FORMAT, "not JSON");
    refuse_clip("", "#\n", LAC_ERR_FORMAT, "not JSON");
    refuse_clip("[1]", "#\n", LAC_ERR_FORMAT, "not a table");
    refuse_clip("{}", "#\n", LAC_ERR_FORMAT, "no tokens");
    refuse_clip("{\"a\": 1, \"a\": 2, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "duplicate");
    refuse_clip("{\"a\": 1, \"b\": 1, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "same id 1");
    refuse_clip("{\"a\": -1, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "id of 'a'");
    refuse_clip("{\"a\": 2147483647, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "id of 'a'");
    refuse_clip("{\"a\": 1.0, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "id of 'a'");
    refuse_clip("{\"a\": \"1\", " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "id of 'a'");
    refuse_clip("{\"\xff\": 1, " SPECIAL "}", "#\n", LAC_ERR_FORMAT, "byte 0xff");
    refuse_clip("{\"a\": 1, \"<|endoftext|>\": 2}", "#\n", LAC_ERR_FORMAT, "no token '<|startoftext|>'");
    refuse_clip("{\"a\": 1, \"<|startoftext|>\": 2}", "#\n", LAC_ERR_FORMAT, "no token '<|endoftext|>'");
    refuse_clip("{" SPECIAL "}", "", LAC_ERR_FORMAT, "header");
    refuse_clip("{\"a\": 1, \"ab\": 2, " SPECIAL "}", "#\na b\n", LAC_ERR_FORMAT, "line 2: 'a b' is of a token");
    refuse_clip("{\"a\": 1, \"b\": 2, " SPECIAL "}", "#\na b\n", LAC_ERR_FORMAT, "line 2: it makes 'ab'");
    refuse_clip("{\"a\": 1, \"aa\": 2, " SPECIAL "}", "#\na a\na a\n", LAC_ERR_FORMAT, "lines 2 and 3");
    refuse_clip("{\"a\": 1, \"aa\": 2, " SPECIAL "}", "#\na\n", LAC_ERR_FORMAT, "two tokens");
    refuse_clip("{\"a\": 1, \"aa\": 2, " SPECIAL "}", "#\na a a\n", LAC_ERR_FORMAT, "two tokens");
    refuse_clip("{\"a\": 1, \"aa\": 2, " SPECIAL "}", "#\n\na a\n", LAC_ERR_FORMAT, "line 2 is empty");
}

static void refuse_bert(const char *vocab, const char *word)
{
    lac_tokenizer *t = NULL;
    const char *folder = lac_test_folder();
    write_file(folder, "vocab.txt", vocab);
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, "wordpiece", folder, NULL), LAC_ERR_FORMAT, word);
    LAC_CHECK(t == NULL && strchr(lac_error_message(), '\n') == NULL);
}

LAC_TEST(wordpiece_files_that_lie_are_refused)
{
    refuse_bert("", "no tokens");
    refuse_bert("\n\n\n", "no tokens");
    refuse_bert("[PAD]\n[UNK]\n[CLS]\n", "[SEP]");
    refuse_bert("[PAD]\n[UNK]\n[SEP]\na\n", "[CLS]");
    refuse_bert("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "'a' is there twice, with the ids 4 and 6");
    refuse_bert("[PAD]\n[UNK]\n[CLS]\n[SEP]\n\xc3\n", "UTF-8");
}

/* ---- tokenizer.json ---- */

#define BPE_MODEL "\"type\": \"BPE\", \"unk_token\": \"<|endoftext|>\", \"end_of_word_suffix\": \"</w>\", \"vocab\": "
#define BPE_REST ", \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Replace\"}, {\"type\": \"Lowercase\"}]}, " \
                 "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\"}, {\"type\": \"ByteLevel\"}]}}"
#define PIECE_MODEL "\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100, \"vocab\": "
#define PIECE_REST(more) ", \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true, " \
                         "\"handle_chinese_chars\": true, " more "}}"

static void refuse_fast(const char *name, const char *text, const lac_tokenizer_options *o, lac_status status, const char *word)
{
    lac_tokenizer *t = NULL;
    const char *folder = lac_test_folder();
    write_file(folder, "tokenizer.json", text);
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, name, folder, o), status, word);
    LAC_CHECK(t == NULL && strchr(lac_error_message(), '\n') == NULL);
}

static void refuse_fast_clip(const char *vocab, const char *merges, const char *word)
{
    char *text;
    LAC_CHECK_STATUS(lac_format(&text, "{\"model\": {" BPE_MODEL "%s, \"merges\": %s}" BPE_REST, vocab, merges));
    refuse_fast("clip-bpe", text, NULL, LAC_ERR_FORMAT, word);
    free(text);
}

static void refuse_fast_bert(const char *vocab, const char *word)
{
    char *text;
    LAC_CHECK_STATUS(lac_format(&text, "{\"model\": {" PIECE_MODEL "%s}" PIECE_REST("\"lowercase\": true"), vocab));
    refuse_fast("wordpiece", text, NULL, LAC_ERR_FORMAT, word);
    free(text);
}

#define PIECES "{\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3}"

LAC_TEST(a_tokenizer_json_that_is_another_is_refused)
{
    refuse_fast("clip-bpe", "{", NULL, LAC_ERR_FORMAT, "tokenizer.json': not JSON");
    refuse_fast("clip-bpe", "[]", NULL, LAC_ERR_FORMAT, "'model.type' is '', should be 'BPE'");
    refuse_fast("clip-bpe", "{\"model\": {\"type\": \"Unigram\"}}", NULL, LAC_ERR_FORMAT, "'model.type' is 'Unigram', should be 'BPE'");
    refuse_fast("clip-bpe", "{\"model\": {" BPE_MODEL "{}, \"dropout\": 0.1}}", NULL, LAC_ERR_FORMAT, "'model.dropout' is 'a number'");
    refuse_fast("clip-bpe", "{\"model\": {" BPE_MODEL "{}}, \"normalizer\": {\"type\": \"NFC\"}}", NULL, LAC_ERR_FORMAT, "'normalizer.type' is 'NFC'");
    refuse_fast("clip-bpe", "{\"model\": {" BPE_MODEL "{}}, \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, 3]}}", NULL, LAC_ERR_FORMAT,
                "'normalizer.normalizers' is 'NFC ?', should be 'NFC Replace Lowercase'");
    refuse_fast("wordpiece", "{\"model\": {" PIECE_MODEL PIECES "}" PIECE_REST("\"lowercase\": true"), &(lac_tokenizer_options){ .keep_case = true }, LAC_ERR_CONFIG,
                "'normalizer.lowercase' is true, do_lower_case false");
    refuse_fast("wordpiece", "{\"model\": {" PIECE_MODEL PIECES "}" PIECE_REST("\"lowercase\": false"), NULL, LAC_ERR_CONFIG, "do_lower_case true");
    refuse_fast("wordpiece", "{\"model\": {" PIECE_MODEL PIECES "}" PIECE_REST("\"lowercase\": true, \"strip_accents\": false"), NULL, LAC_ERR_FORMAT, "strip_accents");
}

LAC_TEST(a_tokenizer_json_that_lies_is_refused)
{
    refuse_fast_clip("[]", "[]", "'model.vocab' is not a table");
    refuse_fast_clip("{" SPECIAL "}", "{}", "'model.merges' is no list");
    refuse_fast_clip("{" SPECIAL "}", "[[\"a\"]]", "no pair of tokens at place 1");
    refuse_fast_clip("{" SPECIAL "}", "[\"a b\", 7]", "no pair of tokens at place 2");
    refuse_fast_clip("{" SPECIAL "}", "[\"a\\nb\"]", "no pair of tokens at place 1");
    refuse_fast_clip("{" SPECIAL "}", "[[\"a\", \"b\"]]", "'a b' is of a token that the vocabulary does not have");
    refuse_fast_clip("{" SPECIAL "}}, \"added_tokens\": [{\"id\": 5}], \"model\": {", "[]", "duplicate");
    refuse_fast_bert("7", "'model.vocab' is not a table");
    refuse_fast_bert("{\"a\": 0.5}", "the id of 'a'");
    refuse_fast_bert("{\"a\": -1}", "the id of 'a'");
    refuse_fast_bert("{\"a\": 2000000000}", "the id of 'a'");
    refuse_fast_bert("{\"a\": 0, \"b\": 0}", "have the same id 0");
    refuse_fast_bert("{\"a\\nb\": 0}", "the token of id 0 holds a line's end");
    refuse_fast_bert("{\"a\": 0}}, \"added_tokens\": [{\"content\": \"x\"}], \"other\": {\"b\": 1", "without content or id");
    refuse_fast_bert("{\"a\": 0}}, \"added_tokens\": [{\"content\": \"x\", \"id\": 7}], \"other\": {\"b\": 1", "'x' is a word that was added");
}

/* Merges as older files have them; an id that no token has, and a special one that was added. */
LAC_TEST(a_tokenizer_json_is_read_where_the_files_lack)
{
    static const char clip[] = "{\"added_tokens\": [{\"content\": \"!\", \"id\": 20, \"special\": true}], \"model\": {" BPE_MODEL
                               "{\"a\": 0, \"b</w>\": 1, \"ab</w>\": 2, " SPECIAL "}, \"merges\": [\"a b</w>\"]}" BPE_REST;
    static const char bert[] = "{\"added_tokens\": [{\"content\": \"[MASK]\", \"id\": 9, \"special\": true}], \"model\": {" PIECE_MODEL
                               "{\"[SEP]\": 3, \"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"ab\": 6}}" PIECE_REST("\"lowercase\": true");
    lac_tokenizer *t;
    int64_t ids[6];
    const char *folder = lac_test_folder();
    write_file(folder, "vocab.json", "of another's, without merges.txt");
    write_file(folder, "tokenizer.json", clip);
    LAC_CHECK_STATUS(lac_tokenizer_open(&t, "clip-bpe", folder, &(lac_tokenizer_options){ .pad_token = "!" }));
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "AB", 2, LAC_I64, 6, ids, NULL));
    LAC_CHECK(ids[0] == 10 && ids[1] == 2 && ids[2] == 11 && ids[3] == 20 && lac_tokenizer_special(t).size == 21);
    lac_tokenizer_close(t);
    write_file(folder, "tokenizer.json", bert);
    LAC_CHECK_STATUS(lac_tokenizer_open(&t, "wordpiece", folder, NULL));
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "AB c", 4, LAC_I64, 6, ids, NULL));
    LAC_CHECK(ids[0] == 2 && ids[1] == 6 && ids[2] == 1 && ids[3] == 3 && ids[4] == 0 && lac_tokenizer_special(t).size == 10);
    lac_tokenizer_close(t);
}

LAC_TEST(files_that_are_not_there_are_named)
{
    lac_tokenizer *t = NULL;
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, "clip-bpe", "/nowhere", NULL), LAC_ERR_IO, "/nowhere/vocab.json");
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, "wordpiece", "/nowhere", NULL), LAC_ERR_IO, "/nowhere/vocab.txt");
    LAC_CHECK_FAILS(lac_tokenizer_open(&t, "wordpeice", "/nowhere", NULL), LAC_ERR_CONFIG, "did you mean 'wordpiece'");
    LAC_CHECK(t == NULL);
    lac_tokenizer_close(t);
}

/* Lines may end as on another system, and the file with empty ones; the padding may be any token. */
LAC_TEST(files_of_other_systems_are_read)
{
    lac_tokenizer *t;
    int64_t ids[6];
    const char *folder = lac_test_folder();
    write_file(folder, "vocab.json", "{\"a\": 0, \"b</w>\": 1, \"ab</w>\": 2, \"!\": 3, " SPECIAL "}");
    write_file(folder, "merges.txt", "#version\r\na b</w>\r\n\r\n\n");
    LAC_CHECK_STATUS(lac_tokenizer_open(&t, "clip-bpe", folder, &(lac_tokenizer_options){ .pad_token = "!" }));
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "AB !x", 5, LAC_I64, 6, ids, NULL));
    LAC_CHECK(ids[0] == 10 && ids[1] == 2 && ids[2] == 3 && ids[3] == 11 && ids[4] == 11 && ids[5] == 3);       /* x: unknown */
    lac_tokenizer_close(t);
}

LAC_TEST(equal_pairs_merge_from_the_left)
{
    lac_tokenizer *t;
    int64_t ids[6];
    const char *folder = lac_test_folder();
    write_file(folder, "vocab.json", "{\"a\": 0, \"aa\": 1, \"a</w>\": 2, " SPECIAL "}");
    write_file(folder, "merges.txt", "#\na a\n");
    LAC_CHECK_STATUS(lac_tokenizer_open(&t, "clip-bpe", folder, NULL));
    LAC_CHECK_STATUS(lac_tokenizer_encode(t, "aaaa", 4, LAC_I64, 6, ids, NULL));
    LAC_CHECK(ids[1] == 1 && ids[2] == 0 && ids[3] == 2 && ids[4] == 11);
    lac_tokenizer_close(t);
}

static lac_status open_and_encode(const char *name, const char *folder)
{
    lac_tokenizer *t = NULL;
    static const char text[] = "A caf\u00e9, a cat <|endoftext|>";
    int64_t ids[77];
    lac_status s = lac_tokenizer_open(&t, name, folder, NULL);
    if (s == LAC_OK)
        s = lac_tokenizer_encode(t, text, strlen(text), LAC_I64, 77, ids, NULL);
    LAC_CHECK(t != NULL || s != LAC_OK);
    lac_tokenizer_close(t);
    return s;
}

LAC_TEST(memory_that_runs_out_is_one_line)
{
    static const char *const folders[] = { "clip", "bert", "clip-fast", "bert-fast" };
    for (int k = 0; k < 4; k++) {
        char *folder;
        lac_status s = LAC_ERR_MEM;
        LAC_CHECK_STATUS(lac_format(&folder, "%s/%s", lac_test_golden("text"), folders[k]));
        for (int64_t n = 0; s != LAC_OK; n++) {
            lac_alloc_fail_after(n);
            s = open_and_encode(k % 2 ? "wordpiece" : "clip-bpe", folder);
            lac_alloc_fail_after(-1);
            LAC_CHECK(s == LAC_OK || (s == LAC_ERR_MEM && strstr(lac_error_message(), "memory") != NULL));
            LAC_CHECK(n < 1000);
        }
        free(folder);
    }
}
