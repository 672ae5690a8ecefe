/* Runs a chip: commands on standard input, what the bench's probes see on standard output. A command is a line of three
 * hexadecimal numbers, what address data: what below F0 goes to the host's port for a cycle; F0: `data` cycles pass, then
 * a line "."; F1: the end. */
#include "Vbench.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif
#include <cinttypes>
#include <cstdio>
#include <memory>

static const unsigned RESET_CYCLES = 64;

namespace {
struct chip {
    std::unique_ptr<VerilatedContext> context{new VerilatedContext};
    std::unique_ptr<Vbench> bench;
    uint64_t time = 0;
    void half(int clk) {
        bench->clk = clk;
        bench->eval();
        time++;
    }
    void tick() {
        half(0);
        half(1);
    }
    void reset() {
        bench->reset = 1;
        bench->host_valid = 0;
        for (unsigned i = 0; i < RESET_CYCLES; i++) tick();
        bench->reset = 0;
        for (unsigned i = 0; i < RESET_CYCLES; i++) tick();
    }
    void host(unsigned what, uint64_t address, uint64_t data) {
        bench->host_valid = 1;
        bench->host_what = what;
        bench->host_address = address;
        bench->host_data = data;
        tick();
        bench->host_valid = 0;
    }
};
}  // namespace

int main(int argc, char **argv) {
    chip c;
    c.context->commandArgs(argc, argv);
    c.bench.reset(new Vbench(c.context.get()));
    c.reset();
    unsigned what;
    uint64_t address, data;
    while (scanf("%x %" SCNx64 " %" SCNx64, &what, &address, &data) == 3 && what != 0xf1) {
        if (what < 0xf0) {
            c.host(what, address, data);
            continue;
        }
        while (data--) c.tick();
        puts(".");
        fflush(stdout);
    }
    return 0;
}
