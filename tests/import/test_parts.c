/* Models on disk: one file, parts, inspection. */
#include "../test.h"
#include "gguf_spoil.h"

static char dir[] = "/tmp/roma-import-XXXXXX";

static void put(const char *name, const roma_buf *b) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f)) abort();
}

static int open_at(const char *name, roma_import *imp, roma_error *err) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    memset(err, 0, sizeof *err);
    return roma_import_open(imp, path, err);
}

/* Part `no` of 3: every third tensor; the first part has the metadata. */
static void make_part(b_file *f, unsigned no, const char *commands, const char *name) {
    const b_shape s = b_small("llama");
    roma_buf out = {0};
    char value[32];
    b_model(f, &s);
    for (unsigned i = f->n_tensors; i-- > 0;)
        if (i % 3 != no) sp_drop_tensor(f, &f->tensor[i]);
    if (no)
        while (f->n_keys) b_drop(f, f->key[0].key);
    snprintf(value, sizeof value, "u16 %u", no);
    b_add(f, "split.no", value);
    b_add(f, "split.count", "u16 3");
    b_add(f, "split.tensors.count", "i32 20");
    spoil(f, commands, &out);
    put(name, &out);
    roma_buf_destroy(&out);
    b_free(f);
}

static void make_parts(const char *second) {
    static b_file f;
    make_part(&f, 0, "", "m-00001-of-00003.gguf");
    make_part(&f, 1, second, "m-00002-of-00003.gguf");
    make_part(&f, 2, "", "m-00003-of-00003.gguf");
}

static void test_whole(void) {
    static b_file f;
    const b_shape s = b_small("qwen3");
    roma_buf out = {0};
    roma_import imp;
    roma_error err;
    b_model(&f, &s);
    b_write(&f, &out);
    put("whole.gguf", &out);
    CHECK_EQ(open_at("whole.gguf", &imp, &err), ROMA_OK);
    CHECK_EQ(imp.model.hyper.arch, ROMA_ARCH_QWEN3);
    roma_import_close(&imp);
    out.len--;
    put("cut.gguf", &out);
    CHECK_EQ(open_at("cut.gguf", &imp, &err), ROMA_EDAMAGED);
    CHECK(strstr(err.file, "cut.gguf") != NULL);
    CHECK_EQ(open_at("none.gguf", &imp, &err), ROMA_EINPUT);
    CHECK_EQ(open_at(".", &imp, &err), ROMA_EINPUT);
    roma_buf_destroy(&out);
    b_free(&f);
}

static void test_good_parts(void) {
    roma_import imp;
    roma_error err;
    float row[64];
    make_parts("");
    const int rc = open_at("m-00001-of-00003.gguf", &imp, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, ROMA_OK);
    if (rc) return;
    CHECK_EQ(imp.model.n_tensors, 20);
    CHECK_EQ(imp.vocab.n_tokens, 16);
    for (size_t i = 0; i < 20; i++) imp.model.tensors[i].read_floats(&imp.model.tensors[i], 0, (float[96]){0});
    imp.model.tensors[0].read_floats(&imp.model.tensors[0], 15, row);
    CHECK_EQ(roma_import_check_values(&imp, NULL, &err), ROMA_OK);
    roma_import_close(&imp);
}

