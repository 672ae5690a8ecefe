/* roma cosim: the emitted chip, simulated, beside engine and chip model. */
#include "tool.h"
#include "roma/cosim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    session_config session;
    const char *prompt, *chip, *image, *csv, *vcd, *fault, *rtl, *style;
    uint32_t tokens, chunk;
    bool json, quick, all, faults;
} cosim_options;

typedef struct {
    const cosim_options *o;
    session s;
    roma_buf csv;
} cosim_run;

static const char usual_prompt[] = "Once upon a time";

/* ---- folders ---- */

/* The blocks: where make install puts them beside the program, or in the source tree that the program was built in. */
static int find_rtl(const char *given, char *out, size_t cap, roma_error *err) {
    static const char *const beside[] = {"/../share/roma/rtl", "/../rtl"};
    char self[4096];
    if (given) {
        roma_print(out, cap, "%s", given);
        return ROMA_OK;
    }
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash) *slash = 0;
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        char probe[8300];
        roma_print(probe, sizeof probe, "%s%s/cosim/main.cpp", self, beside[i]);
        if (!is_file(probe)) continue;
        roma_print(probe, sizeof probe, "%s%s", self, beside[i]);
        char *real = realpath(probe, NULL);
        if (!real) continue;
        roma_print(out, cap, "%s", real);
        free(real);
        return ROMA_OK;
    }
    return roma_fail(
        err, ROMA_EIO, "", ROMA_NOWHERE,
        "the chip's Verilog blocks are neither under share/roma nor beside the program; --rtl DIR names them");
}

static int find_cache(char *out, size_t cap, roma_error *err) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        roma_print(out, cap, "%s/roma/cosim", xdg);
    else if (home && *home)
        roma_print(out, cap, "%s/.cache/roma/cosim", home);
    else
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no folder for simulators: set HOME or XDG_CACHE_HOME");
    return ROMA_OK;
}

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
    roma_buf_print(b, "%u,%u,%u,%s,%s,", r->step, r->order, r->op, roma_op_name(op->kind),
                   op->tensor == ROMA_NO_TENSOR ? "" : roma_tensor_role_name(p->desc->tensors[op->tensor].role));
    if (op->layer != UINT32_MAX) roma_buf_print(b, "%u", op->layer);
    roma_buf_print(b, ",%u", r->block);
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
    for (unsigned k = 0; k < ROMA_OP_COUNT; k++) {
        if (!r->of[k].instances) continue;
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "operation", roma_op_name((roma_op_kind)k));
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
    static const char head[] = "step,order,op,name,tensor,layer,block,start_rtl,busy_rtl,end_rtl,crc_rtl,"
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

