/* The faults that a bench can plant: each one place of one unit, of which a run must name the operation and the unit.
 */
#include "roma/rtl.h"

#include <string.h>

/* name, unit kind, unit, how, signal, value, what. A value that begins with a point is a signal of the same tile. */
/* clang-format off */
#define FAULTS(X)                                                                                                      \
    X("rom-bit", M, 1, TURNED, "rom_0.rom[520]", "64'h1", "a bit of an L-Unit's ROM is the other one")                   \
    X("rom-word", M, 5, TURNED, "rom_3.rom[300]", "64'hFFFF", "a lane's worth of bits of an L-Unit's ROM is wrong")      \
    X("scale-bit", M, 2, TURNED, "scales.words[360]", "64'h400", "a bit of the ROM of scales is the other one")          \
    X("gain-bit", V, 1, TURNED, "vectors.words[2]", "256'h800000", "a bit of a norm's weights is the other one")         \
    X("increment-bit", V, 0, TURNED, "turns.words[1]", "64'h100000000000", "a bit of a RoPE increment is the other one") \
    X("step-lost", M, 7, HELD, "i_step[73]", "1'b0", "the step's beginning is lost on its way")                          \
    X("position-stuck", V, 1, HELD, "core.positions[0]", "1'b1", "a bit of the first row's position is stuck at 1")      \
    X("hop-missing", M, 1, HELD, "i_code[CODE_VALID:0]", ".c1", "codes pass a hop less than the others")                 \
    X("wrong-hop", M, 1, HELD, "o_res[RES_INDEX]", "1'b1", "results go where the neighbouring row group's belong")       \
    X("wrong-channel", V, 1, HELD, "i_res[31:0]", ".i_res[RES_VALID+1 +: 32]", "results of a unit are taken for another's") \
    X("result-lost", M, 0, HELD, "o_res[RES_VALID]", "1'b0", "results are lost on their way")                            \
    X("arrival-lost", V, 3, HELD, "i_res[RES_VALID]", "1'b0", "results of a unit are lost where they arrive")            \
    X("address-stuck", M, 1, HELD, "lunit_address[2]", "1'b0", "a bit of the L-Units' address is stuck at 0")            \
    X("code-stuck", M, 0, HELD, "lunit_codes[4]", "1'b1", "a bit of the activations into an L-Unit is stuck at 1")       \
    X("shift-stuck", M, 4, HELD, "lunit_shifts[1:0]", "2'd3", "the shift of eight activations is stuck")                 \
    X("width-select", M, 6, HELD, "lunit_bits", "2'd2", "the L-Units take codes as 8-bit ones")                          \
    X("sum-stuck", M, 7, HELD, "lunit_sums[3]", "1'b1", "a bit of an L-Unit's sum is stuck at 1")                        \
    X("row-swapped", M, 5, HELD, "lunit_sums[24:0]", ".lunit_sums[49:25]", "a row has the other row's sum of an L-Unit") \
    X("linear-late", M, 3, HELD, "core.products.scaled", "1'b0", "a product may not start")                              \
    X("merge-select", M, 2, HELD, "core.op_merge", "0", "sums of neighbouring L-Units are not merged")                   \
    X("minimum-select", M, 3, HELD, "core.op_minimum", "1'b0", "minima are left out")                                    \
    X("zero-point", M, 5, HELD, "core.op_zero", "9'd1", "the zero point is 1")                                           \
    X("tree-levels", M, 1, HELD, "core.op_levels", "1", "the tree of groups ends a level too early")                     \
    X("buffer-row", M, 0, HELD, "core.op_row", "1'b1", "a product reads the other row of activations")                   \
    X("matrix-address", M, 4, HELD, "core.op_address[0]", "1'b1", "a matrix begins at an odd address")                   \
    X("scale-address", M, 7, HELD, "core.op_scale[0]", "1'b1", "a matrix's scales begin at an odd address")              \
    X("fill-code", M, 2, HELD, "core.fill_codes[9]", "1'b1", "a bit of the broadcast's codes is stuck at 1")             \
    X("fill-shift", M, 3, HELD, "core.fill_shifts[2:0]", "3'd7", "a shift of the broadcast is stuck at 7")               \
    X("scale-value", M, 5, HELD, "i_scale[20]", "1'b1", "a bit of the activations' scale is stuck at 1 on its way")      \
    X("scale-lost", M, 6, HELD, "i_scale[49]", "1'b0", "a scale of activations is lost on its way")                      \
    X("embed-row", M, 0, HELD, "core.op_lookup_row", "0", "the embedding takes the other row of a row group")    \
    X("page-swapped", M, 0, HELD, "core.hunit.base_d", "72", "keys and values are written into the next layer's page")   \
    X("page-holder", M, 2, HELD, "core.hunit.of_head", "8'd0", "a unit takes another unit's pages for its own")          \
    X("page-read", M, 1, HELD, "core.hunit.passes.layer_now", "0", "an attention reads the first layer's pages")         \
    X("peak-lost", M, 4, HELD, "i_peak_back[PEAK_VALID]", "1'b0", "the largest score is not known to an H-Unit")         \
    X("denominator", M, 6, HELD, "o_den[29]", "1'b1", "a bit of a sum of weights is stuck at 1")                         \
    X("leaf-stuck", M, 1, HELD, "o_leaf[30]", "1'b1", "a bit of a page's leaf is stuck at 1")                            \
    X("attention-stuck", V, 0, HELD, "i_att[20]", "1'b1", "a bit of what attention gives is stuck at 1 where it arrives") \
    X("cache-unheard", V, 3, HELD, "i_tok", "2'd0", "the end of an operation of H-Units is not heard")                                   \
    X("send-address", V, 0, HELD, "core.send_address[0]", "1'b0", "H-Units get a word twice")                            \
    X("sine-constant", V, 2, HELD, "core.fp32.gen_sine[0].turn[31:0]", "32'd0", "an angle is 0")                         \
    X("operand-sign", V, 3, HELD, "core.y[31]", "1'b1", "the sign of a second operand is stuck at 1")                    \
    X("largest-lost", V, 1, HELD, "i_max_back[64]", "1'b0", "the largest magnitude is not known to a vector unit")       \
    X("squares-stuck", V, 2, HELD, "o_sum[30]", "1'b1", "a bit of a sum of squares is stuck at 1")                       \
    X("cycle-more", V, 3, HELD, "core.passes.waits", "1'b1", "a pass waits")                                             \
    X("vector-late", V, 0, HELD, "core.sequencer.there", "1'b0", "operations of a vector unit may not start")            \
    X("cycle-fewer", V, 2, HELD, "core.sequencer.there", "1'b1", "operations of a vector unit wait for nothing")         \
    X("lane-select", V, 1, HELD, "core.lanes[2]", "1'b0", "a lane is left out")                                          \
    X("write-lane", V, 2, HELD, "core.res_lane[2:0]", "3'd0", "results of a matrix unit go to the wrong lane")           \
    X("exp-constant", V, 1, HELD, "core.fp32.gen_silu[0].silu.exponential.n2", "32'd0", "a constant of exp is 0")        \
    X("tie-side", M, 0, HELD, "core.is_best", "index == 16'd0 || largest[55:24] >= best[55:24]", "of equal logits the last one is chosen") \
    X("adapter-page", M, 4, HELD, "core.adapters.op_slot", "adapters.is_up ? 16'd0 : adapters.slot", "an up has the words of an adapter's first matrix")