/* What is done to the second part, and the message. */
static void test_bad_parts(void) {
    static const struct {
        const char *commands;
        int code;
        const char *text;
    } bad[] = {
        {"set split.no u16 2", ROMA_EINPUT, "mixed up"},
        {"drop split.no", ROMA_EINPUT, "mixed up"},
        {"set split.count u16 4", ROMA_EINPUT, "mixed up"},
        {"set split.no str 1", ROMA_EDAMAGED, "an integer is needed"},
        {"t.drop blk.0.attn_norm.weight", ROMA_EDAMAGED, "split.tensors.count is 20, but the parts hold 19"},
        {"t.name blk.0.attn_norm.weight output_norm.weight", ROMA_EDAMAGED, ""},
        {"t.name blk.0.attn_norm.weight token_embd.weight", ROMA_EDAMAGED, ""},
        {"cut -1", ROMA_EDAMAGED, "beyond the end"},
        {"cut 0", ROMA_EINPUT, "empty"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        roma_import imp;
        roma_error err;
        make_parts(bad[i].commands);
        CHECK_EQ(open_at("m-00001-of-00003.gguf", &imp, &err), bad[i].code);
        CHECK(strstr(err.text, bad[i].text) != NULL);
        if (!strstr(err.text, bad[i].text)) fprintf(stderr, "%s: %s\n", bad[i].commands, err.text);
    }
}

static void move(const char *from, const char *to) {
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/%s", dir, from);
    snprintf(b, sizeof b, "%s/%s", dir, to);
    if (rename(a, b)) abort();
}

static void test_names(void) {
    roma_import imp;
    roma_error err;
    make_parts("");
    CHECK_EQ(open_at("m-00002-of-00003.gguf", &imp, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "open the first part") != NULL);
    move("m-00003-of-00003.gguf", "away");
    CHECK_EQ(open_at("m-00001-of-00003.gguf", &imp, &err), ROMA_EINPUT);
    CHECK(strstr(err.file, "m-00003-of-00003.gguf") != NULL);
    move("m-00001-of-00003.gguf", "first.gguf");
    CHECK_EQ(open_at("first.gguf", &imp, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "must be named ...-00001-of-00003.gguf") != NULL);
}

static bool printed(const char *name, bool json, const char *text) {
    char path[128];
    roma_buf out = {0};
    roma_error err = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    const int rc = roma_gguf_print(path, &out, json, &err);
    roma_buf_append(&out, "", 1);
    const bool found = !rc && strstr((const char *)out.data, text) != NULL;
    if (!found) fprintf(stderr, "%s: not found: %s\n%s\n", name, text, rc ? err.text : (const char *)out.data);
    roma_buf_destroy(&out);
    return found;
}

static void test_print(void) {
    static b_file f;
    const b_shape s = b_small("llama");
    roma_buf out = {0};
    b_model(&f, &s);
    spoil(&f,
          "set general.architecture str gem\"\\ma;;set x.bad hex8 0300000000000000c3ff0a;;set x.nan f32 nan;;set x.i "
          "i8 -5;;set x.d f64 0.1;;"
          "set x.a [u8] 1 2 3 4 5 6 7 8 9;;t.refill token_embd.weight 39;;tail 99",
          &out);
    put("odd.gguf", &out);
    CHECK(printed("odd.gguf", false, "GGUF version 3"));
    CHECK(printed("odd.gguf", false, "belong to nothing"));
    CHECK(printed("odd.gguf", false, "\"\\xc3\\xff\\x0a\""));
    CHECK(printed("odd.gguf", false, "u8[9]          1, 2, 3, 4, 5, 6, 7, 8, ...\n"));
    CHECK(printed("odd.gguf", false, "MXFP4    64 x 16"));
    CHECK(printed("odd.gguf", true, "{\"format\":\"gguf\",\"file\":\""));
    CHECK(printed("odd.gguf", true,
                  "{\"key\":\"general.architecture\",\"type\":\"string\",\"value\":\"gem\\\"\\\\ma\"}"));
    CHECK(printed("odd.gguf", true, "\"value\":\"\xef\xbf\xbd\xef\xbf\xbd\\n\"}"));
    CHECK(printed("odd.gguf", true, "\"value\":\"Test \xc3\xa9 model\"}"));
    CHECK(printed("odd.gguf", true, "{\"key\":\"x.nan\",\"type\":\"f32\",\"value\":null}"));
    CHECK(printed("odd.gguf", true, "{\"key\":\"x.d\",\"type\":\"f64\",\"value\":0.10000000000000001}"));
    CHECK(printed("odd.gguf", true, "\"elements\":\"u8\",\"count\":9,\"first\":[1,2,3,4,5,6,7,8]}"));
    CHECK(printed("odd.gguf", true,
                  "{\"name\":\"token_embd.weight\",\"type\":\"MXFP4\",\"shape\":[64,16],\"bytes\":544,\"offset\":0}"));
    roma_error err = {0};
    CHECK_EQ(roma_gguf_print("/nonexistent", &out, false, &err), ROMA_EINPUT);
    roma_buf_destroy(&out);
    b_free(&f);
}

int main(void) {
    if (!mkdtemp(dir)) return 1;
    test_whole();
    test_good_parts();
    test_bad_parts();
    test_names();
    test_print();
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK_EQ(system(command), 0);
    return TEST_DONE();
}
