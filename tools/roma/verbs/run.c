/* roma run: a prompt and its answer, streamed; with --jsonl many at once (batch.c). */
#include "ask.h"
#include "batch.h"
#include "reply.h"
#include "show/estimate.h"
#include "show/values.h"

#include <string.h>

typedef struct {
    session_config session;
    ask_options ask;
    const char *prompt, *file, *system, *jsonl, *values;
    bool raw, special, json, hash, quiet, values_full;
    uint32_t batch;
} run_options;

/* One newline at the end belongs to the file or the pipe, not to the prompt. */
static int read_prompt(const run_options *o, roma_buf *b, roma_error *err) {
    const char *path = o->file ? o->file : strcmp(o->prompt, "-") == 0 ? "-" : NULL;
    if (!path) {
        roma_buf_append(b, o->prompt, strlen(o->prompt));
        return b->failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the prompt") : ROMA_OK;
    }
    const int rc = read_all(b, path, err);
    if (!rc && b->len && b->data[b->len - 1] == '\n') b->len--;
    if (!rc && b->len && b->data[b->len - 1] == '\r') b->len--;
    return rc;
}

static int generate(const run_options *o, reply *r, const roma_answer_request *q, roma_error *err) {
    interrupt_catch(INTERRUPT_ASKS); /* an answer that is under way is kept */
    const int rc = reply_run(r, *q, err);
    if (!o->json && r->text.len && r->text.data[r->text.len - 1] != '\n') putchar('\n');
    return rc;
}

static double decode_rate(const reply *r) {
    return r->result.drawn ? roma_rate((double)r->result.drawn - 1, reply_decode_s(r)) : 0;
}

/* How the answer ended, as a reader may want to know: what cut it, and what would not. */
static void end_text(char *out, size_t cap, const run_options *o, const session *s, const reply *r) {
    const uint32_t context = roma_exec_memory_of(roma_answer_engine(s->a))->context;
    if (r->result.stop == ROMA_ANSWER_LENGTH)
        roma_print(out, cap, "cut by -n %u", o->ask.ask.limit);
    else if (r->result.stop == ROMA_ANSWER_CONTEXT)
        roma_print(out, cap, "context of %u full", context);
    else
        roma_print(out, cap, "%s", reply_stop(r));
}

/* Digits behind the point: a tenth of a token is said only where it is more than noise, so that the line fits. */
static int tenths(double rate) { return rate < 1000; }

/* The one line behind an answer. */
static void stat_line(const run_options *o, const session *s, const reply *r) {
    char end[64], seed[40] = "";
    end_text(end, sizeof end, o, s, r);
    if (ask_draws(&o->ask.ask.sampling))
        roma_print(seed, sizeof seed, "; seed %llu", (unsigned long long)o->ask.ask.sampling.seed);
    const double decode = decode_rate(r), prompt = roma_rate((double)r->n_prompt, r->result.first_s);
    fflush(stdout);
    print_to(stderr, "%zu tokens, %.*f tok/s (%s); prompt %zu tokens, %.*f tok/s%s\n", r->n, tenths(decode), decode,
             end, r->n_prompt, tenths(prompt), prompt, seed);
}

/* With --verbose, the rest of the figures. */
static void more_lines(const session *s, const reply *r) {
    const roma_exec *e = roma_answer_engine(s->a);
    print_to(stderr, "first token after %.0f ms; %u of %u drafted accepted; %s, %d threads\n", r->result.first_s * 1e3,
             r->result.batch.accepted, r->result.batch.drafted, roma_exec_isa(e), roma_exec_threads(e));
}

