/* The pre-tokenizers, piece by piece, and the tables below them. */
#include "../test.h"
#include "text/text.h"

static void pieces(unsigned pre, const char *text, const char *want) {
    char got[1024];
    size_t n = 0, len;
    const uint8_t *piece;
    roma_text_pre s;
    roma_text_pre_init(&s, pre, text, strlen(text));
    while (roma_text_pre_next(&s, &piece, &len)) {
        memcpy(got + n, piece, len);
        n += len;
        got[n++] = '|';
    }
    got[n] = 0;
    CHECK_STR(got, want);
}

static void test_gpt2(void) {
    const unsigned p = ROMA_PRE_GPT2;
    pieces(p, "Hello world", "Hello| world|");
    pieces(p, "it's IT'S we'll", "it|'s| IT|'|S| we|'ll|");
    pieces(p, "a  b   c", "a| | b|  | c|");
    pieces(p, "a \t b", "a| \t| b|");
    pieces(p, "a\n\nb\n", "a|\n|\n|b|\n|");
    pieces(p, "x  ", "x|  |");
    pieces(p, "abc123 45!? ?!", "abc|123| 45|!?| ?!|");
    pieces(p,
           "\xc2\xa0"
           "a",
           "\xc2\xa0|a|");
    pieces(p, "caf\xc3\xa9s", "caf\xc3\xa9s|");
    pieces(p,
           "a\xff\xfe"
           "b",
           "a|\xff\xfe|b|");
    pieces(p, "'", "'|");
    pieces(p, "", "");
}

static void test_smollm(void) {
    const unsigned p = ROMA_PRE_SMOLLM;
    pieces(p, "abc123 45", "abc|1|2|3| |4|5|");
    pieces(p, "a  1", "a|  |1|");
    pieces(p, "1 a", "1| a|");
    pieces(p, "'s1's", "'s|1|'s|");
    pieces(p, "\xc2\xbd\xe0\xa5\xaa", "\xc2\xbd|\xe0\xa5\xaa|"); /* 1/2, Devanagari four */
    pieces(p, "!\xf0\x91\xb7\xa2!", "!|\xf0\x91\xb7\xa2|!|");    /* U+11DE2, of Unicode 17 */
    pieces(ROMA_PRE_GPT2, "!\xf0\x91\xb7\xa2!", "!\xf0\x91\xb7\xa2!|");
}

static void test_llama3(void) {
    const unsigned p = ROMA_PRE_LLAMA3;
    pieces(p, "Hello, world!\n\nHi", "Hello|,| world|!\n\n|Hi|");
    pieces(p, "it's IT'S'LLx", "it|'s| IT|'S|'LL|x|");
    pieces(p, "'\xc5\xbfx", "'\xc5\xbf|x|"); /* the long s folds to s */
    pieces(p, "12345678", "123|456|78|");
    pieces(p, "\tif (x)", "\tif| (|x|)|");
    pieces(p, "a   b", "a|  | b|");
    pieces(p, "a \n \n  b", "a| \n \n| | b|");
    pieces(p, "a\r\n\r\nb", "a|\r\n\r\n|b|");
    pieces(p, "   ", "   |");
    pieces(p, "(a-b)", "(a|-b|)|");
    pieces(p, "\n a", "\n| a|");
    pieces(p, " 1", " |1|");
    pieces(p,
           "\xff"
           "ab\xff",
           "\xff"
           "ab|\xff|");
}

static void test_qwen2(void) {
    const unsigned p = ROMA_PRE_QWEN2;
    pieces(p, "12345 6", "1|2|3|4|5| |6|");
    pieces(p, "don't", "don|'t|");
    pieces(p, "a.b\n", "a|.b|\n|");
}

static void test_alphabet(void) {
    bool seen[0x200] = {false};
    for (unsigned b = 0; b < 256; b++) {
        const uint32_t c = roma_text_alphabet_char((uint8_t)b);
        CHECK(c < 0x200 && !seen[c]);
        seen[c] = true;
        CHECK_EQ(roma_text_alphabet_byte(c), b);
    }
    CHECK_EQ(roma_text_alphabet_char(' '), 0x120);
    CHECK_EQ(roma_text_alphabet_byte(0x144), -1);
    CHECK_EQ(roma_text_alphabet_byte(' '), -1);
    CHECK_EQ(roma_text_alphabet_byte(TEXT_BAD), -1);
}

static void test_utf8(void) {
    unsigned n;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t s[4];
        const unsigned len = roma_text_utf8_put(c, s);
        const uint32_t got = roma_text_utf8(s, s + len, &n);
        if (c >= 0xd800 && c < 0xe000 ? got != TEXT_BAD || n != 1 : got != c || n != len) {
            TEST_FAILED("U+%04X comes back as %x, length %u of %u", c, got, n, len);
            return;
        }
        if (len > 1 && roma_text_utf8(s, s + len - 1, &n) != TEXT_BAD)
            TEST_FAILED("U+%04X is taken without its last byte", c);
    }
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xff",
                                      "\xc3\x28"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const uint8_t *s = (const uint8_t *)bad[i];
        CHECK_EQ(roma_text_utf8(s, s + strlen(bad[i]), &n), TEXT_BAD);
        CHECK_EQ(n, 1);
    }
    CHECK_EQ(roma_text_class('a'), TEXT_LETTER);
    CHECK_EQ(roma_text_class('7'), TEXT_NUMBER);
    CHECK_EQ(roma_text_class(0x301), TEXT_OTHER); /* marks are no letters */
    CHECK_EQ(roma_text_class(0x85), TEXT_SPACE);
    CHECK_EQ(roma_text_class('\r'), TEXT_NEWLINE);
    CHECK_EQ(roma_text_class(0x11DE2), TEXT_NUMBER_NEW);
    CHECK_EQ(roma_text_class(TEXT_BAD), TEXT_OTHER);
}

