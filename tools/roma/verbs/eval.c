/* roma eval: perplexity over windows of a text, and how far another image's predictions are (roma/eval.h). Under
 * mpirun each process takes windows of its own, and the first one adds up and speaks. */
#include "ranks.h"
#include "show/eval_show.h"
#include "tool.h"
#include "roma/import.h"

#include <string.h>

enum { ROWS = 64 }; /* of a step: bounds the memory that logits take */

typedef struct {
    session_config session;
    const char *text, *ids, *dump, *dump_against, *against; /* against: an image, a model file, or "fp32" */
    uint32_t ctx, windows;
    bool all, hash, json;
} eval_options;

typedef struct {
    const eval_options *o;
    session s, other;
    roma_import source; /* a model file that is compared with */
    bool has_source;
    roma_outfile dump, dump_against; /* open when asked for */
    roma_sha256 hash;
    int32_t *ids;
    roma_eval_text text;
    roma_eval_sums sums;
} eval;

/* ---- the text ---- */

static int read_ids(eval *e, roma_error *err) {
    roma_buf b = {0};
    int rc = read_all(&b, e->o->ids, err);
    if (!rc && (b.len % 4 || !b.len))
        rc = roma_fail(err, ROMA_EINPUT, e->o->ids, ROMA_NOWHERE, "no list of 32-bit token ids");
    if (!rc && !(e->ids = roma_alloc(b.len)))
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ids");
    e->text.n = rc ? 0 : b.len / 4;
    for (size_t i = 0; i < e->text.n; i++) e->ids[i] = (int32_t)roma_le32(b.data + 4 * i);
    roma_buf_destroy(&b);
    return rc;
}

/* Where the model's settings add a beginning token, it stands in place of each window's first, as llama.cpp's
 * perplexity tool has it. */
static int read_text(eval *e, roma_error *err) {
    const roma_vocab *v = &roma_answer_image(e->s.a)->vocab;
    roma_buf b = {0};
    const roma_tokenizer *t = roma_answer_tokenizer(e->s.a);
    int rc =
        t ? ROMA_OK : roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the image holds no tokenizer; use --ids");
    if (!rc) rc = read_all(&b, e->o->text, err);
    if (!rc) rc = roma_tokenize_all(t, (const char *)b.data, b.len, ROMA_TEXT_BOS, &e->ids, &e->text.n, err);
    if (!rc && v->add_bos && v->bos >= 0) e->text.begin = v->bos;
    roma_buf_destroy(&b);
    return rc;
}

static int read_windows(eval *e, roma_error *err) {
    const eval_options *o = e->o;
    e->text = (roma_eval_text){.begin = -1, .is_whole = o->all, .ctx = o->ctx, .windows = o->windows};
    const int rc = o->ids ? read_ids(e, err) : read_text(e, err);
    e->text.ids = e->ids;
    return rc ? rc
              : roma_eval_cut(&e->text, roma_answer_image(e->s.a)->desc.hyper.vocab, o->ids ? o->ids : o->text, err);
}

/* ---- images, engines, files ---- */

static bool against_fp32(const eval_options *o) { return o->against && strcmp(o->against, "fp32") == 0; }

static int open_other(eval *e, session_config c, roma_error *err) {
    if (!e->o->against || against_fp32(e->o)) return ROMA_OK;
    if (roma_import_is_model(e->o->against)) {
        const int rc = roma_import_open(&e->source, e->o->against, err);
        e->has_source = !rc;
        return rc ? rc : roma_import_check_values(&e->source, &progress, err);
    }
    c.answer.image = e->o->against;
    c.lora.n = 0;
    const int rc = session_open(&e->other, &c, err);
    return rc ? rc : session_start(&e->other, &c, err);
}

static int open_dump(roma_outfile *f, const char *path, roma_error *err) {
    return path ? roma_outfile_open(f, path, err) : ROMA_OK;
}

