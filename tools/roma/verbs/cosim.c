/* roma cosim: the emitted chip, simulated, beside engine and chip model. */
#include "cosim_setup.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    session_config session;
    text_list lora_at;
    const char *prompt, *ids, *chip, *image, *csv, *vcd, *fault, *rtl, *style;
    uint32_t tokens, chunk;
    bool json, quick, all, faults;
} cosim_options;

typedef struct {
    const cosim_options *o;
    session s;
    roma_buf csv;
    char tiny[4096]; /* the image of this run, or nothing */
} cosim_run;

static const char usual_prompt[] = "Once upon a time";

/* ---- results ---- */

static void side(roma_buf *b, const roma_cosim_times *t) {
    if (t->start == UINT64_MAX || t->end == UINT64_MAX)
        roma_buf_print(b, ",,,");
    else
        roma_buf_print(b, ",%llu,%llu,%llu", (unsigned long long)t->start, (unsigned long long)t->busy,
                       (unsigned long long)t->end);
    roma_buf_print(b, ",%08x", t->crc);
}

static void record(void *ctx, const roma_cosim_record *r) {
    cosim_run *e = ctx;
    const roma_plan *p = roma_answer_plan(e->s.a);
    const roma_op *op = &p->ops[r->op];
    roma_buf *b = &e->csv;
    static const char *const riders[] = {[ROMA_PART_BASE] = NULL, [ROMA_PART_DOWN] = "down", [ROMA_PART_UP] = "up"};
    const char *rider = riders[r->part];
    roma_buf_print(b, "%u,%u,%u,%s,%s,", r->step, r->order, r->op, rider ? rider : roma_op_name(op->kind),
                   op->tensor == ROMA_NO_TENSOR ? "" : roma_tensor_role_name(p->desc->tensors[op->tensor].role));
    if (op->layer != UINT32_MAX) roma_buf_print(b, "%u", op->layer);
    roma_buf_print(b, ",%u,", r->block);
    if (rider) roma_buf_print(b, "%u", r->place);
    side(b, &r->rtl);
    side(b, &r->model);
    roma_buf_print(b, ",%llu,%d\n", (unsigned long long)r->reads, r->differs);
    if (e->o->all && !e->o->json && r->differs) {
        roma_buf text = {0};
        roma_buf_print(&text, "%s\n", r->difference);
        put_text(text.data, text.len);
        roma_buf_destroy(&text);
    }
}

static void report_json(const roma_cosim_report *r, roma_json *j) {
    roma_json_open(j, NULL, '{');
    roma_json_uint(j, "tokens", r->tokens);
    roma_json_uint(j, "mismatches", r->mismatches);
    roma_json_uint(j, "cycles_rtl", r->cycles_rtl);
    roma_json_uint(j, "cycles_model", r->cycles_model);
    roma_json_real(j, "seconds", r->seconds);
    roma_json_real(j, "build_seconds", r->build_seconds);
    if (r->first[0]) roma_json_string(j, "difference", r->first);
    roma_json_open(j, "operations", '[');
    for (unsigned k = 0; k < ROMA_COSIM_SUMS; k++) {
        if (!r->of[k].instances) continue;
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "operation",
                         k == ROMA_COSIM_DOWNS ? "down"
                         : k == ROMA_COSIM_UPS ? "up"
                                               : roma_op_name((roma_op_kind)k));
        roma_json_uint(j, "instances", r->of[k].instances);
        roma_json_uint(j, "cycles_rtl", r->of[k].cycles_rtl);
        roma_json_uint(j, "cycles_model", r->of[k].cycles_model);
        roma_json_uint(j, "padding_cyc", r->of[k].padding_cyc);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
    roma_json_close(j, '}');
}

static void report_text(const roma_cosim_report *r, bool all, roma_buf *b) {
    if (r->first[0] && !all) roma_buf_print(b, "%s\n", r->first);
    roma_buf_print(b, "%llu tokens, %llu operations differ; cycles: gates %llu, model %llu; %.1f s\n",
                   (unsigned long long)r->tokens, (unsigned long long)r->mismatches, (unsigned long long)r->cycles_rtl,
                   (unsigned long long)r->cycles_model, r->seconds);
}

/* ---- the run ---- */

