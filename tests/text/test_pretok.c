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

/* What Hugging Face `tokenizers` makes of these texts with the published expressions
 * (tests/reference/pretokenizers.py). */
static void test_published(void) {
    pieces(ROMA_PRE_DEEPSEEK_LLM, "Hello, world!\n\r\nHi 123", "Hello|,| world|!|\n|\r|\n|Hi| |1|2|3|");
    pieces(ROMA_PRE_DEEPSEEK_LLM,
           "caf\xc3\xa9s \xe4\xbd\xa0\xe5\xa5\xbd"
           "7\xe4\xb8\xad 42",
           "caf|\xc3\xa9|s| |\xe4\xbd\xa0\xe5\xa5\xbd|7|\xe4\xb8\xad| |4|2|");
    pieces(ROMA_PRE_DEEPSEEK_LLM, "a  b   ", "a| | b|   |");
    pieces(ROMA_PRE_DEEPSEEK_LLM, "x\xe3\x80\x80\xe3\x80\x82y  \xed\x95\x9c\xea\xb8\x80",
           "x|\xe3\x80\x80\xe3\x80\x82|y|  |\xed\x95\x9c\xea\xb8\x80|");
    pieces(ROMA_PRE_DEEPSEEK_LLM,
           "\xc7\x85\xe2\x85\xa0 ~\xcc\x81 \xf0\x90\x90\x80"
           "a",
           "\xc7\x85|\xe2\x85\xa0| ~|\xcc\x81| \xf0\x90\x90\x80|a|");
    pieces(ROMA_PRE_DEEPSEEK_LLM, "\xc2\xbdx\xc2\xa0y", "\xc2\xbd|x|\xc2\xa0y|");
    pieces(ROMA_PRE_DEEPSEEK_CODER, "Hello, world!\n\r\nHi 123", "Hello|,| world|!|\n|\r|\n|Hi| |1|2|3|");
    pieces(ROMA_PRE_DEEPSEEK_CODER,
           "caf\xc3\xa9s \xe4\xbd\xa0\xe5\xa5\xbd"
           "7\xe4\xb8\xad 42",
           "caf\xc3\xa9s| |\xe4\xbd\xa0\xe5\xa5\xbd|7|\xe4\xb8\xad| |4|2|");
    pieces(ROMA_PRE_DEEPSEEK_CODER, "a  b   ", "a| | b|   |");
    pieces(ROMA_PRE_DEEPSEEK_CODER, "if (x+=1) {\xc2\xab}", "if| (|x|+=|1|)| {\xc2\xab}|");
    pieces(ROMA_PRE_DEEPSEEK_CODER,
           "\xcc\x81"
           "a \xe2\xb9\x92"
           "b",
           "\xcc\x81|a| |\xe2\xb9\x92|b|");
    pieces(ROMA_PRE_FALCON, "Hello, world!! 1234567 a12", "Hello|,| world|!!| |123|456|7| a|12|");
    pieces(ROMA_PRE_FALCON,
           "x\xc2\xb2y \xc2\xbd"
           "3456 \xd0\xbc",
           "x|\xc2|\xb2|y| \xc2|\xbd|345|6| \xd0|\xbc|");
    pieces(ROMA_PRE_FALCON, "a$b+c <=> ~", "a|$|b|+|c| |<=>| |~|");
    pieces(ROMA_PRE_FALCON, "don't 'LL", "don|'|t| |'|LL|");
    pieces(ROMA_PRE_FALCON, "  12  345 ", " | |12| | |345| |");
    pieces(ROMA_PRE_FALCON,
           "\xe2\xb9\x92x \xe1\x99\xady \xe1\x84\x9c"
           "9",
           "\xe2|\xb9|\x92|x| |\xe1\x99\xad|y| \xe1\x84\x9c|9|");
    pieces(ROMA_PRE_TEKKEN, "HelloWorld ABCdef XMLHttpRequest", "Hello|World| ABCdef| XMLHttp|Request|");
    pieces(ROMA_PRE_TEKKEN, "don't DON'T 1234", "don|'t| DON|'T| |1|2|3|4|");
    pieces(ROMA_PRE_TEKKEN, "a/b//\n\n/ x", "a|/b|//\n\n/| x|");
    pieces(ROMA_PRE_TEKKEN,
           "\xcc\x81"
           "a \xcc\x81"
           "A !\xcc\x81",
           "\xcc\x81"
           "a| \xcc\x81|A| !\xcc\x81|");
    pieces(ROMA_PRE_TEKKEN, "\xc3\x89TUDE \xc3\xa9tude \xc7\x85x", "\xc3\x89TUDE| \xc3\xa9tude| \xc7\x85x|");
    pieces(ROMA_PRE_TEKKEN,
           "\xe4\xbd\xa0"
           "A\xe5\xa5\xbd"
           "B \xca\xb0"
           "A",
           "\xe4\xbd\xa0"
           "A\xe5\xa5\xbd|B| \xca\xb0|A|");
    pieces(ROMA_PRE_TEKKEN,
           "A\xcc\x81"
           "BC\xcc\x81",
           "A\xcc\x81"
           "BC\xcc\x81|");
    pieces(ROMA_PRE_TEKKEN, "!!!\r\n/ \n  y", "!!!\r\n/| \n| | y|");
    pieces(ROMA_PRE_GPT4O, "HelloWorld's ABC'LLdef", "Hello|World's| ABC'LL|def|");
    pieces(ROMA_PRE_GPT4O, "don't DON'T 12345", "don't| DON'T| |123|45|");
    pieces(ROMA_PRE_GPT4O, "a/b//\n\n/ x", "a|/b|//\n\n/| x|");
    pieces(ROMA_PRE_GPT4O,
           "\xcc\x81'sA \xcc\x81"
           "A",
           "\xcc\x81's|A| \xcc\x81|A|");
    pieces(ROMA_PRE_GPT4O, "we'\xc5\xbf X'reY", "we'\xc5\xbf| X're|Y|");
    pieces(ROMA_PRE_GPT4O, "'s 'tis", "'s| '|tis|");
    pieces(ROMA_PRE_QWEN35,
           "a\xcc\x81"
           "b \xcc\x81"
           "c!\xcc\x81",
           "a\xcc\x81"
           "b| \xcc\x81"
           "c|!\xcc\x81|");
    pieces(ROMA_PRE_QWEN35, "don't 123", "don|'t| |1|2|3|");
    pieces(ROMA_PRE_QWEN35, "\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7 x\xcc\x81\xcc\x81y !\xcc\x81!",
           "\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7| x\xcc\x81\xcc\x81y| !|\xcc\x81|!|");
    pieces(ROMA_PRE_QWEN35, "a  b\n\n c", "a| | b|\n\n| c|");
    pieces(ROMA_PRE_QWEN35, "\t\xcc\x81", "\t\xcc\x81|");
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
    CHECK_EQ(roma_text_class('a'), TEXT_LOWER);
    CHECK_EQ(roma_text_class(0x1c5), TEXT_UPPER); /* a title case letter */
    CHECK_EQ(roma_text_class(0x4e00), TEXT_LETTER);
    CHECK_EQ(roma_text_class('7'), TEXT_NUMBER | TEXT_DIGIT);
    CHECK_EQ(roma_text_class(0x301), TEXT_MARK); /* marks are no letters */
    CHECK_EQ(roma_text_class(0x85), TEXT_SPACE);
    CHECK_EQ(roma_text_class('\r'), TEXT_SPACE | TEXT_NEWLINE);
    CHECK_EQ(roma_text_class(0x11DE2), TEXT_DIGIT);
    CHECK_EQ(roma_text_class('!'), TEXT_PUNCT | TEXT_DELIMITER);
    CHECK_EQ(roma_text_class('+'), TEXT_DELIMITER);
    CHECK_EQ(roma_text_class(0x2e52), TEXT_PUNCT); /* of Unicode 14 */
    CHECK_EQ(roma_text_class(0x111c9), TEXT_MARK | TEXT_DELIMITER);
    CHECK_EQ(roma_text_class(TEXT_BAD), 0);
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
    test_published();
    test_alphabet();
    test_utf8();
    test_nfc();
    test_nfc_sums();
    test_nfc_needed();
    return TEST_DONE();
}
