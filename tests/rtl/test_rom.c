/* ROMs as text: B-ROM's selects over every pattern, every format and width against the placement and the second reader,
 * and every changed character refused. */
#include "../test.h"
#include "../base/folder.h"
#include "../base/scarce.h"
#include "emitted.h"
#include "rtl/read.h"

static void need(int rc, const roma_error *err) {
    char text[700];
    if (!rc) return;
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
    exit(1);
}

/* ---- any words ---- */

/* Bit b of the words of group g is pattern (g + b) mod 16: over 16 groups each bit has every pattern. */
static void every_pattern(const void *ctx, uint64_t address, uint32_t *out) {
    const uint32_t width = *(const uint32_t *)ctx;
    for (uint32_t b = 0; b < width; b++) out[b / 32] |= (uint32_t)((address / 4 + b) % 16 >> address % 4 & 1) << b % 32;
}

static void random_words(const void *ctx, uint64_t address, uint32_t *out) {
    const uint32_t width = *(const uint32_t *)ctx;
    for (uint32_t i = 0; i < width / 32; i++) out[i] = (uint32_t)roma_random(width, 16 * address + i);
}

static void no_words(const void *ctx, uint64_t address, uint32_t *out) { (void)ctx, (void)address, (void)out; }

/* Reads everything back; returns the devices that the reader counts. */
static uint64_t reads_back(const emitted *e, const roma_rtl_words *w) {
    uint32_t got[ROMA_RTL_WORD_PIECES], want[ROMA_RTL_WORD_PIECES];
    roma_error err;
    rtl_rom r = {.style = e->n.style,
                 .lane_bits = w->lane_bits,
                 .width = w->width,
                 .address_bits = e->n.address_bits,
                 .words = w->words};
    const char *v = (const char *)e->v.data, *hex = e->hex.len ? (const char *)e->hex.data : "";
    r.v = (rtl_text){.file = "rom.v", .p = v, .end = v + e->v.len, .err = &err};
    r.hex = (rtl_text){.file = "rom.hex", .p = hex, .end = hex + e->hex.len, .err = &err};
    need(roma_rtl_read_begin(&r), &err);
    for (uint64_t a = 0; a < w->words; a++) {
        memset(want, 0, sizeof want);
        w->word(w->ctx, a, want);
        need(roma_rtl_read_word(&r, got), &err);
        CHECK_BYTES(got, want, sizeof want);
    }
    need(roma_rtl_read_end(&r), &err);
    CHECK_EQ(r.lines, e->n.lines);
    return r.devices;
}

static void test_every_pattern(void) {
    for (uint32_t width = 32; width <= 512; width *= 2) {
        const roma_rtl_words w = {width, 4, 64, NULL, &width, every_pattern, 0};
        emitted e;
        roma_error err;
        need(emitted_words(&e, &w, ROMA_RTL_BROM, &err), &err);
        CHECK_EQ(e.n.devices, 15 * width); /* of 16 groups one has no device at a bit */
        CHECK_EQ(e.n.lines, 15);
        CHECK_EQ(e.n.ones, 32 * width);
        CHECK_EQ(reads_back(&e, &w), e.n.devices);
        emitted_free(&e);
    }
}

static void test_sizes(void) {
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++)
            for (int empty = 0; empty < 2; empty++) {
                const uint32_t width = i % 2 ? 32 : 96;
                const roma_rtl_words w = {width, 8, sizes[i], NULL, &width, empty ? no_words : random_words, 0};
                emitted e;
                roma_error err;
                need(emitted_words(&e, &w, (roma_rtl_style)style, &err), &err);
                CHECK_EQ(reads_back(&e, &w), e.n.devices);
                CHECK(e.n.address_bits >= 2 && sizes[i] <= 1u << e.n.address_bits);
                CHECK(e.n.address_bits == 2 || sizes[i] > 1u << (e.n.address_bits - 1));
                CHECK_EQ(empty ? e.n.ones : 0, 0);
                emitted_free(&e);
            }
}

/* ---- parts of images ---- */

/* Every format on widths of words: the second reader takes codes, the writer bytes. */
static void check_part(const emitted_model *m, const roma_rtl_part *part) {
    for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++) {
        emitted e;
        roma_rtl_report r;
        roma_error err = {0};
        need(emitted_part(&e, part, (roma_rtl_style)style, &m->image, &err), &err);
        const roma_rtl_texts t = emitted_texts(&e);
        need(roma_rtl_check(&t, &m->image, NULL, &r, &err), &err);
        CHECK(!r.differs && r.address == ROMA_NOWHERE);
        CHECK_EQ(r.counts.devices, e.n.devices);
        CHECK_EQ(r.counts.ones, e.n.ones);
        CHECK_EQ(r.counts.words, e.n.words);
        emitted_free(&e);
    }
}

