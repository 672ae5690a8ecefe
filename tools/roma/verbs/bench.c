/* roma bench: tokens a second of prefill and decode, beside what the machine's memory and multipliers could do at best.
 */
#include "bench_run.h"

#include <string.h>

typedef struct {
    const char *prompts, *batches, *depths, *threads, *csv, *svg;
    bool json, stability;
    uint32_t seconds;
} bench_options;

/* Of --stability, whose run is one decode. */
static int settle_stability(bench *b, const bench_options *o) {
    if (!o->stability) return o->seconds ? usage_error("bench", "--seconds needs --stability") : OPTIONS_GO;
    if (b->why || o->svg || b->threads.n > 1 || b->batches.n > 1 || b->depths.n > 1 || !b->decode ||
        (o->prompts && b->prompts.n))
        return usage_error("bench", "--stability is one decode: one -b, one -d, one -t, -n 1 or more, no -p but 0, "
                                    "neither --svg nor --why");
    b->stability.wanted_seconds = o->seconds ? o->seconds : 600;
    return OPTIONS_GO;
}

/* A prompt of 0 tokens is none, as with llama-bench: -p 0 is decode alone, -n 0 prefill alone. What is asked of a part
 * that is left out, or of both, is refused. */
static int settle_parts(bench *b, const bench_options *o) {
    size_t kept = 0;
    for (size_t i = 0; i < b->prompts.n; i++)
        if (b->prompts.v[i]) b->prompts.v[kept++] = b->prompts.v[i];
    b->prompts.n = kept;
    if (b->why) return OPTIONS_GO;
    if (!b->prompts.n && !b->decode)
        return usage_error("bench", "-p 0 leaves prefill out and -n 0 decode: nothing is left to measure");
    if (!b->decode && (o->batches || o->depths) && !o->stability)
        return usage_error("bench", "--batch and --depth are of decode, which -n 0 leaves out");
    return OPTIONS_GO;
}

static const char *or_else(const char *text, const char *otherwise) { return text ? text : otherwise; }

static int settle(bench *b, const bench_options *o) {
    int rc = options_list("bench", or_else(o->prompts, "128,512"), "--prompt", 0, 1u << 24, &b->prompts);
    if (rc == OPTIONS_GO)
        rc = options_list("bench", or_else(o->batches, "1"), "--batch", 1, ROMA_EXEC_ROWS_MAX, &b->batches);
    if (rc == OPTIONS_GO) rc = options_list("bench", or_else(o->depths, "0"), "--depth", 0, 1u << 24, &b->depths);
    if (rc == OPTIONS_GO) rc = settle_parts(b, o);
    if (rc == OPTIONS_GO && o->threads) rc = options_list("bench", o->threads, "--threads", 1, 64, &b->threads);
    if (rc == OPTIONS_GO && o->json && o->csv && strcmp(o->csv, "-") == 0)
        return usage_error("bench", "--json and --csv - both want standard output");
    if (rc == OPTIONS_GO && b->why)
        rc = options_refuse("bench", (const char *const[]){"n", NULL}, "is of tests, of which --why makes none");
    if (rc == OPTIONS_GO && b->why &&
        (o->csv || o->svg || b->threads.n > 1 || (o->prompts && b->prompts.n) || o->batches || o->depths))
        return usage_error("bench", "--why makes no test: it goes with --json and one number of threads, not with "
                                    "-p, -b, -d, --csv and --svg");
    if (rc == OPTIONS_GO && b->spread && !b->config.lora.n) return usage_error("bench", "--spread needs --lora");
    if (rc == OPTIONS_GO) rc = settle_stability(b, o);
    if (!o->threads) b->threads = (number_list){{(uint32_t)roma_cpu_count()}, 1};
    return rc;
}

static int save(const bench *b, void (*show)(const bench *b, roma_buf *out), const char *path, roma_error *err) {
    roma_buf out = {0};
    if (!path) return ROMA_OK;
    show(b, &out);
    return write_buf(&out, path, err);
}

static int report(const bench *b, const bench_options *o) {
    roma_buf out = {0};
    roma_error err;
    int rc = save(b, bench_csv, o->csv, &err);
    if (!rc) rc = save(b, bench_svg, o->svg, &err);
    if (rc) return fail("bench", &err);
    if (o->json)
        bench_json(b, &out);
    else if (!o->csv || strcmp(o->csv, "-") != 0)
        bench_text(b, &out);
    return print_page("bench", &out, 0);
}