static int open_all(eval *e, const ranks *rk, roma_error *err) {
    const eval_options *o = e->o;
    session_config c = o->session;
    roma_sha256_init(&e->hash);
    if (!c.answer.threads && rk->size > 1)
        c.answer.threads = (uint32_t)(roma_cpu_count() > rk->size ? roma_cpu_count() / rk->size : 1);
    int rc = session_open(&e->s, &c, err);
    if (!rc) rc = read_windows(e, err);
    if (rc) return rc;
    c.answer.context = e->text.ctx;
    c.answer.rows = c.answer.rows ? c.answer.rows : ROWS;
    c.answer.logit_rows = c.answer.rows;
    rc = session_start(&e->s, &c, err);
    if (!rc) rc = open_other(e, c, err);
    if (!rc) rc = open_dump(&e->dump, o->dump, err);
    if (!rc) rc = open_dump(&e->dump_against, o->dump_against, err);
    return rc;
}

/* Dumps that were not committed are gone then. */
static void close_all(eval *e) {
    roma_outfile_abort(&e->dump);
    roma_outfile_abort(&e->dump_against);
    if (e->has_source) roma_import_close(&e->source);
    session_close(&e->other);
    session_close(&e->s);
    roma_free(e->ids);
}

/* ---- logits ---- */

static int dump(roma_outfile *f, const float *x, uint32_t n, roma_error *err) {
    uint8_t le[4096];
    int rc = ROMA_OK;
    for (uint32_t i = 0; f->buf && i < n && !rc;) {
        size_t m = 0;
        for (; m < sizeof le && i < n; m += 4) roma_put32(le + m, roma_f32_bits(x[i++]));
        rc = roma_outfile_write(f, le, m, err);
    }
    return rc;
}

static int keep_logits(void *ctx, const float *logits, const float *other, uint32_t vocab, roma_error *err) {
    eval *e = ctx;
    if (e->o->hash) roma_sha256_update(&e->hash, logits, vocab * sizeof *logits);
    const int rc = dump(&e->dump, logits, vocab, err);
    return rc ? rc : dump(&e->dump_against, other, vocab, err);
}

/* ---- a run ---- */

/* The sums of all processes' windows, which come in order of window. */
static int add_up(eval *e, const ranks *rk, double **values, size_t n, roma_error *err) {
    const int rc = ranks_gather(rk, values, &n, err);
    for (size_t i = 0; i + ROMA_EVAL_SUMS <= n && !rc; i += ROMA_EVAL_SUMS) {
        roma_eval_sums w;
        memcpy(&w, *values + i, sizeof w);
        roma_eval_add(&e->sums, &w);
    }
    return rc;
}

/* Of a session that is not open: no model. */
static roma_eval_model model_of(const session *s, const char *file) {
    if (!s->a) return (roma_eval_model){0};
    return (roma_eval_model){roma_answer_engine(s->a), roma_answer_image(s->a), s->set, file};
}

static int run(eval *e, const ranks *rk, roma_error *err) {
    const roma_eval_config c = {
        .model = model_of(&e->s, e->o->session.answer.image),
        .against = model_of(&e->other, e->o->against),
        .against_fp32 = against_fp32(e->o),
        .against_model = e->has_source ? &e->source.model : NULL,
        .logits = keep_logits,
        .logits_ctx = e,
        .progress = &progress,
    };
    size_t first, end;
    roma_share(e->text.windows, rk->rank, rk->size, &first, &end);
    roma_eval_sums *sums = roma_alloc_array(end - first + 1, sizeof *sums);
    if (!sums) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu windows", end - first);
    int rc = roma_eval_run(&c, &e->text, (uint32_t)first, (uint32_t)end, sums, err);
    progress_end();
    double *values = (double *)sums;
    if (!rc) rc = add_up(e, rk, &values, (end - first) * ROMA_EVAL_SUMS, err);
    roma_free(values);
    return rc;
}

static int report(eval *e, double seconds) {
    roma_buf b = {0};
    uint8_t sum[32];
    char hash[65];
    roma_sha256_final(&e->hash, sum);
    roma_hex(hash, sum, 32);
    const eval_shown shown = {&e->text, &e->sums, e->o->against, e->o->hash ? hash : NULL, seconds};
    e->o->json ? eval_json(&shown, &b) : eval_text(&shown, &b);
    return print_page("eval", &b, 0);
}