static void test_formats(void) {
    for (size_t f = 0; f < FIXTURE_FORMATS; f++) {
        size_t size;
        roma_error err;
        uint8_t *data = emitted_image(f, &size);
        CHECK(data != NULL);
        for (int lanes = 8; data && lanes <= 128; lanes *= 2) {
            if (f && lanes != 8 << f % 5) continue; /* each width several formats, the first format each width */
            emitted_model m = {0};
            need(emitted_open(&m, data, size, 3, 2, lanes, &err), &err);
            for (size_t i = 0; i < m.image.desc.n_tensors; i++) {
                roma_rtl_part part;
                const roma_image_tensor *t = &m.image.desc.tensors[i];
                if (t->is_vector) continue;
                need(roma_rtl_part_rows(&part, &m.place, i, 0, t->rows - 1, &err), &err);
                check_part(&m, &part);
                need(roma_rtl_part_rows(&part, &m.place, i, 5, 5 + (i * 7 + f) % (t->rows - 5), &err), &err);
                check_part(&m, &part);
                need(roma_rtl_part_lunit(&part, &m.place, i, (uint32_t)(i % 3), (uint32_t)(f % 2), &err), &err);
                check_part(&m, &part);
            }
            emitted_close(&m);
        }
        free(data);
    }
}

/* The words of all L-Units have every code once, where roma_place_code_at has it. */
static void test_placed(void) {
    size_t size;
    roma_error err;
    uint8_t *data = emitted_image(4, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 3, 4, 16, &err), &err);
    const size_t tensor = 4;
    const roma_image_tensor *t = &m.image.desc.tensors[tensor];
    roma_rtl_part all, part[3][4];
    CHECK(!t->is_vector);
    need(roma_rtl_part_rows(&all, &m.place, tensor, 0, t->rows - 1, &err), &err);
    const roma_rtl_words whole = roma_rtl_part_words(&all);
    for (uint32_t u = 0; u < 3; u++)
        for (uint32_t n = 0; n < 4; n++) need(roma_rtl_part_lunit(&part[u][n], &m.place, tensor, u, n, &err), &err);
    const uint32_t bits = m.place.tensors[tensor].lane_bits;
    for (uint64_t row = 0; row < t->rows; row++)
        for (uint64_t input = 0; input < t->cols; input++) {
            const roma_place_code at = roma_place_code_at(&m.place, tensor, row, input);
            const roma_rtl_words w = roma_rtl_part_words(&part[at.unit][at.lunit]);
            uint32_t placed[ROMA_RTL_WORD_PIECES] = {0}, plain[ROMA_RTL_WORD_PIECES] = {0};
            const uint64_t per = 32 / bits, x = input % per;
            w.word(w.ctx, at.address - part[at.unit][at.lunit].address, placed);
            whole.word(whole.ctx, row / 2 * (t->cols / per) + input / per, plain);
            const uint32_t bit = (uint32_t)(32 * (row % 2) + 8 * (x % 4) + bits * (x / 4)), mask = (1u << bits) - 1;
            CHECK_EQ(placed[at.bit / 32] >> at.bit % 32 & mask, plain[bit / 32] >> bit % 32 & mask);
        }
    emitted_close(&m);
    free(data);
}

/* ---- what is refused ---- */

/* The word that a place of a text belongs to; ROMA_NOWHERE: none. first: of the branch's group. */
static uint64_t word_at(const emitted *e, const char *text, size_t at) {
    if (e->n.style == ROMA_RTL_ARRAY) return at / (e->n.width / 4 + 1);
    uint64_t line = 0, branches = 0;
    const char *begin = strstr(text, "case (");
    if (!begin || text + at < begin) return ROMA_NOWHERE;
    for (const char *p = begin; p < text + at; p++) line += *p == '\n';
    branches = e->n.style >= ROMA_RTL_BROM ? (e->n.words + 3) / 4 : e->n.words;
    if (!line || line > branches) return ROMA_NOWHERE;
    return e->n.style >= ROMA_RTL_BROM ? 4 * (line - 1) : line - 1;
}

/* Whether a character may be another without another ROM. */
static bool is_blank(char c) { return c == ' ' || c == '\n'; }

static bool is_refused(const emitted *e, const roma_image *image, char *text, size_t at, char other,
                       uint64_t *address) {
    roma_rtl_report r;
    roma_error err = {0};
    const roma_rtl_texts t = emitted_texts(e);
    const char was = text[at];
    text[at] = other;
    const int rc = roma_rtl_check(&t, image, NULL, &r, &err);
    text[at] = was;
    *address = r.address;
    return rc == ROMA_EDAMAGED && r.differs && err.text[0];
}