static void nfc(const char *text, const char *want) {
    char *out;
    size_t n;
    CHECK_EQ(roma_text_nfc(text, strlen(text), &out, &n, NULL), 0);
    CHECK(n == strlen(want) && memcmp(out, want, n) == 0);
    if (strcmp(text, want) != 0) CHECK(roma_text_nfc_needed(text, strlen(text)));
    roma_free(out);
}

static void test_nfc(void) {
    nfc("", "");
    nfc("plain", "plain");
    nfc("e\xcc\x81", "\xc3\xa9");
    nfc("\xe2\x84\xab", "\xc3\x85");                  /* Angstrom sign */
    nfc("a\xcc\x88\xcc\xa3", "\xe1\xba\xa1\xcc\x88"); /* marks are ordered first */
    /* Orders 202, 230, 220, of which the first two stand right; as Python's unicodedata has them. */
    nfc("a\xcc\xa7\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\xa7\xcc\x81");
    nfc("q\xcc\xa7\xcc\x81\xcc\xa3", "q\xcc\xa7\xcc\xa3\xcc\x81");
    nfc("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"); /* Hangul L V T */
    nfc("\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81");             /* LV T */
    nfc("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");             /* excluded from composition */
    nfc("\xe0\xa7\x87\xe0\xa6\xbe", "\xe0\xa7\x8b");             /* a starter that joins */
    nfc("\xff"
        "e\xcc\x81\xfe\xcc\x81",
        "\xff\xc3\xa9\xfe\xcc\x81"); /* bad bytes stay and join nothing */
    CHECK(!roma_text_nfc_needed("caf\xc3\xa9 \xe6\xbc\xa2\xea\xb0\x81", 12));
    /* Every decomposition comes back, or was excluded and stays apart for good. */
    for (size_t i = 0; i < roma_text_n_decomp; i++) {
        uint8_t s[8];
        const unsigned n = roma_text_utf8_put(roma_text_decomp[i].c, s);
        char *once, *twice;
        size_t n1, n2;
        CHECK_EQ(roma_text_nfc((char *)s, n, &once, &n1, NULL), 0);
        CHECK_EQ(roma_text_nfc(once, n1, &twice, &n2, NULL), 0);
        CHECK(n1 == n2 && memcmp(once, twice, n1) == 0);
        roma_free(once);
        roma_free(twice);
    }
}

/* The first eight bytes of the SHA-256 of the text in normal form C. */
static uint64_t nfc_sum(const uint8_t *text, size_t len) {
    char *out;
    size_t n;
    uint8_t sum[32];
    uint64_t first = 0;
    roma_sha256 h;
    CHECK_EQ(roma_text_nfc((const char *)text, len, &out, &n, NULL), 0);
    roma_sha256_init(&h);
    roma_sha256_update(&h, out, n);
    roma_sha256_final(&h, sum);
    for (int i = 0; i < 8; i++) first = first << 8 | sum[i];
    roma_free(out);
    return first;
}

/* Every character by itself, and long runs of characters that join and of marks: sums.py has the same texts, and
 * the numbers from Python's unicodedata. */
static void test_nfc_sums(void) {
    static const struct {
        uint32_t first, n;
    } range[] = {{0x61, 26},    {0x300, 112},  {0x1100, 19}, {0x1161, 21}, {0x11A7, 28},  {0xAC00, 11172},
                 {0x900, 240},  {0x1E00, 512}, {0x5B0, 20},  {0x64B, 18},  {0x9BE, 32},   {0xF71, 20},
                 {0x11080, 96}, {0xC0, 384},   {0x2126, 6},  {0xFB1D, 50}, {0x1D15E, 16}, {0x304B, 80}};
    uint8_t *text = malloc(5 * 0x110000);
    size_t n = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000) continue;
        n += roma_text_utf8_put(c, text + n);
        text[n++] = '\n';
    }
    CHECK_EQ(nfc_sum(text, n), UINT64_C(0x9cc65524a9d8082b));
    uint64_t x = 1;
    n = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const size_t r = (size_t)(x >> 40) % (sizeof range / sizeof *range);
        n += roma_text_utf8_put(range[r].first + (uint32_t)((x >> 46) % range[r].n), text + n);
    }
    CHECK_EQ(nfc_sum(text, n), UINT64_C(0xb141b334e32eb65e));
    free(text);
}

/* Where a character changes, alone or behind a letter, the text is said to need it. */
static void test_nfc_needed(void) {
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t s[8] = {'a'};
        char *out;
        size_t n1;
        if (c >= 0xd800 && c < 0xe000) continue;
        const size_t n = 1 + roma_text_utf8_put(c, s + 1);
        if (roma_text_nfc_needed((char *)s, n)) continue;
        CHECK_EQ(roma_text_nfc((char *)s, n, &out, &n1, NULL), 0);
        CHECK(n1 == n && memcmp(out, s, n) == 0);
        roma_free(out);
    }
}

int main(void) {
    test_gpt2();
    test_smollm();
    test_llama3();
    test_qwen2();
    test_alphabet();
    test_utf8();
    test_nfc();
    test_nfc_sums();
    test_nfc_needed();
    return TEST_DONE();
}