static int print_json(const session *s, reply *r, uint64_t seed, int rc) {
    const roma_exec *e = roma_answer_engine(s->a);
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_text(&j, "text", (const char *)r->text.data, r->text.len);
    roma_json_open(&j, "ids", '[');
    for (size_t i = 0; i < r->n; i++) roma_json_int(&j, NULL, r->ids[i]);
    roma_json_close(&j, ']');
    roma_json_int(&j, "prompt_tokens", (int64_t)r->n_prompt);
    roma_json_real(&j, "prefill_tok_s", roma_rate((double)r->n_prompt, r->result.first_s));
    roma_json_real(&j, "decode_tok_s", decode_rate(r));
    roma_json_real(&j, "ttft_ms", r->result.first_s * 1e3);
    roma_json_int(&j, "drafted", r->result.batch.drafted);
    roma_json_int(&j, "accepted", r->result.batch.accepted);
    roma_json_int(&j, "image_bytes", (int64_t)roma_answer_image(s->a)->map.size);
    roma_json_int(&j, "arena_bytes", (int64_t)roma_answer_bytes(s->a));
    roma_json_int(&j, "rss_bytes", (int64_t)resident_bytes());
    roma_json_int(&j, "context", (int64_t)roma_exec_memory_of(e)->context);
    roma_json_int(&j, "threads", roma_exec_threads(e));
    roma_json_string(&j, "isa", roma_exec_isa(e));
    roma_json_string(&j, "kv", roma_exec_kv(e)->name);
    roma_json_string(&j, "stop", reply_stop(r));
    roma_json_uint(&j, "seed", seed);
    loras_json(&j, &s->loras, s->a);
    chip_json(&j, s, r->n_prompt, r->n);
    if (r->hashes) {
        uint8_t sum[32];
        roma_sha256_final(&r->hash, sum);
        roma_json_hex(&j, "hash", sum, sizeof sum);
    }
    roma_json_close(&j, '}');
    roma_buf_append(&b, "\n", 1);
    return print_buf("run", &b, rc);
}

/* With --trace-values what every operation gave goes to a file. An answer that was interrupted keeps it, and so does
 * one whose logits are refused: that is when one looks. */
static int generate_traced(const run_options *o, const session *s, reply *r, const roma_answer_request *q,
                           roma_error *err) {
    values_file v;
    roma_error why;
    if (!o->values) return generate(o, r, q, err);
    int rc = values_begin(&v, s, o->values, o->values_full, err);
    if (rc) return rc;
    rc = generate(o, r, q, err);
    const bool keep = !rc || rc == ROMA_ECANCEL || rc == ROMA_EINPUT;
    const int written = values_end(&v, keep, &why);
    if (!written || !keep) return rc;
    *err = why;
    return written;
}

static int answer(const run_options *o, session *s, reply *r, const int32_t *ids, size_t n, roma_error *err) {
    int rc = session_start(s, &o->session, err);
    if (!rc) rc = session_fits(s, n, err);
    if (rc) return rc;
    roma_answer_request q = reply_request(r, &o->ask.ask, ids, n, o->raw ? ROMA_ANSWER_RAW : 0, &s->loras);
    q.marks = s->dialog.tools.text != NULL; /* who shows tools wants to see calls */
    return generate_traced(o, s, r, &q, err);
}

static void print_hash(reply *r) {
    char hex[65];
    uint8_t sum[32];
    roma_sha256_final(&r->hash, sum);
    roma_hex(hex, sum, sizeof sum);
    printf("%s\n", hex);
}

/* What is told of an answer, interrupted or not; returns the exit code. */
static int tell(const run_options *o, const session *s, reply *r, int rc) {
    const int exit_code = rc ? roma_error_exit(rc) : 0;
    if (!roma_answer_engine(s->a)) return exit_code;
    if (o->json) return print_json(s, r, o->ask.ask.sampling.seed, exit_code);
    if (!o->quiet) {
        stat_line(o, s, r);
        if (o->session.verbose) more_lines(s, r);
        if (o->session.verbose || o->session.answer.chip) chip_lines(s, r->n_prompt, r->n);
    }
    if (o->hash) print_hash(r);
    return exit_code;
}

static int one(const run_options *o, session *s, roma_error *err) {
    roma_buf prompt = {0};
    int32_t *ids = NULL;
    size_t n = 0;
    reply r = {.s = s, .silent = o->json, .hashes = o->hash};
    const roma_answer_text system = {o->system, o->system ? strlen(o->system) : 0};
    roma_answer_dialog d = s->dialog;
    d.flags = (o->raw ? ROMA_ANSWER_RAW : 0u) | (o->special ? ROMA_ANSWER_SPECIAL : 0u);
    int rc = read_prompt(o, &prompt, err);
    if (!rc)
        rc = session_prompt(s, (roma_answer_text){(const char *)prompt.data, prompt.len}, system, &d, &ids, &n, err);
    if (!rc) rc = answer(o, s, &r, ids, n, err);
    const int exit_code = rc && rc != ROMA_ECANCEL ? fail("run", err) : tell(o, s, &r, rc);
    roma_free(ids);
    reply_destroy(&r);
    roma_buf_destroy(&prompt);
    return finish("run", exit_code);
}