/* clang-format on */

static const roma_rtl_fault faults[] = {
#define M true
#define V false
#define HELD false
#define TURNED true
#define X(name, kind, unit, is_turned, signal, value, what) {name, what, kind, is_turned, unit, signal, value},
    FAULTS(X)
#undef X
#undef HELD
#undef TURNED
#undef M
#undef V
};

/* The L-Unit whose ROM a fault turns a bit of, or -1. */
static int rom_of(const roma_rtl_fault *f) {
    const char *at = f->signal;
    return f->is_turned && strncmp(at, "rom_", 4) == 0 ? at[4] - '0' : -1;
}

bool roma_rtl_fault_fits(const roma_rtl_fault *f, uint32_t unit, const roma_rtl_styles *styles) {
    const int lunit = rom_of(f);
    roma_rtl_style style = styles ? styles->style : ROMA_RTL_ARRAY;
    for (size_t i = 0; styles && i < styles->others; i++)
        if (styles->other[i].unit == unit && (int)styles->other[i].lunit == lunit) style = styles->other[i].style;
    return lunit < 0 || style == ROMA_RTL_ARRAY;
}

const roma_rtl_fault *roma_rtl_fault_at(unsigned i) { return i < sizeof faults / sizeof *faults ? faults + i : NULL; }
