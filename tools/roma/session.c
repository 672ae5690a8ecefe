/* From an image file to a running engine: open and check, chip, plan, tokenizer, memory, engine. */
#include "tool.h"

#include <string.h>

int image_open(roma_image *img, const char *path, bool no_verify, uint32_t threads, roma_error *err) {
    roma_team *team = NULL;
    int rc = ROMA_OK;
    if (!no_verify) rc = roma_team_create(&team, threads ? (int)threads : roma_cpu_count(), err);
    if (!rc) rc = roma_image_open(img, path, no_verify ? ROMA_IMAGE_NO_VERIFY : 0, team, err);
    roma_team_destroy(team);
    return rc;
}

static int choose_template(session *s, const char *name, roma_error *err) {
    s->template = s->image.has_vocab ? (roma_template_kind)s->image.vocab.template_kind : ROMA_TEMPLATE_NONE;
    if (!name) return ROMA_OK;
    const char *names[] = {
#define X(id, value, text, help) text,
        ROMA_TEMPLATES(X)
#undef X
    };
    const int kind = roma_template_find(name);
    if (kind >= 0) {
        s->template = (roma_template_kind)kind;
        return ROMA_OK;
    }
    char all[256] = "", shown[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, names[i], sizeof all - strlen(all) - 1);
    }
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "no template '%s'; there are %s",
                     roma_error_name(shown, sizeof shown, name, strlen(name)), all);
}

int session_open(session *s, const session_config *c, roma_error *err) {
    roma_chip chip;
    memset(s, 0, sizeof *s);
    int rc = roma_chip_open(&chip, c->chip, err);
    if (!rc) rc = image_open(&s->image, c->image, c->no_verify, c->threads, err);
    s->has_image = !rc;
    if (!rc) rc = roma_map_plan(&s->plan, &s->image.desc, &chip, err);
    s->has_plan = s->has_image && !rc;
    if (!rc && s->image.has_vocab) rc = roma_tokenizer_create(&s->tok, &s->image.vocab, c->image, err);
    if (!rc) rc = choose_template(s, c->template, err);
    if (!rc) rc = loras_add(&s->loras, &s->image, c->any_base, c->lora.item, c->lora.n, &s->set, err);
    if (rc) session_close(s);
    return rc;
}

enum { PIECE = 3 * (ROMA_TOKEN_BYTES_MAX + 4), PROPOSALS = 15 };

roma_exec_config session_exec_config(const session *s, const session_config *c) {
    roma_exec_config out = {.threads = (int)c->threads,
                            .pin = c->pin,
                            .isa = c->isa,
                            .context = c->context,
                            .sequences = c->sequences,
                            .rows = c->rows,
                            .logit_rows = c->logit_rows,
                            .pages = c->pages};
    loras_room(&s->loras, s->plan.desc, c->adapters, c->rank, &out);
    roma_exec_limit(&out, (uint64_t)c->sram_mib << 20, c->chip ? &s->plan.chip : NULL);
    return out;
}

int session_start(session *s, const session_config *c, roma_error *err) {
    const roma_exec_config cfg = session_exec_config(s, c);
    roma_exec_memory m;
    int rc = roma_exec_bytes(&s->plan, &cfg, &m, err);
    if (rc) return rc;
    note("memory: image %.1f MiB mapped, cache %.1f MiB for %u tokens, adapters %.1f MiB, activations %.1f MiB, work "
         "%.1f MiB",
         (double)s->image.map.size / 1048576, (double)m.cache / 1048576, m.pages * ROMA_PAGE,
         (double)m.adapters / 1048576, (double)m.activations / 1048576, (double)(m.work + PIECE) / 1048576);
    if (s->plan.note[0]) note("note: %s", s->plan.note);
    rc = roma_arena_create(&s->answer, PIECE, err);
    if (rc) return rc;
    s->piece = roma_arena_take(&s->answer, PIECE);
    rc = roma_exec_create(&s->exec, &s->image, &s->plan, &cfg, err);
    return rc ? rc : loras_load(&s->loras, s->exec, err);
}

int session_batch(session *s, const session_config *config, uint32_t running, roma_error *err) {
    session_config c = *config;
    if (c.spec && strcmp(c.spec, "off") != 0 && strcmp(c.spec, "auto") != 0)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--spec takes off or auto");
    s->drafts = !c.spec || strcmp(c.spec, "auto") == 0;
    c.rows = roma_exec_rows(c.rows, running);
    c.logit_rows = running + (s->drafts ? PROPOSALS : 0);
    if (c.logit_rows > c.rows) c.logit_rows = c.rows;
    s->batch_config =
        (roma_batch_config){.running = running, .waiting = running, .proposals = s->drafts ? PROPOSALS : 0};
    const int rc = session_start(s, &c, err);
    return rc ? rc : roma_batch_create(&s->batch, s->exec, &s->batch_config, err);
}

uint64_t session_arena_bytes(const session *s) {
    const roma_exec_memory *m = roma_exec_memory_of(s->exec);
    return m->cache + m->adapters + m->activations + m->work + PIECE +
           (s->batch ? roma_batch_bytes(s->exec, &s->batch_config) : 0) + (s->tok ? roma_tokenizer_bytes(s->tok) : 0);
}

void session_close(session *s) {
    roma_batch_destroy(s->batch);
    roma_exec_destroy(s->exec);
    roma_arena_destroy(&s->answer);
    roma_tokenizer_destroy(s->tok);
    loras_close(&s->loras);
    if (s->has_plan) roma_plan_destroy(&s->plan);
    if (s->has_image) roma_image_close(&s->image);
    memset(s, 0, sizeof *s);
}