int verb_run(int argc, char **argv) {
    static run_options o;
    roma_answer_ask_default(&o.ask.ask);
    o.batch = 8;
    o.session.answer.running = 1;
    o.session.answer.sets = 1;
    const option own[] = {
        {"prompt", 'p', OPT_TEXT, &o.prompt, "TEXT", 0, 0, "the prompt; - reads standard input"},
        {"file", 'f', OPT_TEXT, &o.file, "FILE", 0, 0, "the prompt from a file"},
        {"system", 0, OPT_TEXT, &o.system, "TEXT", 0, 0, "system message"},
        {"raw", 0, OPT_FLAG, &o.raw, NULL, 0, 0, "no chat template: continue the text"},
        {"special", 0, OPT_FLAG, &o.special, NULL, 0, 0, "with --raw: control tokens in the text count as such"},
        SAMPLING_OPTIONS(o.ask),
        FORM_OPTIONS(o.ask),
        {"jsonl", 0, OPT_TEXT, &o.jsonl, "FILE", 0, 0, "many prompts as a batch, one JSON object a line"},
        {"batch", 'b', OPT_COUNT, &o.batch, "N", 1, 256, "with --jsonl: sequences at a time (default: 8)"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object instead of streamed text"},
        {"hash", 0, OPT_FLAG, &o.hash, NULL, 0, 0, "also print a SHA-256 over all logits"},
        {"trace-values", 0, OPT_OUT_FILE, &o.values, "FILE", 0, 0, "what every operation gave, a JSON object a line"},
        {"trace-full", 0, OPT_FLAG, &o.values_full, NULL, 0, 0,
         "with --trace-values: the values too, not only their CRC"},
        {"quiet", 'q', OPT_FLAG, &o.quiet, NULL, 0, 0, "no line of figures at the end"},
        {"verbose", 'v', OPT_FLAG, &o.session.verbose, NULL, 0, 0, "more figures, and what the chip would have done"},
        {0}};
    const option shared[] = {TEMPLATE_OPTIONS(o.session),
                             SPEC_OPTION(o.session),
                             CONTEXT_OPTION(o.session),
                             SESSION_OPTIONS(o.session),
                             {0}};
    const usage u = {
        "run",
        "IMAGE -p TEXT [options]",
        "Answers a prompt. The text goes to standard output, a line of figures to standard error; with --chip or\n"
        "--verbose what the chip would have done follows.\n"
        "One newline at the end of a prompt from a file or a pipe is dropped. A line of --jsonl holds prompt, or\n"
        "messages, and if wanted system, tools, documents, template_args, raw, n, temp, top_k, top_p, min_p,\n"
        "repeat_penalty, presence_penalty, frequency_penalty, logit_bias, logprobs, seed, stop, response_format,\n"
        "grammar, lora and id; or it is a request of OpenAI's batches: custom_id, method, url, body. A bad line is "
        "answered by its error.",
        "roma run model.roma -p \"Give me three tips for sleeping well.\"",
        own,
        shared,
        1,
        2};
    const char *operand[OPERANDS_MAX];
    size_t n;
    session s;
    roma_error err;
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (n > 1) return usage_error("run", "the prompt goes behind -p, in quotes where it has several words");
    if (!!o.prompt + !!o.file + !!o.jsonl != 1)
        return usage_error("run", "give one of -p TEXT, -f FILE and --jsonl FILE");
    if (o.json && o.jsonl) return usage_error("run", "--json is of one prompt; --jsonl answers in JSON, a line each");
    if (o.values && o.jsonl) return usage_error("run", "--trace-values is of one prompt, not of --jsonl");
    static const option_need needs[] = {{"trace-full", "trace-values"}, {"batch", "jsonl"},
                                        {"special", "raw|jsonl"},       {"allow-base-mismatch", "lora|jsonl"},
                                        DRAW_NEEDS("temp|jsonl"),       {0}};
    static const char *const of_templates[] = {"template", "template-arg", "tools", "documents", "date", NULL};
    int wrong = options_need("run", needs);
    if (wrong == OPTIONS_GO && o.raw && !o.jsonl)
        wrong = options_refuse("run", of_templates, "is of a chat template, which --raw leaves out");
    if (wrong != OPTIONS_GO) return wrong;
    if (ask_options_check(&o.ask, &err) || ask_form_read(&o.ask, &err)) return fail("run", &err);
    o.session.answer.image = operand[0];
    o.session.quiet = o.quiet || o.json;
    if (session_open(&s, &o.session, &err)) return fail("run", &err);
    if (!o.raw) session_say_template(&s);
    const batch_options b = {&o.session, &o.ask.ask, o.jsonl,          o.system, o.raw,
                             o.special,  o.hash,     o.ask.seed.given, o.batch};
    const int exit_code = o.jsonl ? batch_run(&b, &s) : one(&o, &s, &err);
    session_close(&s);
    ask_form_free(&o.ask);
    return exit_code;
}