static int commit_dump(roma_outfile *f, roma_error *err) { return f->buf ? roma_outfile_commit(f, err) : ROMA_OK; }

static int evaluate(const eval_options *o, const ranks *rk) {
    static eval e;
    roma_error err;
    e = (eval){.o = o};
    int rc = open_all(&e, rk, &err);
    const bool opened = !rc;
    const double began = roma_now();
    if (opened) rc = run(&e, rk, &err);
    if (!rc) rc = commit_dump(&e.dump, &err);
    if (!rc) rc = commit_dump(&e.dump_against, &err);
    const int code = rc ? fail("eval", &err) : report(&e, roma_now() - began);
    close_all(&e);
    return ranks_end(rk, code, !opened || !rc);
}

static int settle(eval_options *o, const ranks *rk) {
    if (!o->text == !o->ids) return usage_error("eval", "give one of -f TEXT and --ids FILE");
    if (o->all && o->ctx) return usage_error("eval", "--all has one window, --ctx does not go with it");
    if (o->dump_against && !o->against) return usage_error("eval", "--dump-against needs --against");
    if (rk->size > 1 && (o->hash || o->dump || o->dump_against))
        return usage_error("eval", "--hash and dumps need all windows in one process");
    if (rk->size > 1 && o->text && strcmp(o->text, "-") == 0)
        return usage_error("eval", "processes cannot share standard input");
    if (o->ids && !o->ctx) o->all = true;
    if (!o->ctx) o->ctx = 512;
    return OPTIONS_GO;
}

int verb_eval(int argc, char **argv) {
    const ranks rk = ranks_begin();
    eval_options o = {0};
    const char *operand[OPERANDS_MAX];
    size_t n;
    const option own[] = {
        {"file", 'f', OPT_TEXT, &o.text, "TEXT", 0, 0, "the text; - is standard input"},
        {"ids", 0, OPT_TEXT, &o.ids, "FILE", 0, 0, "32-bit little-endian token ids instead of a text"},
        {"ctx", 0, OPT_COUNT, &o.ctx, "N", 2, 16777216,
         "tokens of a window (default: 512; with --ids: all, see --all)"},
        {"windows", 0, OPT_COUNT, &o.windows, "N", 1, 4294967295.0, "only the first N windows"},
        {"all", 0, OPT_FLAG, &o.all, NULL, 0, 0, "one window of everything, all its positions scored"},
        {"against", 0, OPT_TEXT, &o.against, "IMAGE|MODEL|fp32", 0, 0,
         "also the divergence from another image, from a model file or folder in FP32, or from the same weights in "
         "FP32"},
        {"dump-logits", 0, OPT_OUT_FILE, &o.dump, "FILE", 0, 0, "write the scored positions' logits, 32-bit floats"},
        {"dump-against", 0, OPT_OUT_FILE, &o.dump_against, "FILE", 0, 0, "the same of what --against compares with"},
        {"hash", 0, OPT_FLAG, &o.hash, NULL, 0, 0, "also print a SHA-256 over these logits"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SESSION_OPTIONS(o.session), {0}};
    const usage u = {"eval",
                     "IMAGE -f TEXT [options]",
                     "Measures perplexity: the text is cut into windows, and in the second half of each the model "
                     "predicts the next token.\n"
                     "roma-mpi under mpirun shares the windows among its processes.",
                     "roma eval model.roma -f book.txt --ctx 512 --windows 20",
                     own,
                     shared,
                     1,
                     1};
    static const option_need needs[] = {{"allow-base-mismatch", "lora"}, {0}};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = options_need("eval", needs);
    const int settled = rc == OPTIONS_GO ? settle(&o, &rk) : rc;
    if (settled != OPTIONS_GO) return ranks_end(&rk, settled, true);
    o.session.answer.image = operand[0];
    return evaluate(&o, &rk);
}