static int run(cosim_run *e, const char *rtl, const char *cache, roma_cosim_report *r, roma_error *err) {
    const cosim_options *o = e->o;
    session_config c = o->session;
    roma_rtl_styles styles = {.style = ROMA_RTL_ARRAY};
    c.answer.running = 0;
    int rc = o->style ? roma_rtl_styles_read(&styles, o->style, err) : ROMA_OK;
    if (!rc) rc = session_open(&e->s, &c, err);
    if (!rc) rc = session_start(&e->s, &c, err);
    int32_t *ids = NULL;
    size_t n = 0;
    const roma_message text = {.role = ROMA_ROLE_USER, .text = o->prompt, .len = strlen(o->prompt)};
    if (!rc) rc = roma_answer_prompt(e->s.a, &text, 1, ROMA_ANSWER_RAW, &ids, &n, err);
    const roma_adapter *adapters[ROMA_EXEC_STACK_MAX];
    float factors[ROMA_EXEC_STACK_MAX];
    for (size_t i = 0; !rc && i < e->s.loras.n; i++) {
        adapters[i] = roma_answer_adapter_find(e->s.a, e->s.loras.item[i].name);
        factors[i] = e->s.loras.item[i].factor;
    }
    const roma_cosim_config run = {.image = rc ? NULL : roma_answer_image(e->s.a),
                                   .place = rc ? NULL : roma_answer_placement(e->s.a),
                                   .engine = rc ? NULL : roma_answer_engine(e->s.a),
                                   .set = e->s.set,
                                   .adapters = adapters,
                                   .factors = factors,
                                   .n_adapters = (uint32_t)e->s.loras.n,
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
    int rc = find_rtl(o->rtl, rtl, sizeof rtl, &err);
    if (!rc) rc = find_cache(cache, sizeof cache, &err);
    interrupt_catch(INTERRUPT_ASKS);
    if (!rc) rc = run(&e, rtl, cache, &r, &err);
    interrupt_seen();
    session_close(&e.s);
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
    return print_buf("cosim", &b, r.mismatches != 0);
}

static int list_faults(void) {
    roma_buf b = {0};
    const roma_rtl_fault *f;
    for (unsigned i = 0; (f = roma_rtl_fault_at(i)); i++)
        roma_buf_print(&b, "%-16s %s unit %u: %s\n", f->name, f->is_matrix ? "matrix" : "vector", f->unit, f->what);
    return print_buf("cosim", &b, 0);
}

int verb_cosim(int argc, char **argv) {
    static cosim_options o = {.prompt = usual_prompt, .tokens = 64};
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"chip", 0, OPT_TEXT, &o.chip, "NAME|FILE", 0, 0, "the chip, a file or a built-in name (default: mini)"},
        {"image", 'i', OPT_TEXT, &o.image, "IMAGE", 0, 0, "the image in the chip's ROMs"},
        {"prompt", 'p', OPT_TEXT, &o.prompt, "TEXT", 0, 0,
         "text to go on from, without a template (default: Once upon a time)"},
        {"tokens", 'n', OPT_COUNT, &o.tokens, "N", 1, 16777216, "tokens to generate, the likeliest each (default: 64)"},
        {"chunk", 0, OPT_COUNT, &o.chunk, "N", 1, 255, "rows of a step of the prompt (default: the chip's chunk_rows)"},
        LORA_OPTIONS(o.session),
        {"style", 0, OPT_TEXT, &o.style, "STYLE", 0, 0,
         "how L-Units are written, as with roma rtl: array, case, brom, fused, UNIT.LUNIT=STYLE or UNIT.LUNIT=netlist "
         "of one, with commas (default: array)"},
        {"csv", 0, OPT_OUT_FILE, &o.csv, "FILE", 0, 0,
         "a line for each operation of each step: both sides' cycles and hashes"},
        {"vcd", 0, OPT_TEXT, &o.vcd, "FILE", 0, 0, "waveform around the first difference"},
        {"fault", 0, OPT_TEXT, &o.fault, "NAME[:ARGS]", 0, 0, "plant a fault"},
        {"faults", 0, OPT_FLAG, &o.faults, NULL, 0, 0, "list the faults and end"},
        {"all", 0, OPT_FLAG, &o.all, NULL, 0, 0, "go on after a difference"},
        {"quick", 0, OPT_FLAG, &o.quick, NULL, 0, 0, "FP32 sums and products by this machine's, not the blocks'"},
        {"rtl", 0, OPT_TEXT, &o.rtl, "DIR", 0, 0, "folder of the Verilog blocks (default: beside the program)"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const usage u = {
        "cosim",
        "--image IMAGE [options]",
        "Simulates a chip in gates with Verilator, and holds every operation against the engine's values, bit for bit, "
        "and\nthe chip model's cycles: start, busy and end. It ends with the first difference, and exit code 1.",
        "roma cosim --chip mini --image model.roma -p \"Once upon a time\" -n 64",
        own,
        NULL,
        0,
        0};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (o.faults) return list_faults();
    if (!o.image) return usage_error("cosim", "--image IMAGE is missing");
    if (o.style && o.fault) return usage_error("cosim", "--fault turns bits of arrays; give it without --style");
    o.session.answer.image = o.image;
    o.session.answer.chip = o.chip ? o.chip : "mini";
    return cosim(&o);
}
