/* Nothing at all, given as NULL and 0, to every call that takes an array and its length: under the sanitizers (make
 * san) adding to NULL, copying from it and sorting it are faults. */
#include "../test.h"
#include "../text/small_vocab.h"
#include "roma/adapter.h"
#include "roma/chip.h"
#include "roma/cost.h"
#include "roma/image.h"
#include "roma/import.h"
#include "roma/json.h"
#include "roma/report.h"

static void test_base(void) {
    roma_buf b = {0};
    roma_reader r;
    roma_sha256 h;
    char text[8];
    uint8_t sum[32];
    double v = 7;
    roma_buf_append(&b, NULL, 0);
    CHECK(b.len == 0 && !b.failed);
    roma_buf_destroy(&b);
    roma_reader_init(&r, NULL, 0, 0);
    CHECK(roma_read_bytes(&r, 0) != NULL && roma_read_u8(&r) == 0 && r.failed);
    roma_sha256_init(&h);
    roma_sha256_update(&h, NULL, 0);
    roma_sha256_final(&h, sum);
    CHECK_EQ(sum[0], 0xe3); /* of the empty text */
    CHECK_EQ(roma_crc32c(0, NULL, 0), 0);
    CHECK(roma_hash64(NULL, 0) == roma_hash64("", 0));
    CHECK(!roma_real_read(NULL, 0, &v) && v > 6);
    CHECK_STR(roma_error_name(text, sizeof text, NULL, 0), "");
    roma_hex(text, NULL, 0);
    CHECK_STR(text, "");
}

static void test_json(void) {
    roma_json_reader r;
    roma_error err;
    uint64_t u;
    int64_t i;
    double d;
    roma_buf b = {0};
    CHECK_EQ(roma_json_read_begin(&r, NULL, 0, NULL, &err), 0);
    CHECK_EQ(roma_json_read_next(&r, &err), ROMA_EINPUT);
    roma_json_read_end(&r);
    CHECK(!roma_json_to_u64(NULL, 0, &u) && !roma_json_to_i64(NULL, 0, &i) && !roma_json_to_real(NULL, 0, &d));
    roma_json j = {.out = &b};
    roma_json_text(&j, NULL, NULL, 0);
    CHECK(b.len == 2 && memcmp(b.data, "\"\"", 2) == 0);
    roma_buf_destroy(&b);
}

static void test_files(void) {
    roma_chip c;
    roma_defects defects = {0};
    roma_image img;
    roma_adapter a;
    roma_import imp;
    roma_error err;
    CHECK(roma_chip_read(&c, NULL, 0, "x", &err) != 0);
    CHECK_EQ(roma_chip_open(&c, NULL, &err), 0);
    CHECK_EQ(roma_defects_read(&defects, &c, NULL, 0, "x", &err), 0);
    roma_defects_destroy(&defects);
    CHECK(roma_image_open_memory(&img, NULL, 0, 0, &err) != 0);
    CHECK(roma_adapter_open_memory(&a, NULL, 0, 0, &err) != 0);
    CHECK(roma_import_open_memory(&imp, NULL, 0, &err) != 0);
}

static void test_report(void) {
    roma_buf b = {0};
    roma_error err;
    roma_result list = {0};
    roma_timeline t = {.clock_hz = 1e9};
    roma_report_list_text(&list, &b);
    roma_report_list_json(&list, &(roma_json){.out = &b});
    roma_report_list_csv(&list, &b);
    roma_report_roofline_svg("x", NULL, 0, NULL, 0, &b);
    roma_report_bar_svg("x", "s", NULL, 0, &b);
    const int rc = roma_report_trace(&t, "x", 1 << 20, &b, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    CHECK(!b.failed);
    roma_buf_destroy(&b);
}

/* Texts and messages, in every template, beside others that are not empty. */
static void test_text(unsigned kind) {
    static small_vocab s;
    roma_tokenizer *t;
    roma_error err = {0};
    int32_t out[256];
    size_t n;
    kind == ROMA_TOK_BPE ? small_bpe(&s, ROMA_PRE_GPT2) : small_spm(&s);
    CHECK_EQ(roma_tokenizer_create(&t, &s.v, "x", &err), 0);
    if (!t) return;
    for (unsigned flags = 0; flags < 8; flags++) {
        CHECK_EQ(roma_tokenize(t, NULL, 0, flags, out, 256, &n, &err), 0);
        CHECK_EQ(roma_tokenize(t, NULL, 0, flags, NULL, 0, &n, &err), 0);
    }
    for (int k = 0; k < 32; k++)
        for (unsigned turn = 0; turn < 4; turn++) {
            const roma_message m[3] = {
                {ROMA_ROLE_SYSTEM, NULL, 0}, {ROMA_ROLE_USER, NULL, 0}, {ROMA_ROLE_ASSISTANT, NULL, 0}};
            const size_t first = turn & 1, last = turn & 2 ? 3 : 2;
            for (int reply = 0; reply < 2; reply++) {
                const int rc = roma_text_template_apply(t, (roma_template_kind)k, m + first, last - first, reply, out,
                                                        256, &n, &err);
                size_t counted;
                CHECK(rc == 0 || err.text[0]);
                if (!rc)
                    CHECK(roma_text_template_apply(t, (roma_template_kind)k, m + first, last - first, reply, NULL, 0,
                                                   &counted, &err) == 0 &&
                          counted == n);
            }
        }
    roma_tokenizer_destroy(t);
}

int main(void) {
    test_base();
    test_json();
    test_files();
    test_report();
    test_text(ROMA_TOK_BPE);
    test_text(ROMA_TOK_SPM);
    return TEST_DONE();
}