static int put_csv(const cosim_run *e, roma_error *err) {
    static const char head[] = "step,order,op,name,tensor,layer,block,adapter,start_rtl,busy_rtl,end_rtl,crc_rtl,"
                               "start_model,busy_model,end_model,crc_model,reads,differs\n";
    if (!e->o->csv) return ROMA_OK;
    roma_outfile f;
    int rc = roma_outfile_open(&f, e->o->csv, err);
    if (rc) return rc;
    rc = roma_outfile_write(&f, head, sizeof head - 1, err);
    if (!rc) rc = roma_outfile_write(&f, e->csv.data, e->csv.len, err);
    if (!rc) rc = roma_outfile_commit(&f, err);
    roma_outfile_abort(&f);
    return rc;
}

/* Token ids with commas between; *ids is the caller's. */
static int read_ids(const char *text, uint32_t vocab, int32_t **ids, size_t *n, roma_error *err) {
    *ids = roma_alloc_array(strlen(text) / 2 + 1, sizeof **ids);
    if (!*ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for token ids");
    for (size_t digits; (digits = strspn(text, "0123456789")) > 0; text += digits + 1) {
        uint64_t v;
        if (!roma_json_to_u64(text, digits, &v) || v >= vocab) break;
        (*ids)[(*n)++] = (int32_t)v;
        if (!text[digits]) return ROMA_OK;
        if (text[digits] != ',') break;
    }
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--prompt-ids takes token ids below %u with commas between",
                     vocab);
}

static int run(cosim_run *e, const char *rtl, const char *cache, roma_cosim_report *r, roma_error *err) {
    const cosim_options *o = e->o;
    static cosim_sets sets;
    session_config c = o->session;
    roma_rtl_styles styles = {.style = ROMA_RTL_ARRAY};
    int rc = o->style ? roma_rtl_styles_read(&styles, o->style, err) : ROMA_OK;
    if (!rc && !c.answer.image) rc = cosim_tiny_image(e->tiny, sizeof e->tiny, err);
    if (!c.answer.image) c.answer.image = e->tiny;
    if (!rc) rc = session_open(&e->s, &c, err);
    if (!rc) rc = cosim_sets_open(&sets, &e->s, c.any_base, &o->lora_at, err);
    c.answer.running = 0, c.answer.sets = (uint32_t)sets.n;
    for (size_t i = 0; i < sets.n; i++)
        if (sets.list[i].n > c.answer.stack) c.answer.stack = (uint32_t)sets.list[i].n;
    if (!rc) rc = session_start(&e->s, &c, err);
    if (!rc) rc = cosim_sets_load(&sets, &e->s, err);
    int32_t *ids = NULL;
    size_t n = 0;
    const char *prompt = o->prompt ? o->prompt : usual_prompt;
    const roma_message text = {.role = ROMA_ROLE_USER, .text = prompt, .len = strlen(prompt)};
    if (!rc && o->ids) rc = read_ids(o->ids, roma_answer_image(e->s.a)->desc.hyper.vocab, &ids, &n, err);
    if (!rc && !o->ids) rc = roma_answer_prompt(e->s.a, &text, 1, ROMA_ANSWER_RAW, &ids, &n, err);
    const roma_cosim_config run = {.image = rc ? NULL : roma_answer_image(e->s.a),
                                   .place = rc ? NULL : roma_answer_placement(e->s.a),
                                   .engine = rc ? NULL : roma_answer_engine(e->s.a),
                                   .adapters = sets.adapter,
                                   .n_adapters = sets.n_adapters,
                                   .sets = sets.set,
                                   .n_sets = sets.n,
                                   .prompt = ids,
                                   .n_prompt = n,
                                   .tokens = o->tokens,
                                   .chunk = o->chunk,
                                   .styles = &styles,
                                   .rtl = rtl,
                                   .cache = cache,
                                   .vcd = o->vcd,
                                   .fault = o->fault,
                                   .quick = o->quick,
                                   .all = o->all,
                                   .progress = &progress};
    if (!rc) rc = roma_cosim_run(&run, r, record, e, err);
    progress_end();
    roma_free(ids);
    if (!rc) rc = put_csv(e, err);
    return rc;
}

static int cosim(const cosim_options *o) {
    char rtl[4096], cache[4096];
    cosim_run e = {.o = o};
    roma_cosim_report r;
    roma_error err;
    int rc = cosim_find_rtl(o->rtl, rtl, sizeof rtl, &err);
    if (!rc) rc = cosim_find_cache(cache, sizeof cache, &err);
    interrupt_catch(INTERRUPT_ASKS);
    if (!rc) rc = run(&e, rtl, cache, &r, &err);
    interrupt_seen();
    session_close(&e.s);
    if (e.tiny[0]) unlink(e.tiny);
    roma_buf_destroy(&e.csv);
    if (rc) return fail("cosim", &err);
    roma_buf b = {0};
    roma_json j = {.out = &b};
    if (o->json) {
        report_json(&r, &j);
        roma_buf_append(&b, "\n", 1);
    } else {
        report_text(&r, o->all, &b);
    }
    return print_page("cosim", &b, r.mismatches != 0);
}