static void sweep(const emitted *e, const roma_image *image, char *text, size_t n) {
    static const char others[] = "0123456789abcdefcxz;/ ";
    uint64_t address;
    /* every character, or fewer where repeating is slow and the plain build has tried all */
    for (size_t at = 0; at < n; at += 100 / test_effort(100)) {
        if (text != (char *)e->hex.data && is_blank(text[at])) continue;
        const char other = others[(at * 7 + 3) % (sizeof others - 1)];
        if (other == text[at]) continue;
        const uint64_t want = word_at(e, text, at);
        if (!is_refused(e, image, text, at, other, &address))
            TEST_FAILED("'%c' for '%c' at %zu is not seen", other, text[at], at);
        /* In a B-ROM any of the group's words may be the first that differs. */
        const uint64_t reach = e->n.style >= ROMA_RTL_BROM ? 3 : 0;
        if (want == ROMA_NOWHERE || (address >= want && address <= want + reach)) continue;
        if (text[at] == ';' || text[at] == '\n' || address == ROMA_NOWHERE)
            continue; /* the branch's end is the next word's */
        if (address != want + reach + 1)
            TEST_FAILED("at %zu: word %llu, not %llu", at, (unsigned long long)address, (unsigned long long)want);
    }
    CHECK(n > 100);
}

static void test_changes(void) {
    size_t size;
    roma_error err;
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 1, 1, 16, &err), &err);
    for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++) {
        roma_rtl_part part;
        emitted e;
        need(roma_rtl_part_rows(&part, &m.place, 2, 0, 8, &err), &err);
        need(emitted_part(&e, &part, (roma_rtl_style)style, &m.image, &err), &err);
        roma_buf_append(&e.v, "", 1); /* for strstr */
        e.v.len--;
        sweep(&e, &m.image, (char *)e.v.data, e.v.len);
        if (e.hex.len) sweep(&e, &m.image, (char *)e.hex.data, e.hex.len);
        emitted_free(&e);
    }
    emitted_close(&m);
    free(data);
}

/* Comments other than the first line, which tools may take for orders, and a line end that ends one for some of them.
 */
static void test_comments(void) {
    static const char *const put[][2] = {{"", "// synopsys translate_off\n"},
                                         {"    reg", "// synopsys translate_off\n"},
                                         {"    reg", "/**/"},
                                         {"endmodule", "//\n"},
                                         {"\n", "\r//"},
                                         {"words", "\n"}};
    size_t size;
    roma_error err;
    roma_rtl_report r;
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 1, 1, 8, &err), &err);
    for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++)
        for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
            roma_rtl_part part;
            emitted e;
            need(roma_rtl_part_rows(&part, &m.place, 2, 0, 2, &err), &err);
            need(emitted_part(&e, &part, (roma_rtl_style)style, &m.image, &err), &err);
            roma_buf changed = {0};
            roma_buf_append(&e.v, "", 1); /* for strstr */
            const char *text = (const char *)e.v.data, *at = strstr(text, put[i][0]);
            roma_buf_append(&changed, text, (size_t)(at - text));
            roma_buf_append(&changed, put[i][1], strlen(put[i][1]));
            roma_buf_append(&changed, at, strlen(at));
            roma_rtl_texts t = emitted_texts(&e);
            t.verilog = (const char *)changed.data;
            t.verilog_bytes = changed.len;
            CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
            CHECK_EQ(r.counts.style, style);
            roma_buf_destroy(&changed);
            emitted_free(&e);
        }
    emitted_close(&m);
    free(data);
}

/* Every prefix of every file, and what stands behind the end. */
static void test_ends(void) {
    size_t size;
    roma_error err;
    roma_rtl_report r;
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 1, 1, 8, &err), &err);
    for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++) {
        roma_rtl_part part;
        emitted e;
        need(roma_rtl_part_rows(&part, &m.place, 2, 0, 2, &err), &err);
        need(emitted_part(&e, &part, (roma_rtl_style)style, &m.image, &err), &err);
        roma_rtl_texts t = emitted_texts(&e);
        for (t.verilog_bytes = 0; t.verilog_bytes + 1 < e.v.len; t.verilog_bytes++)
            CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
        for (t = emitted_texts(&e), t.hex_bytes = 0; t.hex_bytes < e.hex.len; t.hex_bytes++)
            CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
        for (t = emitted_texts(&e), t.manifest_bytes = 0; t.manifest_bytes + 1 < e.manifest.len; t.manifest_bytes++)
            CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EINPUT);
        roma_buf *const longer[] = {&e.v, &e.hex};
        for (size_t i = 0; i < (style == ROMA_RTL_ARRAY ? 2 : 1); i++) {
            roma_buf_append(longer[i], "0\n", 2);
            t = emitted_texts(&e);
            CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
            longer[i]->len -= 2;
        }
        emitted_free(&e);
    }
    emitted_close(&m);
    free(data);
}

