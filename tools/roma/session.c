/* What the options of a verb that runs an image come to: the image opened, its engine started; contract in tool.h. */
#include "tool.h"
#include "roma/kern.h"

#include <string.h>

int image_open(roma_image *img, const char *path, bool no_verify, uint32_t threads, roma_error *err) {
    roma_team *team = NULL;
    int rc = no_verify ? ROMA_OK : roma_team_create(&team, threads ? (int)threads : roma_cpu_count(), err);
    if (!rc) rc = roma_image_open(img, path, no_verify ? ROMA_IMAGE_NO_VERIFY : 0, team, err);
    roma_team_destroy(team);
    return rc;
}

/* What the chat template is given beside the messages. */
static int read_given(session *s, const session_config *c, roma_error *err) {
    int rc = c->tools ? read_all(&s->tools, c->tools, err) : ROMA_OK;
    if (!rc && c->documents) rc = read_all(&s->documents, c->documents, err);
    if (rc) return rc;
    for (size_t i = 0; i < c->template_arg.n; i++)
        s->template_arg[i] = (roma_answer_text){c->template_arg.item[i], strlen(c->template_arg.item[i])};
    s->dialog.args = (roma_answer_texts){s->template_arg, c->template_arg.n};
    if (c->tools) s->dialog.tools = (roma_answer_text){s->tools.len ? (const char *)s->tools.data : "", s->tools.len};
    if (c->documents)
        s->dialog.documents =
            (roma_answer_text){s->documents.len ? (const char *)s->documents.data : "", s->documents.len};
    return ROMA_OK;
}

/* What the template has no use for would be believed to be in the prompt. */
static int check_given(const session *s, const session_config *c, roma_error *err) {
    char shown[64];
    if (c->documents && roma_answer_template_ignores(s->a, "documents", 9))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--documents: the chat template shows none to the model");
    for (size_t i = 0; i < c->template_arg.n; i++) {
        const char *name = c->template_arg.item[i];
        const size_t len = strcspn(name, "=");
        if (name[len] && roma_answer_template_ignores(s->a, name, len))
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "--template-arg: the chat template has no use for '%s'",
                             roma_error_name(shown, sizeof shown, name, len));
    }
    return ROMA_OK;
}

/* Before anything is read, so that a wrong name costs no work. */
static int check_names(const session_config *c, roma_error *err) {
    char shown[64], here[128];
    const char *isa = c->answer.isa;
    if (c->spec && strcmp(c->spec, "off") != 0 && strcmp(c->spec, "auto") != 0)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--spec takes off or auto, not '%s'",
                         roma_error_name(shown, sizeof shown, c->spec, strlen(c->spec)));
    if (isa && !roma_kern_find(isa))
        return roma_fail(
            err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--isa: this CPU or build has no instruction set '%s'; it has: auto %s",
            roma_error_name(shown, sizeof shown, isa, strlen(isa)), roma_kern_list_here(here, sizeof here));
    return ROMA_OK;
}

int session_open(session *s, session_config *c, roma_error *err) {
    memset(s, 0, sizeof *s);
    int rc = check_names(c, err);
    if (rc) return rc;
    c->answer.sram_bytes = (uint64_t)c->sram_mib << 20;
    c->answer.chip_is_limit = c->answer.chip != NULL;
    rc = roma_answer_open(&s->a, &c->answer, err);
    if (!rc) rc = loras_open(&s->loras, s->a, c->any_base, c->lora.item, c->lora.n, err);
    if (!rc) rc = check_given(s, c, err);
    if (!rc) rc = read_given(s, c, err);
    if (rc) session_close(s);
    return rc;
}

void session_say_template(const session *s) {
    const char *why = roma_answer_template_note(s->a);
    if (why && roma_answer_tokenizer(s->a))
        note("note: %s; the text is completed as it stands, --template names another form", why);
}

/* The one list of adapters that most verbs have. */
static void settle(const session *s, const session_config *c, roma_answer_config *out) {
    *out = c->answer;
    out->no_proposals = c->spec && strcmp(c->spec, "off") == 0;
    if (s->loras.n > out->stack) out->stack = (uint32_t)s->loras.n;
}

static void say_kernels(const roma_exec *e) {
    const roma_exec_choice *c = roma_exec_choice_of(e);
    const char *variant = c->kern->variant;
    print_to(stderr, "kernels: %s%s%s%s, %d threads\n", c->kern->name, variant ? "-" : "", variant ? variant : "",
             c->why == ROMA_CHOICE_MEASURED ? ", chosen by a trial" : "", roma_exec_threads(e));
}

int session_start(session *s, const session_config *config, roma_error *err) {
    roma_answer_config c;
    roma_exec_memory m;
    settle(s, config, &c);
    int rc = roma_answer_size(s->a, &c, &m, err);
    if (rc) return rc;
    const uint64_t image = roma_answer_image(s->a)->map.size;
    const char *said = roma_answer_placement(s->a)->note;
    if (config->sram_mib && !config->quiet)
        print_to(stderr, "SRAM of %u MiB leaves %u tokens of context\n", config->sram_mib, m.context);
    if (config->verbose)
        print_to(
            stderr,
            "memory: image %.1f MiB mapped, cache %.1f MiB for %u tokens, adapters %.1f MiB, activations %.1f MiB, "
            "work %.1f MiB\n",
            (double)image / 1048576, (double)m.cache / 1048576, m.pages * ROMA_PAGE, (double)m.adapters / 1048576,
            (double)m.activations / 1048576, (double)m.work / 1048576);
    if (said[0]) note("note: %s", said);
    rc = roma_answer_start(s->a, &c, err);
    if (!rc && config->verbose) say_kernels(roma_answer_engine(s->a));
    return rc ? rc : roma_answer_adapters_load(s->a, s->loras.item, s->loras.n, &s->set, err);
}

void session_close(session *s) {
    roma_answer_close(s->a);
    roma_buf_destroy(&s->tools);
    roma_buf_destroy(&s->documents);
    s->a = NULL;
}

/* ---- prompts ---- */

int session_prompt(const session *s, roma_answer_text text, roma_answer_text system, const roma_answer_dialog *d,
                   int32_t **ids, size_t *n, roma_error *err) {
    roma_answer_dialog all = *d;
    const roma_message m[2] = {{ROMA_ROLE_SYSTEM, system.text, system.len}, {ROMA_ROLE_USER, text.text, text.len}};
    *ids = NULL;
    if (roma_answer_tokenizer(s->a) && roma_answer_is_raw(s->a, d->flags) && system.text) return no_template(err);
    if (!d->json.text) {
        all.messages = system.text ? m : m + 1;
        all.n = system.text ? 2 : 1;
    }
    return roma_answer_dialog_prompt(s->a, &all, ids, n, NULL, err);
}

int no_template(roma_error *err) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                     "a system message needs a chat template; --template chooses one");
}

int session_fits(const session *s, size_t n_prompt, roma_error *err) {
    const uint32_t context = roma_exec_memory_of(roma_answer_engine(s->a))->context;
    if (n_prompt <= context) return ROMA_OK;
    return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE,
                     "the prompt's %zu tokens do not fit the context of %u; a larger --ctx makes room", n_prompt,
                     context);
}