static int list_faults(void) {
    roma_buf b = {0};
    const roma_rtl_fault *f;
    for (unsigned i = 0; (f = roma_rtl_fault_at(i)); i++)
        roma_buf_print(&b, "%-16s %s unit %u, %s: %s\n", f->name, f->is_matrix ? "matrix" : "vector", f->unit,
                       f->signal, f->what);
    return print_page("cosim", &b, 0);
}

int verb_cosim(int argc, char **argv) {
    static cosim_options o = {.tokens = 64};
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"chip", 0, OPT_TEXT, &o.chip, "NAME|FILE", 0, 0, "the chip, a file or a built-in name (default: mini)"},
        {"image", 'i', OPT_TEXT, &o.image, "IMAGE", 0, 0, "the image in the chip's ROMs (default: the tiny model)"},
        {"prompt", 'p', OPT_TEXT, &o.prompt, "TEXT", 0, 0,
         "text to go on from, without a template (default: Once upon a time)"},
        {"prompt-ids", 0, OPT_TEXT, &o.ids, "ID,...", 0, 0, "token ids in place of a text"},
        {"tokens", 'n', OPT_COUNT, &o.tokens, "N", 1, 16777216, "tokens to generate, the likeliest each (default: 64)"},
        {"chunk", 0, OPT_COUNT, &o.chunk, "N", 1, 255, "rows of a step of the prompt (default: the chip's chunk_rows)"},
        LORA_OPTIONS(o.session),
        {"style", 0, OPT_TEXT, &o.style, "STYLE", 0, 0,
         "how L-Units are written, as with roma rtl: array, case, brom, fused, UNIT.LUNIT=STYLE or UNIT.LUNIT=netlist "
         "of one, with commas (default: array)"},
        {"lora-at", 0, OPT_TEXTS, &o.lora_at, "POSITION:FILE[:SCALE]", 0, 0,
         "from this position on these adapters instead, swapped between two tokens; POSITION: alone, none"},
        {"csv", 0, OPT_OUT_FILE, &o.csv, "FILE", 0, 0,
         "a line for each operation of each step: both sides' cycles and hashes"},
        {"vcd", 0, OPT_TEXT, &o.vcd, "FILE", 0, 0, "waveform around the first difference"},
        {"fault", 0, OPT_TEXT, &o.fault, "NAME[:ARGS]", 0, 0, "plant a fault"},
        {"faults", 0, OPT_FLAG, &o.faults, NULL, 0, 0, "list the faults and end"},
        {"all", 0, OPT_FLAG, &o.all, NULL, 0, 0, "go on after a difference"},
        {"quick", 0, OPT_FLAG, &o.quick, NULL, 0, 0, "FP32 sums and products by this machine's, not the blocks'"},
        {"rtl", 0, OPT_TEXT, &o.rtl, "DIR", 0, 0, "folder of the Verilog blocks (default: beside the program)"},
        CHIP_KV_OPTION(o.session.answer.kv),
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const usage u = {
        "cosim",
        "[--image IMAGE] [options]",
        "Simulates a chip in gates with Verilator, and holds every operation against the engine's values, bit for bit, "
        "and\nthe chip model's cycles: start, busy and end. It ends with the first difference, and exit code 1.",
        "roma cosim --chip mini --image model.roma -p \"Once upon a time\" -n 64",
        own,
        NULL,
        0,
        0};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (roma_kv_find(o.session.answer.kv) != &roma_kv_formats[ROMA_KV_INT8])
        return usage_error("cosim", "--kv: H-Units in Verilog have int8 and no other format, not '%s'",
                           o.session.answer.kv);
    for (const option *p = own; o.faults && p->name; p++)
        if (p->out != &o.faults && options_refuse("cosim", (const char *const[]){p->name, NULL},
                                                  "does not go with --faults, which lists them and ends") != OPTIONS_GO)
            return 2;
    if (o.faults) return list_faults();
    static const option_need needs[] = {{"allow-base-mismatch", "lora|lora-at"}, {0}};
    const int alone = options_need("cosim", needs);
    if (alone != OPTIONS_GO) return alone;
    if (o.ids && o.prompt) return usage_error("cosim", "--prompt-ids and --prompt are two prompts");
    o.session.answer.image = o.image;
    o.session.answer.chip = o.chip ? o.chip : "mini";
    return cosim(&o);
}