static void test_manifest(void) {
    static const char *const lies[][2] = {
        {"\"words\":", "9"},   {"\"width\":", "9"}, {"\"address_bits\":", "9"},
        {"\"devices\":", "9"}, {"\"lines\":", "9"}, {"\"ones\":", "9"},
        {"\"rows\":[", "9"},   {"\"lanes\":", "9"}, {"\"lane_bits\":", "9"},
    };
    size_t size;
    roma_error err;
    roma_rtl_report r;
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 2, 2, 16, &err), &err);
    roma_rtl_part part;
    emitted e;
    need(roma_rtl_part_lunit(&part, &m.place, 2, 1, 1, &err), &err);
    need(emitted_part(&e, &part, ROMA_RTL_BROM, &m.image, &err), &err);
    const roma_buf good = e.manifest;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        e.manifest = (roma_buf){0};
        const char *text = (const char *)good.data, *at = strstr(text, lies[i][0]);
        CHECK(at != NULL);
        const size_t n = (size_t)(at - text) + strlen(lies[i][0]);
        roma_buf_append(&e.manifest, text, n);
        roma_buf_append(&e.manifest, lies[i][1], 1); /* a digit before the number */
        roma_buf_append(&e.manifest, text + n, good.len - n);
        const roma_rtl_texts t = emitted_texts(&e);
        CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
        CHECK(r.differs && r.address == ROMA_NOWHERE);
        roma_buf_destroy(&e.manifest);
    }
    e.manifest = good;
    memset(strstr((char *)good.data, "image_sha256") + 15, '0', 8);
    const roma_rtl_texts t = emitted_texts(&e);
    CHECK_EQ(roma_rtl_check(&t, &m.image, NULL, &r, &err), ROMA_EDAMAGED);
    CHECK(strstr(err.text, "all words are this image's") != NULL);
    emitted_free(&e);
    emitted_close(&m);
    free(data);
}

/* Of a chip with lunit.trits: ternary codes have no bits that a ROM's text could take from an image, others are as
 * ever. */
static void test_trits(void) {
    size_t refused = 0;
    for (size_t f = 0; f < FIXTURE_FORMATS; f++) {
        size_t size;
        roma_error err;
        uint8_t *data = emitted_image(f, &size);
        emitted_model m = {0};
        need(emitted_open(&m, data, size, 3, 2, 16, &err), &err);
        m.place.chip.trits = 1;
        roma_place_derive(&m.place);
        for (size_t i = 0; i < m.image.desc.n_tensors; i++) {
            roma_rtl_part part;
            const roma_image_tensor *t = &m.image.desc.tensors[i];
            if (t->is_vector) continue;
            const roma_format *g = &t->format;
            const bool ternary = g->bits == 2 && g->zero == 1 && !g->min;
            CHECK_EQ(roma_rtl_part_rows(&part, &m.place, i, 0, 0, &err), ternary ? ROMA_EUSAGE : ROMA_OK);
            CHECK(!ternary || (strstr(err.text, "lunit.trits") && !roma_place_bits(&m.place, i, 0, 0)));
            refused += ternary;
        }
        emitted_close(&m);
        free(data);
    }
    CHECK(refused > 0);
}

