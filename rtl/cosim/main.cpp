/* Runs a chip: commands on standard input, what the bench's probes see on standard output. A command is a line, its
 * numbers hexadecimal:
 *   h WHAT ADDRESS DATA     a cycle at the host's port
 *   t STEP FROM TO FILE     writes a waveform of these cycles, cycle c at time 2 c (a program with traces)
 *   c N                     N cycles pass, then a line "." is written */
#include "Vbench.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif
#include <cinttypes>
#include <cstdio>
#include <memory>

namespace {

const unsigned RESET_CYCLES = 64;

struct trace {
    char file[3000];
    unsigned step, from, to;
};

class chip {
  public:
    explicit chip(VerilatedContext *context) : bench(new Vbench(context)) {
        bench->host_valid = 0;
        bench->reset = 1;
        run(RESET_CYCLES);
        bench->reset = 0;
        run(RESET_CYCLES);
    }
    ~chip() {
#if VM_TRACE
        if (waves) waves->close();
#endif
        bench->final();
    }
    void run(uint64_t cycles) {
        while (cycles--) {
            half(0);
            half(1);
        }
    }
    void host(unsigned what, uint64_t address, uint64_t data) {
        bench->host_valid = 1;
        bench->host_what = what;
        bench->host_address = address;
        bench->host_data = data;
        run(1);
        bench->host_valid = 0;
    }
    bool open(const trace &t) {
#if VM_TRACE
        window = t;
        waves.reset(new VerilatedVcdC);
        bench->trace(waves.get(), 5);
        waves->open(t.file);
        return waves->isOpen();
#else
        return t.file[0] == 0;
#endif
    }

  private:
    std::unique_ptr<Vbench> bench;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> waves;
    trace window;
#endif
    void half(int clk) {
        bench->clk = clk;
        bench->eval();
#if VM_TRACE
        if (waves && bench->step == window.step && bench->cycle >= window.from && bench->cycle < window.to)
            waves->dump(2 * uint64_t(bench->cycle) + !clk);
#endif
    }
};

} // namespace

int main(int argc, char **argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Verilated::threadContextp(&context); /* that of blocks too */
    context.traceEverOn(true);
    chip c(&context);
    static char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        unsigned what;
        uint64_t address, data;
        trace t;
        if (sscanf(line, "h %x %" SCNx64 " %" SCNx64, &what, &address, &data) == 3) {
            c.host(what, address, data);
        } else if (sscanf(line, "t %x %x %x %2999[^\n]", &t.step, &t.from, &t.to, t.file) == 4) {
            if (!c.open(t)) return 1;
        } else if (sscanf(line, "c %" SCNx64, &data) == 1) {
            c.run(data);
            puts(".");
            fflush(stdout);
        } else {
            return 2;
        }
    }
    return 0;
}