/* With --spread each of its adapters is a list of its own. */
static int open_image(bench *b, roma_error *err) {
    session_config open = b->config;
    if (b->spread) open.lora.n = 0;
    int rc = session_open(&b->s, &open, err);
    for (size_t i = 0; b->spread && i < b->config.lora.n && !rc; i++) {
        lora_list one;
        rc = loras_open(&one, b->s.a, b->config.any_base, &b->config.lora.item[i], 1, err);
    }
    return rc;
}

static int measure(bench *b, const bench_options *o) {
    roma_error err;
    if (!(b->rows = roma_alloc_array(BENCH_ROWS, sizeof *b->rows))) {
        roma_fail(&err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the figures");
        return fail("bench", &err);
    }
    if (open_image(b, &err)) return fail("bench", &err);
    int code = bench_run(b, &err) ? fail("bench", &err) : report(b, o);
    if (!code && (b->interrupted || b->stability.interrupted)) code = 130;
    session_close(&b->s);
    roma_free(b->stability.window);
    return code;
}

int verb_bench(int argc, char **argv) {
    static bench b;
    bench_options o = {0};
    const char *operand[OPERANDS_MAX];
    size_t n;
    b.decode = 64;
    const option own[] = {
        {"prompt", 'p', OPT_TEXT, &o.prompts, "N,...", 0, 0, "prompt lengths to prefill (default: 128,512; 0: none)"},
        {"n", 'n', OPT_COUNT, &b.decode, "N", 0, 16777216, "tokens to decode (default: 64; 0: none)"},
        {"batch", 'b', OPT_TEXT, &o.batches, "N,...", 0, 0, "sequences decoded together (default: 1)"},
        {"depth", 'd', OPT_TEXT, &o.depths, "N,...", 0, 0, "tokens in the cache before those (default: 0)"},
        {"threads", 't', OPT_TEXT, &o.threads, "N,...", 0, 0, "threads (default: all CPUs)"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the table as CSV; - is standard output"},
        {"svg", 0, OPT_OUT, &o.svg, "FILE", 0, 0, "a roofline with every test in it"},
        {"stability", 0, OPT_FLAG, &o.stability, NULL, 0, 0,
         "instead of tests: ten minutes of decode, its rate over time"},
        {"seconds", 0, OPT_COUNT, &o.seconds, "S", 1, 86400, "of --stability (default: 600)"},
        {"why", 0, OPT_FLAG, &b.why, NULL, 0, 0,
         "instead of tests: which kernels run, why, and what all of them measure"},
        {"pin", 0, OPT_FLAG, &b.config.answer.pin, NULL, 0, 0, "bind each thread to one CPU"},
        {"isa", 0, OPT_TEXT, &b.config.answer.isa, "NAME", 0, 0,
         "instruction set: scalar, avx2, avxvnni, avx512, neon (default: the best here)"},
        KV_OPTION(b.config),
        LORA_OPTIONS(b.config),
        {"spread", 0, OPT_FLAG, &b.spread, NULL, 0, 0,
         "the adapters of --lora one to a sequence, in turn, instead of all on each"},
        {"no-verify", 0, OPT_FLAG, &b.config.answer.no_verify, NULL, 0, 0, "skip the checksums on opening"},
        {"rows", 0, OPT_COUNT, &b.config.answer.rows, "N", 1, ROMA_EXEC_ROWS_MAX, NULL},
        {0}};
    const usage u = {"bench",
                     "IMAGE [options]",
                     "Measures prefill and decode, best of three, with the bytes they read and the multiply-adds they "
                     "do a second, beside\n"
                     "the best that this machine's memory and 8-bit multipliers do. Bytes are weights and scales once "
                     "a step, the head where\n"
                     "logits are wanted (a prompt's last token, every decoded one), and the cache of what a sequence "
                     "sees. The share of the read\n"
                     "rate in a decode row compares neighbours: the best step of a run with the best of five reads of "
                     "1 GiB between its steps.",
                     "roma bench model.roma -p 128,512 -n 64 -b 1,16 -t 1,2 --svg roofline.svg",
                     own,
                     NULL,
                     1,
                     1};
    static const option_need needs[] = {{"allow-base-mismatch", "lora"}, {0}};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = options_need("bench", needs);
    if (rc == OPTIONS_GO) rc = settle(&b, &o);
    if (rc != OPTIONS_GO) return rc;
    b.config.answer.image = operand[0];
    rc = measure(&b, &o);
    roma_free(b.rows);
    return rc;
}
