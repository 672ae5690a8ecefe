/* 4-bit folders that bitsandbytes, gptqmodel and llm-compressor wrote (tests/reference/packed_folders.py): weights are
 * those that the package itself makes of them, byte for byte; what the image's own form changes is within its bound;
 * spoiled folders are refused by name. */
#include "roma/import.h"
#include "../base/scarce.h"
#include "../test.h"

/* ---- files ---- */

typedef struct {
    char *data;
    size_t size;
} bytes;

static bytes read_whole(const char *folder, const char *name) {
    char path[256];
    bytes b = {0};
    snprintf(path, sizeof path, "tests/import/packed/%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s is not there\n", path);
        abort();
    }
    fseek(f, 0, SEEK_END);
    b.size = (size_t)ftell(f);
    rewind(f);
    b.data = malloc(b.size + 1);
    if (!b.data || fread(b.data, 1, b.size, f) != b.size) abort();
    b.data[b.size] = 0;
    fclose(f);
    return b;
}

/* ---- weights ---- */

static uint32_t role_of(const char *module) {
    static const struct {
        const char *name;
        uint32_t role;
    } names[] = {{"q_proj", ROMA_W_Q},       {"k_proj", ROMA_W_K},   {"v_proj", ROMA_W_V},      {"o_proj", ROMA_W_O},
                 {"gate_proj", ROMA_W_GATE}, {"up_proj", ROMA_W_UP}, {"down_proj", ROMA_W_DOWN}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, module) == 0) return names[i].role;
    return 0;
}

/* The bits of a value in the package's type, rounded to nearest. */
static size_t as_type(const char *type, float x, uint8_t out[4]) {
    const uint32_t u = roma_f32_bits(x);
    if (strcmp(type, "F32") == 0) return roma_put32(out, u), 4;
    roma_put16(out, strcmp(type, "F16") == 0 ? roma_f32_to_f16(x) : (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16));
    return 2;
}

/* The matrix as the package has it: rows of q and k by halves, those of gate and up where down's columns were, columns
 * where the file has them. */
static void hash_matrix(const roma_tensor *t, const char *type, uint8_t sum[32]) {
    const size_t size = strcmp(type, "F32") == 0 ? 4 : 2;
    uint8_t *all = malloc(t->rows * t->cols * size);
    float row[256];
    for (uint64_t r = 0; r < t->rows; r++) {
        const uint64_t head = r / t->head_dim * t->head_dim;
        const uint64_t to = t->rope_halves ? head + roma_rope_source_row(r % t->head_dim, t->head_dim, t->rope_dim)
                            : t->row_from  ? t->row_from[r]
                                           : r;
        (t->read_source ? t->read_source : t->read_floats)(t, r, row);
        for (uint64_t i = 0; i < t->cols; i++)
            as_type(type, row[i], all + (to * t->cols + (t->order ? t->order->from[i] : i)) * size);
    }
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_update(&h, all, t->rows * t->cols * size);
    roma_sha256_final(&h, sum);
    free(all);
}