static void test_refused(void) {
    size_t size;
    roma_error err;
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 2, 2, 16, &err), &err);
    roma_rtl_part part;
    roma_rtl_style style;
    CHECK_EQ(roma_rtl_part_rows(&part, &m.place, 2, 0, m.image.desc.tensors[2].rows, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_rtl_part_rows(&part, &m.place, 2, 3, 2, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_rtl_part_lunit(&part, &m.place, 2, 2, 0, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_rtl_part_lunit(&part, &m.place, 2, 0, 2, &err), ROMA_EUSAGE);
    for (size_t i = 0; i < m.image.desc.n_tensors; i++)
        if (m.image.desc.tensors[i].is_vector)
            CHECK_EQ(roma_rtl_part_rows(&part, &m.place, i, 0, 0, &err), ROMA_EUSAGE);
    m.place.chip.rom_embedding = 0;
    roma_place_derive(&m.place);
    roma_chip *c = &m.place.chip;
    static const int of_rom[][2] = {{ROMA_ROM_SRAM, ROMA_RTL_ARRAY},
                                    {ROMA_ROM_ROM, ROMA_RTL_ARRAY},
                                    {ROMA_ROM_LOGIC, ROMA_RTL_CASE},
                                    {ROMA_ROM_BROM, ROMA_RTL_BROM},
                                    {ROMA_ROM_FUSED, ROMA_RTL_FUSED}};
    for (size_t i = 0; i < 5; i++) {
        c->rom_style = of_rom[i][0];
        CHECK_EQ(roma_rtl_style_of(c, &style, &err), ROMA_OK);
        CHECK_EQ((int)style, of_rom[i][1]);
    }
    c->rom_style = ROMA_ROM_DRAM;
    CHECK_EQ(roma_rtl_style_of(c, &style, &err), ROMA_EUNSUPPORTED);
    CHECK(strstr(err.text, "dram") != NULL);
    c->rom_style = ROMA_ROM_CELL;
    CHECK_EQ(roma_rtl_style_of(c, &style, &err), ROMA_EUNSUPPORTED);
    CHECK_EQ(roma_rtl_style_find("brum", &style, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "did you mean 'brom'") != NULL);
    for (unsigned s = ROMA_RTL_ARRAY; s <= ROMA_RTL_FUSED; s++) {
        CHECK_EQ(roma_rtl_style_find(roma_rtl_style_name((roma_rtl_style)s), &style, &err), ROMA_OK);
        CHECK_EQ((unsigned)style, s);
    }
    emitted_close(&m);
    free(data);
}

/* ---- folders ---- */

static void empty_folder(const char *path) {
    char file[600];
    for (const char *const *f = roma_rtl_files(ROMA_RTL_ARRAY); *f; f++) {
        snprintf(file, sizeof file, "%s/%s", path, *f);
        unlink(file);
    }
    rmdir(path);
}

/* Written as a folder and read again, however little memory there is; a level table has no fused block. */
static void test_folder(void) {
    size_t size;
    roma_error err;
    roma_rtl_counts n;
    roma_rtl_report r;
    roma_rtl_part part;
    uint8_t *data = emitted_image(9, &size); /* matrices with and without a level table */
    emitted_model m = {0};
    CHECK(data != NULL);
    need(emitted_open(&m, data, size, 2, 2, 16, &err), &err);
    snprintf(folder, sizeof folder, "/tmp/roma-rtl-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < m.image.desc.n_tensors; i++) {
        const roma_image_tensor *t = &m.image.desc.tensors[i];
        if (t->is_vector || t->tie >= 0) continue;
        need(roma_rtl_part_rows(&part, &m.place, i, 0, 7, &err), &err);
        for (unsigned style = ROMA_RTL_ARRAY; style <= ROMA_RTL_FUSED; style++) {
            const int rc =
                roma_rtl_emit(in_folder("rom"), &part, (roma_rtl_style)style, m.image.file_sha256, NULL, &n, &err);
            const bool table = style == ROMA_RTL_FUSED && t->format.level != ROMA_LEVEL_IDENTITY;
            CHECK_EQ(rc, table ? ROMA_EUNSUPPORTED : ROMA_OK);
            if (!rc) need(roma_rtl_verify(in_folder("rom"), &m.image, NULL, &r, &err), &err);
            CHECK_EQ(rc ? 0 : r.counts.devices, rc ? 0 : n.devices);
        }
    }
    empty_folder(in_folder("rom"));
    int rc = ROMA_ENOMEM;
    for (int left = 0; rc && left < 200; left++) {
        scarce_begin(left);
        rc = roma_rtl_emit(in_folder("rom"), &part, ROMA_RTL_ARRAY, m.image.file_sha256, NULL, &n, &err);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK_EQ(entries(), !rc);
    }
    CHECK_EQ(rc, ROMA_OK);
    rc = ROMA_ENOMEM;
    for (int left = 0; rc && left < 200; left++) {
        scarce_begin(left);
        rc = roma_rtl_verify(in_folder("rom"), &m.image, NULL, &r, &err);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK(!rc || rc == ROMA_ENOMEM);
    }
    CHECK_EQ(rc, ROMA_OK);
    empty_folder(in_folder("rom"));
    rmdir(folder);
    emitted_close(&m);
    free(data);
}

int main(void) {
    test_every_pattern();
    test_sizes();
    test_formats();
    test_trits();
    test_placed();
    test_changes();
    test_comments();
    test_ends();
    test_manifest();
    test_refused();
    test_folder();
    return TEST_DONE();
}