static unsigned check_expected(const roma_import *imp, const char *folder) {
    bytes want = read_whole(folder, "expected.txt");
    unsigned lines = 0;
    for (char *line = strtok(want.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        char name[96], type[8], sum[65], block[16], module[16], got[65];
        unsigned layer;
        uint8_t hash[32];
        CHECK_EQ(sscanf(line, "%95s %7s %64s", name, type, sum), 3);
        CHECK_EQ(sscanf(name, "model.layers.%u.%15[a-z_].%15[a-z_]", &layer, block, module), 3);
        const roma_tensor *t = roma_model_find(&imp->model, role_of(module), layer);
        CHECK(t && t->form && t->cols <= 256);
        if (!t) continue;
        hash_matrix(t, type, hash);
        roma_hex(got, hash, 32);
        if (strcmp(got, sum) != 0) fprintf(stderr, "%s: %s\n", folder, name);
        CHECK_STR(got, sum);
    }
    free(want.data);
    return lines;
}

/* The largest difference between the image's form and the checkpoint, of all matrices. */
static double largest(const roma_import *imp) {
    double most = 0;
    float is[256], was[256];
    for (size_t i = 0; i < imp->model.n_tensors; i++) {
        const roma_tensor *t = &imp->model.tensors[i];
        for (uint64_t r = 0; r < t->rows && t->form && t->read_source; r++) {
            t->read_floats(t, r, is);
            t->read_source(t, r, was);
            for (uint64_t c = 0; c < t->cols; c++) {
                const double d = (double)is[c] - (double)was[c];
                if (d > most || -d > most) most = d < 0 ? -d : d;
            }
        }
    }
    return most;
}

static void test_folders(void) {
    static const struct {
        const char *name;
        unsigned level, zeros, scale;
        double ten_bits, eight_bits; /* what levels may change; 0: there is no map */
    } folders[] = {
        {"nf4", ROMA_LEVEL_FINE, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 1e-4, 4e-4},
        {"nf4-double", ROMA_LEVEL_FINE, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 1e-4, 4e-4},
        {"fp4", ROMA_LEVEL_FINE, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 1e-8, 5e-4},
        {"fp4-double", ROMA_LEVEL_FINE, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 1e-8, 5e-4},
        {"gptq", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_NONE, ROMA_SCALE_F16, 0, 0},
        {"gptq-asym", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F16, 0, 0},
        {"gptq-v2", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F16, 0, 0},
        {"gptq-act", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_NONE, ROMA_SCALE_F16, 0, 0},
        {"gptq-v2-act", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F16, 0, 0},
        {"gptq-3", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F16, 0, 0},
        {"gptq-3-act", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F16, 0, 0},
        {"gptq-8", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_NONE, ROMA_SCALE_F16, 0, 0},
        {"awq", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 0, 0},
        {"pack-sym", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_NONE, ROMA_SCALE_F32, 0, 0},
        {"pack-asym", ROMA_LEVEL_IDENTITY, ROMA_ZEROS_U4, ROMA_SCALE_F32, 0, 0},
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[64];
        roma_import imp;
        roma_error err = {.text = ""};
        snprintf(path, sizeof path, "tests/import/packed/%s", folders[i].name);
        CHECK_EQ(roma_import_open(&imp, path, &err), 0);
        CHECK_STR(err.text, "");
        CHECK_EQ(roma_import_check_values(&imp, NULL, &err), 0);
        CHECK_EQ(check_expected(&imp, folders[i].name), 14);
        const roma_tensor *q = roma_model_find(&imp.model, ROMA_W_Q, 0);
        CHECK_EQ(q->format.level, folders[i].level);
        CHECK_EQ(q->format.zeros, folders[i].zeros);
        CHECK_EQ(q->format.scale, folders[i].scale);
        CHECK(largest(&imp) <= folders[i].ten_bits);
        roma_import_use_levels(&imp, 127);
        CHECK_EQ(q->format.level, folders[i].ten_bits > 0 ? ROMA_LEVEL_TABLE : ROMA_LEVEL_IDENTITY);
        CHECK(largest(&imp) <= folders[i].eight_bits && (largest(&imp) > folders[i].ten_bits || !q->read_source));
        CHECK_EQ(check_expected(&imp, folders[i].name), 14); /* the checkpoint's own values stay */
        roma_import_close(&imp);
    }
}

/* ---- what is refused ---- */

/* The first `from` of a file becomes `to`; in a safetensors file of the same length. */
static void spoil(bytes *b, const char *from, const char *to) {
    char *at = memmem(b->data, b->size, from, strlen(from));
    const size_t f = strlen(from), t = strlen(to);
    if (!at) {
        fprintf(stderr, "there is no %s\n", from);
        abort();
    }
    char *out = malloc(b->size + t + 1);
    const size_t before = (size_t)(at - b->data);
    memcpy(out, b->data, before);
    memcpy(out + before, to, t);
    memcpy(out + before + t, at + f, b->size - before - f + 1);
    b->size += t - f;
    free(b->data);
    b->data = out;
}

static const struct {
    const char *folder, *file, *from, *to;
    int code;
    const char *text;
} spoilt[] = {
#define CONFIG(folder, from, to, code, text)                                                                           \
    { folder, "config.json", from, to, ROMA_E##code, text }
#define TENSORS(folder, from, to, code, text)                                                                          \
    { folder, "model.safetensors", from, to, ROMA_E##code, text }
    CONFIG("nf4", "\"bitsandbytes\"", "\"hqq\"", UNSUPPORTED,
           "quant_method 'hqq' is not read, as its zero points are no whole numbers"),
    CONFIG("nf4", "\"quant_method\": \"bitsandbytes\"", "\"quant_method\": 4", DAMAGED, "quant_method must be a text"),
    CONFIG("nf4", "\"load_in_8bit\": false", "\"load_in_8bit\": true", UNSUPPORTED, "load_in_8bit"),
    CONFIG("nf4", "\"quant_method\"", "\"quant_mothod\"", UNSUPPORTED, "key 'quant_mothod'"),

    CONFIG("nf4", "\"quantization_config\": {", "\"quantization_config\": 5, \"x\": {", DAMAGED, "must be an object"),
    CONFIG("nf4", "\"quantization_config\"", "\"quantisation_config\"", UNSUPPORTED, "dtype U8"),
    TENSORS("nf4", "\"blocksize\": 64", "\"blocksize\": 65", UNSUPPORTED, "blocks of 65"),
    TENSORS("nf4", "\"blocksize\": 64", "\"blocksize\": 16", DAMAGED, "absmax has"),
    TENSORS("nf4", "\"blocksize\": 64", "\"blocksize\": -1", DAMAGED, "a block size is no whole number"),
    TENSORS("nf4", "\"blocksize\": 64, \"dtype\": \"bfloat16\"", "\"blocksize\": 256, \"dtype\": \"float16\"",
            UNSUPPORTED, "blocks cross rows"),
    TENSORS("nf4", "\"shape\": [128, 64]}", "\"shape\": [64, 128]}", DAMAGED, "but config.json asks for"),
    TENSORS("nf4", "\"shape\": [128, 64]}", "\"shape\": [128,  6]}", UNSUPPORTED, "blocks cross rows"),
    TENSORS("nf4", "\"shape\": [128, 64]}", "\"shape\": [128, 128", DAMAGED, ""),
    TENSORS("nf4", "\"shape\": [128, 64]}", "\"shape\": [99, 6, 4]", DAMAGED, "rows and columns"),
    TENSORS("nf4", "\"shape\": [128, 64]}", "\"shope\": [128, 64]}", DAMAGED, "has no shape"),
    TENSORS("nf4", "{\"quant_type\"", "[\"quant_type\"", DAMAGED, ""),
    TENSORS("nf4", ".self_attn.q_proj.weight.absmax\"", ".self_attn.q_proj.weight.absmux\"", DAMAGED,
            "absmax is missing"),
    TENSORS("nf4", ".self_attn.q_proj.weight.quant_map\"", ".self_attn.q_proj.weight.quant_mop\"", DAMAGED,
            "quant_map is missing"),
    TENSORS("nf4", ".self_attn.q_proj.weight\"", ".self_attn.q_proj.waight\"", DAMAGED, "its codes are no"),
    TENSORS("nf4-double", ".self_attn.q_proj.weight.nested_absmax\"", ".self_attn.q_proj.weight.nested_absmux\"",
            DAMAGED, "nested_absmax is missing"),
    TENSORS("nf4-double", "\"nested_blocksize\": 256", "\"nested_blocksize\": 016", INPUT, "must not begin with 0"),
    TENSORS("nf4-double", "\"nested_blocksize\": 256", "\"nested_blocksize\":  16", DAMAGED, "nested_absmax has"),
    TENSORS("nf4-double", "\"nested_offset\"", "\"nested_offsat\"", DAMAGED, "no offset"),
    TENSORS("nf4-double", "\"nested_offset\": 0", "\"nested_offset\": \"", INPUT, "a text does not end"),
    CONFIG("pack-asym", "\"format\": \"pack-quantized\",\n  \"global", "\"format\": \"marlin-24\",\n  \"global",
           DAMAGED, "format is said twice"),
    CONFIG("pack-asym", "\"group_0\": {", "\"group_1\": {\"weights\": {}}, \"group_0\": {", UNSUPPORTED,
           "several config_groups"),
    CONFIG("pack-asym", "\"input_activations\": null", "\"input_activations\": {\"num_bits\": 8}", UNSUPPORTED,
           "activations are quantised"),
    CONFIG("pack-asym", "\"strategy\": \"group\"", "\"strategy\": \"block\"", UNSUPPORTED, "another type or strategy"),
    CONFIG("pack-asym", "\"type\": \"int\"", "\"type\": \"float\"", UNSUPPORTED, "another type or strategy"),
    CONFIG("pack-asym", "\"num_bits\": 4", "\"num_bits\": 5", UNSUPPORTED, "another number of bits"),
    CONFIG("pack-asym", "\"num_bits\": 4", "\"num_bits\": 8", DAMAGED, ""),
    CONFIG("pack-asym", "\"num_bits\": 4", "\"num_bits\": \"4\"", DAMAGED, "bits must be"),
    CONFIG("pack-asym", "\"group_size\": 32", "\"group_size\": 0", UNSUPPORTED, "group_size must be"),
    CONFIG("pack-asym", "\"group_size\": 32", "\"group_size\": 48", UNSUPPORTED, "groups cross rows"),
    CONFIG("pack-asym", "\"group_size\": 32", "\"group_size\": 64", DAMAGED, "is not"),
    CONFIG("pack-asym", "\"group_size\": 32", "\"group_size\": \"x\"", DAMAGED, "group_size must be"),
    CONFIG("pack-asym", "\"symmetric\": false", "\"symmetric\": true", UNSUPPORTED, "weight_zero_point"),
    TENSORS("pack-asym", ".q_proj.weight_scale\"", ".q_proj.weight_scole\"", DAMAGED, "weight_scale is missing"),
    TENSORS("pack-asym", ".q_proj.weight_zero_point\"", ".q_proj.weight_zero_paint\"", DAMAGED,
            "weight_zero_point is missing"),
    CONFIG("pack-asym", "\"kv_cache_scheme\": null", "\"kv_cache_scheme\": {\"num_bits\": 4}", UNSUPPORTED,
           "activations are quantised"),
    CONFIG("gptq", "\"checkpoint_format\": \"gptq\"", "\"checkpoint_format\": \"marlin\"", DAMAGED,
           "format is said twice, as 'marlin' and 'gptq'"),
    CONFIG("gptq", "\"quant_method\"", "\"dynamic\": {\"x\": {}}, \"quant_method\"", UNSUPPORTED, "for each module"),
    CONFIG("gptq", "\"quant_method\"", "\"rotation\": \"hadamard\", \"quant_method\"", UNSUPPORTED,
           "weights are rotated"),
    CONFIG("pack-sym", "\"transform_config\": {}", "\"transform_config\": {\"config_groups\": {}}", UNSUPPORTED,
           "weights are rotated"),
    CONFIG("gptq", "\"bits\": 4", "\"bits\": 5", UNSUPPORTED, "another number of bits"),
    CONFIG("gptq", "\"bits\": 4", "\"bits\": 3", DAMAGED, "its codes are no whole words"),
    CONFIG("pack-asym", "\"num_bits\": 4", "\"num_bits\": 3", UNSUPPORTED, "another number of bits"),
    CONFIG("gptq", "\"bits\": 4", "\"bits\": 8", DAMAGED, ""),
    TENSORS("gptq", "\"shape\":[8,128]", "\"shape\":[256,4]", UNSUPPORTED, "4 rows are no multiple of the 8 of a word"),
    TENSORS("gptq", "q_proj.qzeros\"", "q_proj.qzerus\"", DAMAGED, "qzeros is missing"),
    TENSORS("gptq", "q_proj.scales\"", "q_proj.scoles\"", DAMAGED, "scales is missing"),
    TENSORS("gptq", "q_proj.g_idx\":{\"dtype\":\"I32\",\"shape\":[64]",
            "q_proj.g_idx\":{\"dtype\":\"F32\",\"shape\":[64]", DAMAGED, "is no list of 64 groups"),
    CONFIG("awq", "\"version\": \"gemm\"", "\"version\": \"gemv\"", UNSUPPORTED, "another order of AWQ"),
    CONFIG("awq", "\"bits\": 4", "\"bits\": 8", UNSUPPORTED, "another number of bits"),
    TENSORS("awq", "q_proj.qzeros\"", "q_proj.qzerus\"", DAMAGED, "qzeros is missing"),
};

static void test_spoilt(void) {
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        bytes file[2] = {read_whole(spoilt[i].folder, "config.json"),
                         read_whole(spoilt[i].folder, "model.safetensors")};
        roma_import imp;
        roma_error err = {.text = ""};
        spoil(&file[spoilt[i].file[0] == 'm'], spoilt[i].from, spoilt[i].to);
        const roma_import_file files[] = {{"config.json", file[0].data, file[0].size},
                                          {"model.safetensors", file[1].data, file[1].size}};
        const int rc = roma_import_open_files(&imp, files, 2, &err);
        if (rc != spoilt[i].code || !strstr(err.text, spoilt[i].text))
            fprintf(stderr, "%s: %s -> %s: %d, %s\n", spoilt[i].folder, spoilt[i].from, spoilt[i].to, rc, err.text);
        CHECK_EQ(rc, spoilt[i].code);
        CHECK(strstr(err.text, spoilt[i].text) != NULL);
        if (!rc) roma_import_close(&imp);
        free(file[0].data);
        free(file[1].data);
    }
}

/* ---- act-order ---- */

/* Bytes of a tensor in a safetensors file: its offsets stand in the header. */
static uint8_t *tensor_bytes(const bytes *b, const char *name) {
    const uint64_t header = roma_le64((const uint8_t *)b->data);
    unsigned long long begin, end;
    char quoted[160];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = memmem(b->data, b->size, quoted, strlen(quoted));
    at = at ? strstr(at, "\"data_offsets\":[") : NULL;
    if (!at || sscanf(at, "\"data_offsets\":[%llu,%llu]", &begin, &end) != 2) abort();
    return (uint8_t *)b->data + 8 + header + begin;
}

static int open_changed(roma_import *imp, const bytes *config, const bytes *tensors, roma_error *err) {
    const roma_import_file files[] = {{"config.json", config->data, config->size},
                                      {"model.safetensors", tensors->data, tensors->size}};
    *err = (roma_error){.text = ""};
    return roma_import_open_files(imp, files, 2, err);
}

/* q, k and v share one order, gate and up another; down's is folded into the rows of gate and up of its layer. */
static void check_orders(const roma_import *imp) {
    for (uint32_t l = 0; l < 2; l++) {
        const roma_order *of[ROMA_W_END];
        for (uint32_t role = ROMA_W_Q; role <= ROMA_W_DOWN; role++) {
            const roma_tensor *t = roma_model_find(&imp->model, role, l);
            of[role] = t ? t->order : NULL;
            CHECK(!of[role] || (of[role]->cols == t->cols && roma_order_is_whole(of[role]->from, of[role]->cols)));
        }
        CHECK(of[ROMA_W_Q] && of[ROMA_W_K] == of[ROMA_W_Q] && of[ROMA_W_V] == of[ROMA_W_Q]);
        CHECK(of[ROMA_W_UP] && of[ROMA_W_GATE] == of[ROMA_W_UP] && of[ROMA_W_UP] != of[ROMA_W_Q]);
        CHECK(of[ROMA_W_O] && !of[ROMA_W_O]->folded && of[ROMA_W_DOWN] && of[ROMA_W_DOWN]->folded);
        for (uint32_t role = ROMA_W_GATE; role <= ROMA_W_UP; role++)
            CHECK(roma_model_find(&imp->model, role, l)->row_from == of[ROMA_W_DOWN]->from);
        CHECK(!roma_model_find(&imp->model, ROMA_W_Q, l)->row_from);
    }
}

/* A byte of the header or of an order is another one, or two groups of an order have changed places: refused, or a
 * model whose rows can be read. */
static void test_flips(void) {
    const bytes config = read_whole("gptq-act", "config.json"), good = read_whole("gptq-act", "model.safetensors");
    const size_t header = 8 + (size_t)roma_le64((const uint8_t *)good.data);
    static const char *const orders[] = {"self_attn.q_proj", "self_attn.o_proj", "mlp.down_proj"};
    bytes b = {malloc(good.size), good.size};
    unsigned opened = 0;
    for (uint64_t n = 0; n < test_effort(600); n++) {
        roma_import imp;
        roma_error err;
        char name[96];
        memcpy(b.data, good.data, good.size);
        snprintf(name, sizeof name, "model.layers.%u.%s.g_idx", (unsigned)(n % 2), orders[n / 2 % 3]);
        uint8_t *at = n % 3 ? tensor_bytes(&b, name) : (uint8_t *)b.data;
        if (n % 3 == 2) {
            uint8_t *one = at + 4 * (roma_random(9, n) % 64), *other = at + 4 * (roma_random(10, n) % 64);
            const uint32_t was = roma_le32(one);
            roma_put32(one, roma_le32(other));
            roma_put32(other, was);
        } else
            at[roma_random(9, n) % (n % 3 ? 4 * 64 : header)] ^= (uint8_t)(1u << roma_random(10, n) % 8);
        if (open_changed(&imp, &config, &b, &err)) continue;
        opened++;
        for (size_t i = 0; i < imp.model.n_tensors; i++) {
            const roma_tensor *t = &imp.model.tensors[i];
            float row[256];
            for (uint64_t r = 0; r < t->rows && t->packed; r++) t->read_floats(t, r, row);
        }
        roma_import_close(&imp);
    }
    CHECK(opened > 0 && opened < test_effort(600));
    free(b.data);
    free(config.data);
    free(good.data);
}

static void test_orders(void) {
    bytes config = read_whole("gptq-act", "config.json"), tensors = read_whole("gptq-act", "model.safetensors");
    uint8_t *q = tensor_bytes(&tensors, "model.layers.0.self_attn.q_proj.g_idx");
    const uint32_t bad[] = {99, 0xffffffffu, 1 - roma_le32(q)}; /* beyond the groups, none, one that is full */
    roma_import imp;
    roma_error err;
    CHECK_EQ(open_changed(&imp, &config, &tensors, &err), 0);
    check_orders(&imp);
    roma_import_close(&imp);
    for (int n = 0, rc = 1; rc; n++) { /* every allocation fails once, and nothing is left behind */
        scarce_begin_once(n);
        rc = open_changed(&imp, &config, &tensors, &err);
        CHECK(!rc || rc == ROMA_ENOMEM);
        if (!rc) roma_import_close(&imp);
        CHECK_EQ(scarce_outstanding, 0);
        roma_allocator_set(NULL);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_put32(q, bad[i]);
        CHECK_EQ(open_changed(&imp, &config, &tensors, &err), ROMA_EDAMAGED);
        CHECK_HAS(err.text, "g_idx does not give each group its 32 inputs");
    }
    memset(q, 0xff, 4 * 64); /* no input has a group: there is no order */
    CHECK_EQ(open_changed(&imp, &config, &tensors, &err), 0);
    CHECK(!roma_model_find(&imp.model, ROMA_W_Q, 0)->order && roma_model_find(&imp.model, ROMA_W_K, 0)->order);
    roma_import_close(&imp);
    for (unsigned i = 0; i < 64; i++) roma_put32(q + 4 * i, i / 32); /* nor where groups rise */
    CHECK_EQ(open_changed(&imp, &config, &tensors, &err), 0);
    CHECK(!roma_model_find(&imp.model, ROMA_W_Q, 0)->order);
    roma_import_close(&imp);
    for (unsigned i = 0; i < 64; i++) roma_put32(q + 4 * i, i % 2); /* q's own order */
    CHECK_EQ(open_changed(&imp, &config, &tensors, &err), 0);
    const roma_tensor *t = roma_model_find(&imp.model, ROMA_W_Q, 0);
    CHECK(t->order && t->order != roma_model_find(&imp.model, ROMA_W_K, 0)->order);
    CHECK(t->order->from[1] == 2 && t->order->from[32] == 1);
    roma_import_close(&imp);
    free(config.data);
    free(tensors.data);
}

int main(void) {
    test_orders();
    test_flips();
    test_folders();
    test_spoilt();
    return TEST_DONE();
}
